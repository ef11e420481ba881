"""Disks in VMware's format, as one sparse file (Virtual Disk Format 5.0, "Hosted Sparse Extents"): read."""

from __future__ import annotations

import mmap
import struct

from xenbuild.errors import FormatError

MAGIC = b"KDMV"
SECTOR = 512
LARGEST = 1 << 40  # bytes of a disk that is read: larger ones are none of ours
_HEADER = struct.Struct("<4sIIQQQQIQQQB")
_COMPRESSED = 1 << 16  # flag
_AT_END = 0xFFFFFFFFFFFFFFFF  # of the file is the directory, as in streams


def read_vmdk(data: bytes | memoryview, name: str) -> memoryview:
    """The bytes that a machine sees. Raises FormatError for what is damaged or uses what is not read here."""
    try:
        return _read(memoryview(data), name)
    except (struct.error, OverflowError):
        raise FormatError(f"{name} is cut short: it ends within its tables") from None


def _read(data: memoryview, name: str) -> memoryview:
    magic, _, flags, sectors, grain, _, _, per_table, _, directory, _, _ = _HEADER.unpack_from(data)
    size, width = sectors * SECTOR, grain * SECTOR
    if magic != MAGIC:
        raise FormatError(f"{name} is no sparse vmdk disk")
    if flags & _COMPRESSED or directory == _AT_END or not grain or not per_table or max(size, width) > LARGEST:
        raise FormatError(f"{name} is a vmdk disk of a kind that is not read here")
    out = memoryview(mmap.mmap(-1, max(size, 1)))[:size]  # memory that is there once something is written to it
    tables = -(-size // (width * per_table))
    for number, table in enumerate(struct.unpack_from(f"<{tables}I", data, directory * SECTOR)):
        if not table:
            continue
        for row, place in enumerate(struct.unpack_from(f"<{per_table}I", data, table * SECTOR)):
            start = (number * per_table + row) * width
            if place > 1 and start < size:  # 0: nothing was written, 1: zeros were
                length = min(width, size - start)
                if place * SECTOR + length > len(data):
                    raise FormatError(f"{name} is cut short: a grain lies in sector {place} behind its end")
                out[start : start + length] = data[place * SECTOR : place * SECTOR + length]
    return out
