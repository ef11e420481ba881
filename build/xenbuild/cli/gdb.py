"""gdb for a machine in QEMU: the words of both ends, and the debug information beside the images."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

from xenbuild.media.build import Settings, for_gdb
from xenbuild.parts.objects import PLACE
from xenbuild.spec.data import data_dir
from xenbuild.spec.model import Declaration
from xenbuild.spec.recipe import Board
from xenbuild.store.files import copy

_HOST = "127.0.0.1"
# gdb refuses a program of 32 bits if the machine's registers are those of x86-64, as QEMU's for it says always.
_QEMU = {"ia32": "qemu-system-i386"}


def board_for(declaration: Declaration, board: Board) -> Board:
    """The board in a QEMU whose registers are the target's."""
    return replace(board, qemu=_QEMU.get(declaration.target.arch, board.qemu))


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.create_server((_HOST, 0)) as server:
        return int(server.getsockname()[1])


def stub(port: int) -> list[str]:
    """What makes QEMU wait for gdb before the first instruction."""
    return ["-gdb", f"tcp:{_HOST}:{port}", "-S"]


def words(declaration: Declaration, settings: Settings, folder: Path, port: int) -> list[str]:
    """The command that starts gdb; a hypervisor of ours gets its debug information into the results' folder."""
    there = ["-ex", f"target remote {_HOST}:{port}"]
    made = for_gdb(declaration, settings)
    if made is None:
        return ["gdb", *there]
    beside = folder / f"{declaration.target.hypervisor}.debug"
    fresh = beside.with_name(f"{beside.name}.{os.getpid()}")
    copy(made, fresh)
    fresh.replace(beside)
    sources = ["-ex", f"set substitute-path {PLACE}/hv {data_dir('hvkernel')}"]
    return ["gdb", *sources, *there, os.path.relpath(beside)]
