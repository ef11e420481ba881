"""From a finished image to what a machine starts: the firmware from the tools tree, the way in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from xenbuild.errors import DeclarationError
from xenbuild.media.registry import medium
from xenbuild.media.results import Image
from xenbuild.prove.machine import Start, firmware_words
from xenbuild.spec.capability import attached, find_row
from xenbuild.spec.model import Declaration
from xenbuild.spec.proof import Machine
from xenbuild.spec.recipe import Board

Tree = Callable[[str], Path]  # a group of recipes/tools.yaml -> where it is unpacked


def start(declaration: Declaration, image: Image, machine: Machine, board: Board, tree: Tree) -> Start:
    """What starts an image on a machine. Raises DeclarationError if the board has no such firmware."""
    declared = next(one for one in declaration.images if one.name == image.name)
    attach, form = attached(declared, machine.attach), medium(declared.medium).format
    if attach == "kernel":
        return Start(image.path)  # QEMU is the boot loader, of whatever firmware
    possible = find_row(declaration.target, declaration.release, None).media[declared.medium]
    name = machine.firmware or declared.firmware or possible[0]
    firmware = board.firmware.get(name)
    if firmware is None:
        at = machine.at("firmware") or declared.at("firmware")
        known = ", ".join(board.firmware) or "none"
        raise DeclarationError(f"board {board.name} has no firmware {name!r}", at=at, advice=f"it has: {known}")
    words = firmware_words(firmware, tree(firmware.group) if firmware.group else None)
    return Start(image.path, attach, form, words, firmware.machine or "")
