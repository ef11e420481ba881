"""`xenbuild run` of a test whose machine is Bochs, which has no terminal of its own for the serial line: we are it."""

from __future__ import annotations

import os
import selectors
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.errors import HostError

if TYPE_CHECKING:
    from xenbuild.media.build import Settings
    from xenbuild.media.results import Image
    from xenbuild.spec.model import Declaration
    from xenbuild.spec.proof import Test

_TICK = 0.25  # seconds between looks whether Bochs still runs
_ESCAPE = b"\x01"  # Ctrl-A, as with QEMU: x leaves, a second one is meant for the machine


def in_bochs(declaration: Declaration, settings: Settings, image: Image, test: Test, dry_run: bool) -> None:
    """Runs until the user leaves or Bochs ends. Raises HostError if it could not run the machine."""
    from xenbuild.cli.test import firmware_folder
    from xenbuild.media.build import board_of
    from xenbuild.prove.bochs import connecting, listen, on_bochs, reason
    from xenbuild.prove.machine import loader_words

    board, tree = board_of(declaration), partial(firmware_folder, declaration, settings)
    bochs = on_bochs(image.path, test, board, tree, image.path.parent / "tests")
    with listen() as listener:
        argv = bochs.argv(connecting(listener), loader_words(test.cmdline))
        if dry_run:
            print(shlex.join(argv))
            return
        print(f"{image.target} {image.name} on Bochs as {bochs.cpu}: Ctrl-A x leaves", flush=True)
        output = bochs.folder / "output"
        status = _run(argv, listener, output)
    if status:
        raise HostError(f"Bochs ended with status {status}: {reason(output.read_text(errors='replace').strip())}")


def _run(argv: Sequence[str], listener: socket.socket, output: Path) -> int:
    """Bochs's exit status; 0 if the user has left."""
    from xenbuild.prove.process import die_with_parent

    with output.open("wb") as file, _raw_terminal():
        nowhere = subprocess.DEVNULL
        process = subprocess.Popen(argv, stdin=nowhere, stdout=file, stderr=file, preexec_fn=die_with_parent)
        try:
            return _relay(process, listener)
        finally:
            process.kill()
            process.wait()


def _relay(process: subprocess.Popen[bytes], listener: socket.socket) -> int:
    """Between the terminal and the serial line, until either has ended."""
    line: socket.socket | None = None
    escaped = False
    with selectors.SelectSelector() as selector:  # the only kind that takes a file for the input
        for source in (listener, sys.stdin.fileno()):
            selector.register(source, selectors.EVENT_READ)
        while process.poll() is None:
            for key, _ in selector.select(_TICK):
                if key.fileobj is listener:
                    line, _ = listener.accept()
                    selector.unregister(listener)
                    selector.register(line, selectors.EVENT_READ)
                elif key.fileobj is line:
                    data = line.recv(1 << 16)
                    if not data:
                        return process.wait()
                    os.write(1, data)
                else:
                    data = os.read(key.fd, 1 << 10)
                    typed, escaped, leaves = unescaped(data, escaped)
                    if leaves:
                        return 0
                    if not data:
                        selector.unregister(key.fileobj)
                    elif line:
                        line.sendall(typed)
    return process.returncode


def unescaped(data: bytes, escaped: bool) -> tuple[bytes, bool, bool]:
    """What is typed for the machine, whether Ctrl-A came last, and whether the user leaves."""
    typed = bytearray()
    for byte in data:
        one = bytes([byte])
        if escaped and one in b"xX":
            return bytes(typed), False, True
        if one == _ESCAPE and not escaped:
            escaped = True
            continue
        typed += one
        escaped = False
    return bytes(typed), escaped, False


@contextmanager
def _raw_terminal() -> Iterator[None]:
    """Every key goes to the machine at once, and comes back only if that says it."""
    import termios
    import tty

    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(0)
    try:
        tty.setraw(0)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
