"""Which disks there are, what they are, what is on them and who uses them: from /sys/block and /proc, without a helper.

Device nodes are never trusted by their names: mounts and swap are matched by device number, as the kernel has it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xenbuild.flash.mark import MARK
from xenbuild.formats import signature

SECTOR = 512  # bytes: what sizes in /sys/block count, whatever the device's own sectors are
SYSTEM = ("/", "/boot", "/boot/efi", "/efi", "/usr", "/var", "/nix", "/nix/store")  # without which nothing runs
NO_DISKS = ("ram", "zram", "dm-", "md", "sr", "fd", "mtdblock")  # memory, layers above disks, media that are burnt
BUSES = (("/usb", "usb"), ("/mmc", "mmc"), ("/nvme", "nvme"), ("/virtio", "virtio"), ("/ata", "ata"), ("/host", "scsi"))


@dataclass(frozen=True, slots=True)
class Use:
    """Why a disk, or a partition of it, is taken: the node's name, and what it is used for."""

    node: str
    how: str  # mounted, system, swap, holder
    what: str  # mount point; what holds it


@dataclass(frozen=True, slots=True)
class Disk:
    """A whole disk as the kernel describes it now."""

    path: Path  # of its device node
    size: int  # bytes
    sector: int  # bytes: the unit in which it can be written
    model: str
    serial: str
    bus: str  # usb, mmc, nvme, virtio, ata, scsi, loop, or "" for others
    removable: bool  # the medium, or the whole device
    readonly: bool
    sequence: str  # diskseq: differs for whatever is plugged in later, even under the same name; "" before Linux 5.15
    uses: tuple[Use, ...] = ()
    holds: tuple[tuple[str, str], ...] | None = None  # (node, what is on it); None: not readable for us

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def identity(self) -> str:
        """What is equal exactly as long as it is the same medium in the same place."""
        return "/".join((self.name, self.model, self.serial, str(self.size), self.sequence))


class System:
    """The kernel's view of the disks; `root` is "/" but for tests."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._block = root / "sys" / "block"
        self._proc = root / "proc"
        self._dev = root / "dev"

    def disks(self, *, look: bool = True) -> list[Disk]:
        """All disks with a medium, by name; `look` reads what is on them."""
        names = sorted(path.name for path in self._block.iterdir()) if self._block.is_dir() else []
        taken = self._taken()
        found = (self._disk(name, taken, look) for name in names if not name.startswith(NO_DISKS))
        return [disk for disk in found if disk]

    def disk(self, name: str) -> Disk | None:
        """One disk as it is now, by the name of its device node; None if there is no such disk, or no medium in it."""
        return self._disk(name, self._taken(), True) if (self._block / name).is_dir() else None

    def whole(self, name: str) -> str:
        """The name of the disk that a partition's name belongs to; "" if it is none."""
        return next((path.parent.name for path in self._block.glob(f"*/{name}") if (path / "partition").exists()), "")

    def attached(self, file: Path) -> str:
        """The loop device that a file is attached to, or ""."""
        for path in sorted(self._block.glob("loop*/loop/backing_file")):
            if _text(path) == str(file.resolve()):
                return path.parent.parent.name
        return ""

    def _disk(self, name: str, taken: dict[str, list[tuple[str, str]]], look: bool) -> Disk | None:
        folder = self._block / name
        size = int(_text(folder / "size") or 0) * SECTOR
        if not size or _text(folder / "hidden") == "1":
            return None
        bus = self._bus(folder)
        sd = bus == "mmc" and _text(folder / "device" / "type") == "SD"
        disk = Disk(
            path=self._dev / name.replace("!", "/"),
            size=size,
            sector=int(_text(folder / "queue" / "logical_block_size") or SECTOR),
            model=_model(folder),
            serial=_serial(folder),
            bus=bus,
            removable=_text(folder / "removable") == "1" or bus in ("usb", "loop") or sd,
            readonly=_text(folder / "ro") == "1",
            sequence=_text(folder / "diskseq"),
            uses=tuple(use for node in _nodes(folder) for use in self._uses(node, taken)),
        )
        if not look:
            return disk
        return Disk(**{**{slot: getattr(disk, slot) for slot in Disk.__slots__}, "holds": self._holds(folder, disk)})

    def _bus(self, folder: Path) -> str:
        if folder.name.startswith("loop"):
            return "loop"
        place = str((folder / "device").resolve())
        return next((bus for part, bus in BUSES if part in place), "")

    def _holds(self, folder: Path, disk: Disk) -> tuple[tuple[str, str], ...] | None:
        """What the disk and its partitions begin with. Nothing is kept open, so a card can be pulled out any time."""
        found = []
        try:
            with disk.path.open("rb", buffering=0) as file:
                for node in _nodes(folder):
                    start, size = _place(node, disk.size)

                    def read(offset: int, count: int, start: int = start, size: int = size) -> bytes:
                        inside = min(count, size - offset)
                        return os.pread(file.fileno(), inside, start + offset) if offset >= 0 and inside > 0 else b""

                    if read(0, len(MARK)) == MARK:
                        found.append((node.name, "an unfinished flash"))
                    found += [(node.name, what) for what in signature.names(read, size, disk.sector)]
        except OSError:
            return None
        return tuple(found)

    def _uses(self, node: Path, taken: dict[str, list[tuple[str, str]]]) -> Iterator[Use]:
        """Who uses a disk or partition, itself or through volumes above it."""
        yield from (Use(node.name, how, what) for how, what in taken.get(_text(node / "dev"), ()))
        for holder in sorted(path.name for path in (node / "holders").glob("*")):
            above = self._block / holder
            yield Use(node.name, "holder", f"{_volume(above)} ({holder})")
            yield from (Use(node.name, use.how, use.what) for use in self._uses(above, taken) if use.how != "holder")

    def _taken(self) -> dict[str, list[tuple[str, str]]]:
        """Device number -> what mounts and swap make of it."""
        numbers = {path.name: _text(path / "dev") for folder in self._block.glob("*") for path in _nodes(folder)}
        found: dict[str, list[tuple[str, str]]] = {}
        for number, source, point in _mounts(self._proc / "self" / "mountinfo"):
            how = ("system" if point in SYSTEM else "mounted", point)
            for known in {number, numbers.get(self._name(source), number)}:  # btrfs mounts have numbers of their own
                if how not in found.setdefault(known, []):
                    found[known].append(how)
        swaps = (line.split() for line in _text(self._proc / "swaps").splitlines()[1:])
        for words in filter(None, swaps):
            name = self._name(_unescaped(words[0]))
            found.setdefault(numbers.get(name, name), []).append(("swap", "swap"))
        return found

    def _name(self, source: str) -> str:
        """/dev/mapper/x and /dev/disk/by-uuid/… are links to nodes with the kernel's names."""
        return os.path.relpath(Path(source).resolve(), "/dev").replace("/", "!") if source.startswith("/") else source


def _nodes(folder: Path) -> list[Path]:
    """Folders of the disk itself and of its partitions, in their order on the disk."""
    parts = [path.parent for path in folder.glob(f"{folder.name}*/partition")]
    return [folder, *sorted(parts, key=lambda path: _place(path, 0)[0])]


def _place(node: Path, whole: int) -> tuple[int, int]:
    """Offset of a partition on its disk and its size in bytes; (0, whole) of the disk."""
    if not (node / "partition").exists():
        return 0, whole
    return int(_text(node / "start") or 0) * SECTOR, int(_text(node / "size") or 0) * SECTOR


def _mounts(path: Path) -> Iterator[tuple[str, str, str]]:
    """(device number, source, mount point) of each line of proc_pid_mountinfo(5)."""
    for line in _text(path).splitlines():
        fields, _, rest = line.partition(" - ")
        words, ends = fields.split(" "), rest.split(" ")
        if len(words) > 4 and len(ends) > 1:
            yield words[2], _unescaped(ends[1]), _unescaped(words[4])


def _unescaped(word: str) -> str:
    """Blanks, tabs, newlines and backslashes are octal in /proc."""
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        word = word.replace(code, sign)
    return word


def _volume(folder: Path) -> str:
    """What a volume above a disk is: device mapper's uuids begin with who made them; md's have a level."""
    kind = _text(folder / "dm" / "uuid").partition("-")[0]
    name = _text(folder / "dm" / "name")
    what = {"LVM": "LVM volume", "CRYPT": "encrypted volume", "mpath": "multipath device"}.get(kind, "")
    if what or name:
        return f"{what or 'device-mapper volume'} {name}".strip()
    level = _text(folder / "md" / "level")
    return f"RAID array of level {level.removeprefix('raid')}" if level else "another device"


def _model(folder: Path) -> str:
    words = [_text(folder / "device" / name) for name in ("vendor", "model")]
    words = [word for word in words if word and not word.startswith("0x")]  # virtio has numbers there
    if folder.name.startswith("loop"):
        return _text(folder / "loop" / "backing_file")
    return " ".join(words) or _text(folder / "device" / "name")


def _serial(folder: Path) -> str:
    """The device's own number; that of a USB stick is in the folder of the USB device, some steps above."""
    for path in (folder / "serial", folder / "device" / "serial", folder / "device" / "wwid"):
        if text := _text(path):
            return text
    place = (folder / "device").resolve()
    return next((_text(up / "serial") for up in place.parents if (up / "idVendor").exists()), "")


def _text(path: Path) -> str:
    """A small file of the kernel's; "" if it is not there or cannot be read (a device that has gone)."""
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
