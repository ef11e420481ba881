"""Block maps beside disks, in bmaptool's format: which blocks a copy of the image has to write (formats/bmap.py).

A map leaves out what may hold anything: free clusters of FAT file systems and the inside of a partition without one.
It follows from partition tables and file systems, not from the holes of a file, so it is the same on every machine;
and zeros that mean something (a table of free clusters, the end of a folder) are in it.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from xenbuild.formats.bmap import BlockMap, merge, write_bmap
from xenbuild.formats.fatread import is_fat, used
from xenbuild.formats.gpt import BIOS_BOOT, SECTOR, TABLE, is_gpt, read_gpt
from xenbuild.formats.mbr import read_mbr
from xenbuild.plan.action import Action, OutputOf

if TYPE_CHECKING:
    from pathlib import Path

    from xenbuild.plan.job import Job

SUFFIX = ".bmap"  # behind the whole name of the image, which is where bmaptool looks for it
CHUNK = 1 << 20
_EDGE = 1 << 20  # bytes at both ends of a partition without a file system: nothing old is taken for one

Extent = tuple[int, int]  # first byte, byte behind the last


def plan(image: OutputOf, name: str) -> OutputOf:
    """The map of a disk; `name` is the image's."""
    return Action(f"map {name}", "xenbuild.media.blockmap:run", {}, {"image": image}, ("map",)).output("map")


def run(job: Job) -> None:
    """Action: image -> map."""
    path = job.path("image")
    job.out("map").write_bytes(write_bmap(hashed(path, map_of(path))))


def map_of(path: Path) -> BlockMap:
    """The map of a disk, without checksums. Raises FormatError for one without partitions that are known."""
    with path.open("rb") as file:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return BlockMap(len(data), merge(list(_needed(data, path.name)), len(data)))


def _needed(data: memoryview, name: str) -> Iterator[Extent]:
    """Everything of a disk that has to be as it is."""
    if is_gpt(data):
        table = read_gpt(data, name)
        places = [(one.offset, one.size, one.kind == BIOS_BOOT) for one in table.partitions]
        yield (table.sectors - TABLE) * SECTOR, table.sectors * SECTOR
    else:
        first, sectors = read_mbr(bytes(data[:SECTOR]), name)
        places = [(first * SECTOR, sectors * SECTOR, False)]
    yield 0, min(start for start, _, _ in places)  # what a board's ROM reads lies before the first partition
    for start, size, whole in places:
        inside = data[start : start + size]
        if whole:
            yield start, start + size
        elif is_fat(inside):
            yield from ((start + begin, start + end) for begin, end in used(inside, name))
        else:
            yield start, start + min(size, _EDGE)
            yield start + max(size - _EDGE, 0), start + size


def hashed(image: Path, map: BlockMap) -> BlockMap:
    """The map with the checksum of every range, as it is written beside the image."""
    with image.open("rb", buffering=0) as file:
        return replace(map, ranges=tuple(replace(r, sha256=_sha256(file.fileno(), *map.extent(r))) for r in map.ranges))


def _sha256(fd: int, start: int, end: int) -> str:
    sha, chunk = hashlib.sha256(), memoryview(bytearray(CHUNK))
    while start < end and (count := os.preadv(fd, [chunk[: min(CHUNK, end - start)]], start)):
        sha.update(chunk[:count])
        start += count
    return sha.hexdigest()
