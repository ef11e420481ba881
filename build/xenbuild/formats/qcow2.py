"""Disks in QEMU's format, version 2 and 3 (QEMU, docs/interop/qcow2.rst): read."""

from __future__ import annotations

import mmap
import struct

from xenbuild.errors import FormatError

MAGIC = b"QFI\xfb"
LARGEST = 1 << 40  # bytes of a disk that is read: larger ones are none of ours
_HEADER = struct.Struct(">4sIQIIQIIQ")  # up to the first-level table's offset
_FEATURES_AT = 72  # incompatible ones; in version 3
_DIRTY = 1
_OFFSET = 0x00FFFFFFFFFFFE00
_COMPRESSED, _ZERO = 1 << 62, 1


def read_qcow2(data: bytes | memoryview, name: str) -> memoryview:
    """The bytes that a machine sees. Raises FormatError for what is damaged or uses what is not read here."""
    try:
        return _read(memoryview(data), name)
    except (struct.error, OverflowError):
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
