"""Reads FAT file systems: which files are where (Microsoft, "FAT: General Overview of On-Disk Format", 1.03)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from xenbuild.errors import FormatError
from xenbuild.formats.fat import FAT16_LEAST, FAT32_LEAST

_DIRECTORY, _VOLUME, _LONG_NAME = 0x10, 0x08, 0x0F
_DEPTH = 16  # of folders; deeper ones are a loop


@dataclass(frozen=True, slots=True)
class Fat:
    """A file system: its label and serial number, and the content of its files by path."""

    bits: int
    label: str
    serial: int
    files: dict[str, bytes]


def is_fat(data: bytes | memoryview) -> bool:
    """Does it start with the boot sector of a FAT with sectors of 512 bytes?"""
    return len(data) >= 512 and bytes(data[510:512]) == b"\x55\xaa" and bytes(data[11:13]) == b"\0\2" and data[16] == 2


def read_fat(data: bytes | memoryview, name: str) -> Fat:
    """Read all of it. Raises FormatError for what is no FAT or is damaged."""
    if not is_fat(data):
        raise FormatError(f"{name} holds no FAT file system")
    try:
        return _Reader(data, name).read()
    except (struct.error, IndexError):
        raise FormatError(f"{name} is damaged: its FAT file system ends too early") from None


def used(data: bytes | memoryview, name: str) -> list[tuple[int, int]]:
    """(first byte, byte behind the last) of all that means something: free clusters are left out.

    Raises FormatError for what is no FAT or is damaged.
    """
    if not is_fat(data):
        raise FormatError(f"{name} holds no FAT file system")
    reader = _Reader(data, name)
    width, start = reader.per_cluster * 512, reader.start * 512
    found = [(0, start)]
    for cluster in range(2, reader.clusters + 2):
        if reader.next(cluster):
            at = start + (cluster - 2) * width
            if found[-1][1] == at:
                found[-1] = found[-1][0], at + width
            else:
                found.append((at, at + width))
    return found


class _Reader:
    def __init__(self, data: bytes | memoryview, name: str) -> None:
        self.data, self.name = memoryview(data), name
        self.per_cluster = data[13]
        reserved, _, root, small = struct.unpack_from("<HBHH", data, 14)
        (short,) = struct.unpack_from("<H", data, 22)
        large, long = struct.unpack_from("<II", data, 32)
        fat = short or long
        self.root = (reserved + 2 * fat) * 512, root * 32
        self.start = reserved + 2 * fat + -(-root * 32 // 512)
        if not self.per_cluster or not fat:
            raise FormatError(f"{name} is damaged: its FAT file system has no clusters")
        self.clusters = ((small or large) - self.start) // self.per_cluster
        self.bits = 12 if self.clusters < FAT16_LEAST else 16 if self.clusters < FAT32_LEAST else 32
        self.fat = self.data[reserved * 512 : (reserved + fat) * 512]
        if (small or large) * 512 > len(data):
            raise FormatError(f"{name} is cut short: its file system has {(small or large) * 512} bytes")

    def read(self) -> Fat:
        at = 67 if self.bits == 32 else 39
        (serial,) = struct.unpack_from("<I", self.data, at)
        label = bytes(self.data[at + 4 : at + 15]).decode("latin-1").rstrip()
        if self.bits == 32:
            (cluster,) = struct.unpack_from("<I", self.data, 44)
            root = self._content(cluster, None)
        else:
            root = bytes(self.data[self.root[0] : sum(self.root)])
        return Fat(self.bits, label, serial, dict(self._files(root, "", 0)))

    def _files(self, folder: bytes, prefix: str, depth: int) -> Iterator[tuple[str, bytes]]:
        if depth > _DEPTH:
            raise FormatError(f"{self.name} is damaged: a folder of its file system is in itself")
        pieces: dict[int, bytes] = {}
        for at in range(0, len(folder) - 31, 32):
            row = folder[at : at + 32]
            if not row[0]:
                return
            flags = row[11]
            if flags == _LONG_NAME:
                pieces[row[0] & 0x3F] = row[1:11] + row[14:26] + row[28:32]
                continue
            long = b"".join(pieces[number] for number in sorted(pieces)).decode("utf-16-le", "replace")
            pieces = {}
            if row[0] in (0xE5, 0x2E) or flags & _VOLUME:
                continue
            base, extension = row[:8].decode("latin-1").rstrip(), row[8:11].decode("latin-1").rstrip()
            label = long.partition("\0")[0] or (f"{base}.{extension}" if extension else base)
            high, low, size = struct.unpack_from("<H4xHI", row, 20)
            if flags & _DIRECTORY:
                inside = self._content(high << 16 | low, None)
                yield from self._files(inside, f"{prefix}{label}/", depth + 1)
            else:
                yield f"{prefix}{label}", self._content(high << 16 | low, size)

    def _content(self, cluster: int, size: int | None) -> bytes:
        """The content of a chain of clusters."""
        if not cluster:
            return b""
        parts, seen, width = [], 0, self.per_cluster * 512
        while 2 <= cluster < self.clusters + 2:
            start = (self.start + (cluster - 2) * self.per_cluster) * 512
            parts.append(self.data[start : start + width])
            seen += 1
            if seen > self.clusters or (size is not None and seen * width >= size):
                break
            cluster = self.next(cluster)
        content = b"".join(parts)
        if size is not None and len(content) < size:
            raise FormatError(f"{self.name} is damaged: a file of its file system has fewer clusters than bytes")
        return content if size is None else content[:size]

    def next(self, cluster: int) -> int:
        """What the FAT says of a cluster: the one behind it, the end, or 0 for a free one."""
        if self.bits == 32:
            return int(struct.unpack_from("<I", self.fat, cluster * 4)[0]) & 0x0FFFFFFF
        if self.bits == 16:
            return int(struct.unpack_from("<H", self.fat, cluster * 2)[0])
        (pair,) = struct.unpack_from("<H", self.fat, cluster * 3 // 2)
        return int(pair) >> 4 if cluster & 1 else int(pair) & 0xFFF
