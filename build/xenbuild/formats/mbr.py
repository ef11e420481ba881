"""A master boot record with one FAT32 partition: what the boot ROMs and firmware of small boards look for."""

from __future__ import annotations

import struct

SECTOR = 512
FAT32 = 0x0C  # with sectors counted from the start of the disk (LBA)
_ACTIVE = 0x80
_NO_CYLINDERS = b"\xfe\xff\xff"  # the place is beyond what cylinders, heads and sectors can say
_ENTRY = struct.Struct("<B3sB3sII")


def write_mbr(first: int, sectors: int, serial: int) -> bytes:
    """The first sector of a disk whose one partition begins with sector `first`; `serial` has 32 bits."""
    entry = _ENTRY.pack(_ACTIVE, _NO_CYLINDERS, FAT32, _NO_CYLINDERS, first, sectors)
    return bytes(440) + struct.pack("<IH", serial, 0) + entry + bytes(48) + b"\x55\xaa"
