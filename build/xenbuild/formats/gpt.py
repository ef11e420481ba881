"""GUID partition tables (UEFI specification, chapter 5): written whole, read back and verified.

Sectors have 512 bytes. The table's two copies lie in the first and the last 34 sectors of a disk; the first sector is
the protective MBR, whose first 440 bytes are free for a BIOS boot loader.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from xenbuild.errors import FormatError
from xenbuild.formats.extents import Output

SECTOR = 512
ALIGNMENT = 2048  # sectors: where partitions begin, as every common tool has it
ENTRIES = 128
TABLE = 33  # sectors of one copy: header and entries
BOOT_CODE = 440  # bytes of the MBR that are free for code
NAME = 36  # UTF-16 units of a partition's name

ESP = UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")  # EFI system partition
BIOS_BOOT = UUID("21686148-6449-6e6f-744e-656564454649")  # where GRUB keeps its core image
BASIC_DATA = UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
LINUX = UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")

_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY = struct.Struct("<16s16sQQQ72s")
_MBR_ENTRY = struct.Struct("<B3sB3sII")
_PROTECTIVE = 0xEE


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition; `first` and `last` are sectors, both of them its own."""

    kind: UUID
    unique: UUID
    first: int
    last: int
    name: str
    attributes: int = 0

    @property
    def offset(self) -> int:
        """Bytes from the start of the disk."""
        return self.first * SECTOR

    @property
    def size(self) -> int:
        """Bytes."""
        return (self.last - self.first + 1) * SECTOR


@dataclass(frozen=True, slots=True)
class Gpt:
    """A partition table as it was read."""

    disk: UUID
    sectors: int  # of the whole disk
    partitions: tuple[Partition, ...]


def aligned(sector: int) -> int:
    """The first sector from `sector` on where a partition may begin."""
    return -(-sector // ALIGNMENT) * ALIGNMENT


def sectors_for(last: int) -> int:
    """How many sectors a disk has whose last partition ends with sector `last`: whole MiB, the second copy included."""
    return aligned(last + 1 + TABLE)


def write_gpt(file: Output, partitions: Sequence[Partition], disk: UUID, sectors: int, boot_code: bytes = b"") -> None:
    """Write MBR and both copies of the table to a disk of `sectors`. Raises ValueError if it cannot hold them."""
    usable = range(TABLE + 1, sectors - TABLE)
    _check(partitions, usable, boot_code)
    entries = b"".join(map(_entry, partitions)).ljust(ENTRIES * _ENTRY.size, b"\0")
    file.seek(0)
    file.write(_mbr(sectors, disk, boot_code))
    file.write(_header(1, sectors - 1, 2, usable, disk, entries))
    file.write(entries)
    file.seek((sectors - TABLE) * SECTOR)
    file.write(entries)
    file.write(_header(sectors - 1, 1, sectors - TABLE, usable, disk, entries))


def is_gpt(data: bytes | memoryview) -> bool:
    """Whether the second sector begins a partition table."""
    return bytes(data[SECTOR : SECTOR + 8]) == b"EFI PART"


def read_gpt(data: bytes | memoryview, name: str) -> Gpt:
    """Read a disk's table. Raises FormatError if there is none, or the copies are damaged or differ."""
    if len(data) < (2 * TABLE + 1) * SECTOR or not is_gpt(data):
        raise FormatError(f"{name} has no GUID partition table")
    first = _read_copy(data, 1, name)
    if first.sectors * SECTOR > len(data):
        raise FormatError(
            f"{name} is cut short: its partition table speaks of {first.sectors * SECTOR} bytes, it has {len(data)}",
            advice="copy or download it again",
        )
    if _read_copy(data, first.sectors - 1, name) != first:
        raise FormatError(f"{name} is damaged: the two copies of its partition table differ")
    return first


def _check(partitions: Sequence[Partition], usable: range, boot_code: bytes) -> None:
    if len(boot_code) > BOOT_CODE:
        raise ValueError(f"boot code of {len(boot_code)} bytes in {BOOT_CODE}")
    if len(partitions) > ENTRIES:
        raise ValueError(f"{len(partitions)} partitions in a table of {ENTRIES}")
    free = usable.start
    for one in sorted(partitions, key=lambda p: p.first):
        if one.first < free or one.last < one.first or one.last >= usable.stop:
            raise ValueError(f"no place for partition {one.name!r} at {one.first}-{one.last} in {usable}")
        free = one.last + 1


def _entry(one: Partition) -> bytes:
    name = one.name.encode("utf-16-le")
    if len(name) > 2 * NAME:
        raise ValueError(f"the partition's name {one.name!r} is longer than {NAME} characters")
    return _ENTRY.pack(one.kind.bytes_le, one.unique.bytes_le, one.first, one.last, one.attributes, name)


def _header(own: int, other: int, table: int, usable: range, disk: UUID, entries: bytes) -> bytes:
    def pack(crc: int) -> bytes:
        return _HEADER.pack(
            b"EFI PART", 0x10000, _HEADER.size, crc, 0, own, other, usable.start, usable.stop - 1,
            disk.bytes_le, table, ENTRIES, _ENTRY.size, zlib.crc32(entries),
        )  # fmt: skip

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def _mbr(sectors: int, disk: UUID, boot_code: bytes) -> bytes:
    """Code, a signature of the disk, and one partition that keeps tools which know no GPT off the whole disk."""
    whole = _MBR_ENTRY.pack(0, b"\0\2\0", _PROTECTIVE, b"\xff\xff\xff", 1, min(sectors - 1, 0xFFFFFFFF))
    return boot_code.ljust(BOOT_CODE, b"\0") + disk.bytes_le[:4] + b"\0\0" + whole.ljust(64, b"\0") + b"\x55\xaa"


def _read_copy(data: bytes | memoryview, at: int, name: str) -> Gpt:
    raw = bytes(data[at * SECTOR : at * SECTOR + _HEADER.size])
    damaged = FormatError(f"{name} is damaged: its partition table in sector {at} does not match its checksum")
    if len(raw) < _HEADER.size or raw[:8] != b"EFI PART":
        raise FormatError(f"{name} is damaged: sector {at} holds no partition table")
    _, _, size, crc, _, own, other, _, _, disk, table, count, width, entries_crc = _HEADER.unpack(raw)
    if size != _HEADER.size or zlib.crc32(raw[:16] + bytes(4) + raw[20:]) != crc:
        raise damaged
    if width != _ENTRY.size or count > 1024:
        raise FormatError(f"{name} has a partition table with {count} entries of {width} bytes, which nobody writes")
    entries = bytes(data[table * SECTOR : table * SECTOR + count * width])
    if zlib.crc32(entries) != entries_crc:
        raise damaged
    partitions = []
    for kind, unique, first, last, attributes, label in _ENTRY.iter_unpack(entries):
        if any(kind):
            text = label.decode("utf-16-le", "replace").partition("\0")[0]
            partitions.append(Partition(UUID(bytes_le=kind), UUID(bytes_le=unique), first, last, text, attributes))
    return Gpt(UUID(bytes_le=disk), max(own, other) + 1, tuple(partitions))
