"""Disks in QEMU's format, version 2 and 3 (QEMU, docs/interop/qcow2.rst), written and read.

In what is written, header and tables come first, then the clusters that hold anything, in their order.
"""

from __future__ import annotations

import mmap
import struct

from xenbuild.errors import FormatError
from xenbuild.formats.extents import Extents, packed

MAGIC = b"QFI\xfb"
LARGEST = 1 << 40  # bytes of a disk that is read: larger ones are none of ours
_HEADER = struct.Struct(">4sIQIIQIIQ")  # up to the first-level table's offset
_FEATURES_AT = 72  # incompatible ones; in version 3
_DIRTY = 1
_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED, _ZERO, _COPIED = 1 << 62, 1, 1 << 63
_BITS = 16
CLUSTER = 1 << _BITS  # bytes, in what is written
_PER_TABLE, _PER_BLOCK = CLUSTER // 8, CLUSTER // 2  # entries: of mapping tables, of 16-bit reference counts


def write_qcow2(disk: Extents, size: int) -> tuple[Extents, int]:
    """A disk of `size` bytes as a file of version 3, and the bytes of that."""
    seconds = -(-size // (CLUSTER * _PER_TABLE))
    firsts = -(-seconds // _PER_TABLE)
    used = len({unit for start, end, _ in disk for unit in range(start // CLUSTER, -(-end // CLUSTER))})
    blocks = _blocks(2 + firsts + seconds + used)
    data = 2 + firsts + seconds + blocks  # the first cluster behind header and tables
    out = Extents()
    runs = packed(disk, CLUSTER, data, out)
    first_at, second_at, block_at = 1, 1 + firsts, 2 + firsts + seconds
    rows: dict[int, bytearray] = {}
    for run in runs:
        for unit in range(run.count):
            table, row = divmod(run.first + unit, _PER_TABLE)
            found = rows.setdefault(table, bytearray(CLUSTER))
            struct.pack_into(">Q", found, 8 * row, (run.place + unit) * CLUSTER | _COPIED)
    tables = [(second_at + n) * CLUSTER | _COPIED if n in rows else 0 for n in range(seconds)]
    counted = [*range(second_at), *(second_at + n for n in rows), *range(block_at - 1, data + used)]
    counts = bytearray(blocks * CLUSTER)
    for cluster in counted:
        struct.pack_into(">H", counts, 2 * cluster, 1)
    header = _HEADER.pack(MAGIC, 3, 0, 0, _BITS, size, 0, seconds, first_at * CLUSTER)
    more = struct.pack(">QIIQQQQII", (block_at - 1) * CLUSTER, 1, 0, 0, 0, 0, 0, 4, 104)
    pieces = {
        0: header + more,
        first_at: struct.pack(f">{seconds}Q", *tables),
        block_at - 1: struct.pack(f">{blocks}Q", *((block_at + n) * CLUSTER for n in range(blocks))),
        block_at: bytes(counts),
        **{second_at + n: bytes(row) for n, row in rows.items()},
    }
    for place, content in pieces.items():
        out.seek(place * CLUSTER)
        out.write(content)
    return out, (data + used) * CLUSTER


def _blocks(clusters: int) -> int:
    """Blocks of reference counts for so many clusters and for the blocks themselves."""
    blocks = 1
    while blocks * _PER_BLOCK < clusters + blocks:
        blocks += 1
    assert blocks <= _PER_TABLE, "one cluster of them covers 16 TiB"
    return blocks


def read_qcow2(data: bytes | memoryview, name: str) -> memoryview:
    """The bytes that a machine sees. Raises FormatError for what is damaged or uses what is not read here."""
    try:
        return _read(memoryview(data), name)
    except (struct.error, OverflowError, OSError):
        raise FormatError(f"{name} is cut short: it ends within its tables") from None


def _read(data: memoryview, name: str) -> memoryview:
    magic, version, backing, _, bits, size, encrypted, entries, table = _HEADER.unpack_from(data)
    if magic != MAGIC or version not in (2, 3):
        raise FormatError(f"{name} is no qcow2 disk of version 2 or 3")
    features = struct.unpack_from(">Q", data, _FEATURES_AT)[0] if version == 3 else 0
    if backing or encrypted or features & ~_DIRTY or not 9 <= bits <= 21 or size > LARGEST:
        raise FormatError(f"{name} is a qcow2 disk with a backing file, encryption or features that are not read here")
    cluster = 1 << bits
    out = memoryview(mmap.mmap(-1, max(size, 1)))[:size]  # memory that is there once something is written to it
    per_table = cluster // 8
    for first in range(min(entries, -(-size // (cluster * per_table)))):
        second = struct.unpack_from(">Q", data, table + 8 * first)[0] & _OFFSET
        if not second:
            continue
        for number, (entry,) in enumerate(struct.iter_unpack(">Q", data[second : second + cluster])):
            start = (first * per_table + number) * cluster
            if entry & _COMPRESSED:
                raise FormatError(f"{name} is a qcow2 disk with compressed clusters, which are not read here")
            place = entry & _OFFSET
            if place and not entry & _ZERO and start < size:
                length = min(cluster, size - start)
                if place + length > len(data):
                    raise FormatError(f"{name} is cut short: a cluster lies at {place}, the file ends at {len(data)}")
                out[start : start + length] = data[place : place + length]
    return out
