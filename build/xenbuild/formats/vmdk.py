"""Disks in VMware's format, as one sparse file (Virtual Disk Format 5.0, "Hosted Sparse Extents").

Written and read. In what is written, header, description and tables come first, then the grains that hold anything.
"""

from __future__ import annotations

import mmap
import struct

from xenbuild.errors import FormatError
from xenbuild.formats.extents import Extents, packed

MAGIC = b"KDMV"
SECTOR = 512
LARGEST = 1 << 40  # bytes of a disk that is read: larger ones are none of ours
_HEADER = struct.Struct("<4sIIQQQQIQQQB")
GRAIN = 128  # sectors, in what is written
_PER_TABLE = 512  # grains of one table: 32 MiB
_DESCRIPTION = 20  # sectors
_NEWLINE_TEST, _TWO_DIRECTORIES = 1, 2  # flags
_COMPRESSED = 1 << 16  # flag
_AT_END = 0xFFFFFFFFFFFFFFFF  # of the file is the directory, as in streams


def write_vmdk(disk: Extents, size: int, name: str, content: int) -> tuple[Extents, int]:
    """A disk of `size` bytes as a file called `name`, and the bytes of that; `content` identifies it by 32 bits."""
    sectors = -(-size // SECTOR)
    tables = -(-sectors // (GRAIN * _PER_TABLE))
    directory = -(-tables * 4 // SECTOR)
    whole = directory + tables * _PER_TABLE * 4 // SECTOR  # sectors of one directory with its tables
    first = 1 + _DESCRIPTION
    data = -(-(first + 2 * whole) // GRAIN)  # the first grain behind the tables
    out = Extents()
    rows = [0] * (tables * _PER_TABLE)
    used = 0
    for run in packed(disk, GRAIN * SECTOR, data, out):
        used += run.count
        for unit in range(run.count):
            rows[run.first + unit] = (run.place + unit) * GRAIN
    flags = _NEWLINE_TEST | _TWO_DIRECTORIES
    header = _HEADER.pack(
        MAGIC, 1, flags, sectors, GRAIN, 1, _DESCRIPTION, _PER_TABLE, first, first + whole, data * GRAIN, 0
    )
    out.seek(0)
    out.write(header + b"\n \r\n")
    out.seek(SECTOR)
    out.write(_description(name, sectors, content))
    packed_rows = struct.pack(f"<{len(rows)}I", *rows)
    for at in (first, first + whole):
        places = (at + directory + number * _PER_TABLE * 4 // SECTOR for number in range(tables))
        out.seek(at * SECTOR)
        out.write(struct.pack(f"<{tables}I", *places).ljust(directory * SECTOR, b"\0") + packed_rows)
    return out, (data + used) * GRAIN * SECTOR


def _description(name: str, sectors: int, content: int) -> bytes:
    cylinders = min(sectors // (16 * 63), 16383)
    return f"""# Disk DescriptorFile
version=1
CID={content:08x}
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW {sectors} SPARSE "{name}"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "16"
ddb.geometry.sectors = "63"
ddb.adapterType = "ide"
""".encode()


def read_vmdk(data: bytes | memoryview, name: str) -> memoryview:
    """The bytes that a machine sees. Raises FormatError for what is damaged or uses what is not read here."""
    try:
        return _read(memoryview(data), name)
    except (struct.error, OverflowError, OSError):
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
