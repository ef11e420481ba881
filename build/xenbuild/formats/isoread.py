"""Reads file systems of CDs: ISO 9660 (ECMA-119) with the names of Rock Ridge (IEEE P1282)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from xenbuild.errors import FormatError

SECTOR = 2048
_VOLUME_AT = 16 * SECTOR  # of the primary volume descriptor
_ROOT_AT, _SIZE_AT = 156, 80
_DIRECTORY, _MORE = 0x02, 0x80  # flags of a record; a file may go on in the next one
_DEPTH = 16  # of folders; deeper ones are a loop


def is_iso(data: bytes | memoryview) -> bool:
    """Whether there is a primary volume descriptor."""
    return bytes(data[_VOLUME_AT : _VOLUME_AT + 6]) == b"\1CD001"


def read_iso(data: bytes | memoryview, name: str) -> dict[str, memoryview]:
    """Contents of all files by path. Raises FormatError for what is no CD, or is damaged."""
    if not is_iso(data):
        raise FormatError(f"{name} holds no ISO 9660 file system")
    view = memoryview(data)
    try:
        (blocks,) = struct.unpack_from("<I", view, _VOLUME_AT + _SIZE_AT)
        if blocks * SECTOR > len(view):
            raise FormatError(f"{name} is cut short: it has {len(view)} bytes, not {blocks * SECTOR}")
        return dict(_files(view, *_extent(view, _VOLUME_AT + _ROOT_AT), "", 0, name))
    except (struct.error, IndexError, ValueError):
        raise FormatError(f"{name} is damaged: a folder of its ISO 9660 file system cannot be read") from None


def _extent(data: memoryview, at: int) -> tuple[int, int]:
    """First byte and bytes of what a directory record is about."""
    first, size = struct.unpack_from("<I4xI", data, at + 2)
    return first * SECTOR, size


def _files(
    data: memoryview, start: int, size: int, prefix: str, depth: int, name: str
) -> Iterator[tuple[str, memoryview]]:
    if depth > _DEPTH:
        raise FormatError(f"{name} is damaged: a folder of its ISO 9660 file system is in itself")
    at, first = start, -1
    while at < start + size:
        length = data[at]
        if not length:  # records do not cross sectors
            at = (at // SECTOR + 1) * SECTOR
            continue
        identifier = bytes(data[at + 33 : at + 33 + data[at + 32]])
        if identifier not in (b"\0", b"\1"):  # this folder and the one above
            begin, bytes_of = _extent(data, at)
            path = prefix + _name(data, at, length, identifier)
            if data[at + 25] & _DIRECTORY:
                yield from _files(data, begin, bytes_of, f"{path}/", depth + 1, name)
            else:
                first = begin if first < 0 else first
                if begin + bytes_of > len(data):
                    raise FormatError(f"{name} is cut short: its file {path} ends at {begin + bytes_of}")
                if not data[at + 25] & _MORE:
                    yield path, data[first : begin + bytes_of]
                    first = -1
        at += length


def _name(data: memoryview, at: int, length: int, identifier: bytes) -> str:
    """The name of Rock Ridge if there is one (entries NM of the system use area), else that of ISO 9660."""
    field, found = at + 33 + len(identifier) + (len(identifier) + 1) % 2, b""
    while field + 4 <= at + length:
        if data[field + 2] < 4:
            break
        if bytes(data[field : field + 2]) == b"NM":
            found += bytes(data[field + 5 : field + data[field + 2]])
        field += data[field + 2]
    return (found or identifier.partition(b";")[0].rstrip(b".")).decode("utf-8", "replace")
