"""Says why a disk must not be written: every reason with its way out. An empty answer is the only permission."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xenbuild.errors import HostError
from xenbuild.flash.find import Disk, System
from xenbuild.flash.image import DiskImage
from xenbuild.formats.signature import MEMBERS


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason (which goes on with what the disk "is" or "has") and what to do about it."""

    reason: str
    advice: str


def refusals(disk: Disk, image: DiskImage | None, *, fixed: bool = False) -> list[Refusal]:
    """All reasons against writing an image to a disk; without an image, those that hold for any.

    fixed: the user knows that the disk is no removable one.
    """
    found = [*_used(disk), *_members(disk)]
    if not disk.removable and not fixed:
        bus = f" ({disk.bus})" if disk.bus else ""
        found.append(Refusal(f"is a fixed disk{bus}, not a removable one", "give --fixed-disk if you mean it"))
    if disk.readonly:
        found.append(Refusal("is read-only", "move the card's write-protect switch, or take another device"))
    if image and image.size > disk.size:
        short = f"has {disk.size} bytes; the image needs {image.size}"
        found.append(Refusal(short, "take a larger device"))
    if image and image.sector and image.sector != disk.sector:
        sectors = f"has sectors of {disk.sector} bytes; the image's partition table is for {image.sector}"
        found.append(Refusal(sectors, f"take a device with sectors of {image.sector} bytes"))
    return found


def _used(disk: Disk) -> Iterator[Refusal]:
    for use in disk.uses:
        node = "" if use.node == disk.name else f", on {use.node}"
        if use.how == "system":
            yield Refusal(f"holds the running system ({use.what}{node})", "take another device")
        elif use.how == "mounted":
            yield Refusal(f"is mounted on {use.what}{node}", f"unmount it: umount {use.what}")
        elif use.how == "swap":
            yield Refusal(f"is in use as swap{node}", f"run swapoff /dev/{use.node}, or take another device")
        else:
            yield Refusal(f"is held by {use.what}{node}", "stop that volume first, or take another device")


def _members(disk: Disk) -> Iterator[Refusal]:
    for node, what in disk.holds or ():
        if what in MEMBERS and not any(use.how == "holder" and use.node == node for use in disk.uses):
            where = "is" if node == disk.name else f"has with {node}"
            yield Refusal(f"{where} a member of {what}", f"if it is old: wipefs --all /dev/{node}; else another device")


def require_free(disk: Disk, image: DiskImage, *, fixed: bool = False) -> None:
    """Raises HostError with all that speaks against writing the image to the disk."""
    found = refusals(disk, image, fixed=fixed)
    if found:
        reasons = "; ".join(one.reason for one in found)
        advice = "; ".join(dict.fromkeys(one.advice for one in found))
        raise HostError(f"{disk.path} {reasons}", advice=advice)


def require_same(disk: Disk, system: System, identity: str = "") -> None:
    """Raises HostError unless the disk is still the one that was listed: by the user (`identity`) and by us."""
    now = system.disk(disk.path.name)
    wanted = identity or disk.identity
    if now is None:
        raise HostError(f"{disk.path} is gone", advice="plug it in again, and run the command again")
    if now.identity != wanted or now.identity != disk.identity:
        raise HostError(
            f"{disk.path} is not the device that was listed: it was {wanted}, it is {now.identity}",
            advice="look at `xenbuild flash --list` again",
        )


def named(word: str, system: System) -> Disk:
    """The disk that a user names: sdb, /dev/sdb or a link to it. Raises HostError for anything else."""
    path = Path(word) if "/" in word else Path("/dev") / word
    name = path.resolve().name
    disk = system.disk(name)
    if disk is not None:
        return disk
    others = ", ".join(one.name for one in system.disks(look=False))
    advice = f"disks here: {others}" if others else "plug one in; there is none"
    if whole := system.whole(name):
        message = f"{path} is a partition; an image has partitions of its own"
        raise HostError(message, advice=f"name the disk: /dev/{whole}")
    if path.is_block_device():
        raise HostError(f"{path} is no disk, or has no medium in it", advice=advice)
    raise HostError(f"there is no device {path}", advice=advice)
