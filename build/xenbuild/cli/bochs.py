"""`xenbuild run` of a test whose machine is Bochs."""

from __future__ import annotations

import os
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.errors import HostError

if TYPE_CHECKING:
    from xenbuild.media.build import Settings
    from xenbuild.media.results import Image
    from xenbuild.spec.model import Declaration
    from xenbuild.spec.proof import Test


def in_bochs(declaration: Declaration, settings: Settings, image: Image, test: Test, dry_run: bool) -> None:
    """Becomes Bochs with the machine's serial line on this terminal; or prints the command line."""
    from xenbuild.cli.test import firmware_folder
    from xenbuild.media.build import board_of
    from xenbuild.prove.bochs import on_bochs
    from xenbuild.prove.machine import loader_words

    if not sys.stdin.isatty() and not dry_run:
        raise HostError(
            "Bochs gets the terminal that it is started on, and there is none", advice="use `xenbuild test`"
        )
    terminal = os.ttyname(0) if sys.stdin.isatty() else "/dev/tty"
    board, tree = board_of(declaration), partial(firmware_folder, declaration, settings)
    bochs = on_bochs(image.path, test, board, tree, image.path.parent / "tests")
    argv = bochs.argv(f"mode=term, dev={terminal}", loader_words(test.cmdline))
    if dry_run:
        print(shlex.join(argv))
        return
    print(f"{image.target} {image.name} in Bochs as {bochs.cpu}: kill -9 {os.getpid()} ends it", flush=True)
    # Its own chatter, and its picture of the screen, go elsewhere than the serial line.
    with Path(os.devnull).open("r+b") as nowhere:
        os.dup2(nowhere.fileno(), 0)
        os.dup2(nowhere.fileno(), 1)
    try:
        os.execvp(argv[0], argv)
    except OSError as e:
        raise HostError(f"cannot start {argv[0]}: {e.strerror}", advice="`xenbuild test` fetches Bochs again") from e
