"""gdb for a machine in QEMU: the words of both ends, and the debug information beside the images."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

from xenbuild.media.build import Settings, for_gdb
from xenbuild.parts.compiled import Compiled, compiled
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


def words(declaration: Declaration, settings: Settings, folder: Path, port: int) -> tuple[list[str], list[str]]:
    """The command that starts gdb, and lines about the files for what runs under the hypervisor.

    All of ours get their debug information into the results' folder.
    """
    argv, lines = ["gdb"], []
    own = list(compiled(declaration))
    made = for_gdb(declaration, settings)
    places = {said: real for one in own for said, real in one.places.items()}
    for said, real in places.items():
        argv += ["-ex", f"set substitute-path {said} {real}"]
    argv += ["-ex", f"target remote {_HOST}:{port}"]
    for one in own:
        beside = folder / one.debug_file
        fresh = beside.with_name(f"{beside.name}.{os.getpid()}")
        copy(made[one.debug_file], fresh)
        fresh.replace(beside)
        place = os.path.relpath(beside)
        if one.program.name == declaration.target.hypervisor and not one.guests:
            argv.append(place)
        else:
            lines.append(f"while {_runs(one)} runs: symbol-file {place}")
    return argv, lines


def _runs(one: Compiled) -> str:
    return f"guest {' or '.join(one.guests)}" if one.guests else one.program.name
