"""A master boot record with one FAT32 partition: what the boot ROMs and firmware of small boards look for."""

from __future__ import annotations

import struct

from xenbuild.errors import FormatError

SECTOR = 512
FAT32 = 0x0C  # with sectors counted from the start of the disk (LBA)
_ACTIVE = 0x80
_NO_CYLINDERS = b"\xfe\xff\xff"  # the place is beyond what cylinders, heads and sectors can say
_ENTRY = struct.Struct("<B3sB3sII")


def write_mbr(first: int, sectors: int, serial: int) -> bytes:
    """The first sector of a disk whose one partition begins with sector `first`; `serial` has 32 bits."""
    entry = _ENTRY.pack(_ACTIVE, _NO_CYLINDERS, FAT32, _NO_CYLINDERS, first, sectors)
    return bytes(440) + struct.pack("<IH", serial, 0) + entry + bytes(48) + b"\x55\xaa"


def read_mbr(sector: bytes, name: str) -> tuple[int, int]:
    """First sector and sectors of the one partition. Raises FormatError for another table than write_mbr() makes."""
    found = _partition(sector)
    if found is None:
        raise FormatError(f"{name} has no partition table with one partition")
    return found


def one_partition(data: bytes | memoryview) -> int:
    """Where the one partition of a disk begins, in bytes; 0 for a disk without one, or no disk."""
    found = _partition(bytes(data[:SECTOR]))
    return found[0] * SECTOR if found and sum(found) * SECTOR <= len(data) else 0


def _partition(sector: bytes) -> tuple[int, int] | None:
    if len(sector) < SECTOR or sector[510:512] != b"\x55\xaa":
        return None
    rows = [_ENTRY.unpack_from(sector, 446 + 16 * number) for number in range(4)]
    used = [(row[4], row[5]) for row in rows if row[2]]
    return used[0] if len(used) == 1 and used[0][0] and used[0][1] else None
