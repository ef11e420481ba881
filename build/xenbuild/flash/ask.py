"""What a user is shown and asked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xenbuild.errors import HostError
from xenbuild.flash.find import Disk


def contents(disk: Disk) -> str:
    """What is on a disk, in one line: "GPT; sdb1: FAT; sdb2: ext2/3/4"."""
    if disk.holds is None:
        return "cannot be read"
    by_node: dict[str, list[str]] = {}
    for node, what in disk.holds:
        by_node.setdefault(node, []).append(what)
    shown = [" ".join([*([f"{node}:"] if node != disk.name else []), ", ".join(all)]) for node, all in by_node.items()]
    return "; ".join(shown) or "nothing known"


def confirm(name: str, answer: Callable[[str], str]) -> None:
    """Have the device's name typed. Raises HostError if anything else is: then nothing was written."""
    typed = answer(f"All of it will be lost. Type {name} to go on: ").strip()
    if typed != name:
        message = f"{typed!r} is not {name}: nothing was written" if typed else "nothing was written"
        raise HostError(message, advice=f"type {name} (or give --yes) to write to it")


def choose(disks: Sequence[Disk], answer: Callable[[str], str]) -> Disk:
    """Have one of several disks picked by its name. Typing it is the consent, too."""
    names = [disk.name for disk in disks]
    if not names:
        advice = "plug one in, or see `xenbuild flash --list` for what speaks against those that are there"
        raise HostError("there is no device that could be written", advice=advice)
    typed = answer("All of the device will be lost. Type its name to go on: ").strip().removeprefix("/dev/")
    if typed not in names:
        raise HostError(f"{typed!r} is none of {', '.join(names)}: nothing was written", advice="type one of these")
    return disks[names.index(typed)]
