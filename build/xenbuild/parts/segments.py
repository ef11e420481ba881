"""Actions that make an initramfs out of segments: cpio archives that are compressed apart and laid end to end.

The kernel unpacks one archive after the other (Linux, Documentation/driver-api/early-userspace/buffer-format.rst;
init/initramfs.c). What is large and seldom changes is a segment of its own, so that a changed word costs only the
small one with our configuration.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from xenbuild.formats.cpio import CpioEntry, write
from xenbuild.plan.action import Json
from xenbuild.plan.job import Job
from xenbuild.store.digest import Digest
from xenbuild.store.tree import DirEntry, FileEntry, LinkEntry

# Measured on the toolstack (7.5 MB): level 3 3.42 MB 0.04 s, 6 3.23 MB 0.12 s, 9 2.85 MB 0.16 s, 12 2.83 MB 0.35 s,
# 19 2.58 MB 1.7 s (bytes and seconds of one processor).
LEVEL = 9
# Frames are compressed side by side; each ends at the end of a record, where the kernel allows another to begin.
FRAME = 4 << 20


def tree(job: Job) -> None:
    """Action: a tree -> a segment; everything belongs to root. params: level. input: tree. output: segment."""
    entries = tree_entries(job.tree("tree"), job.store.read)
    _write(job, entries, job.params.get("level", LEVEL))


def config(job: Job) -> None:
    """Action: entries that are stated one by one -> a segment, with parents added. output: segment.

    params: level; entries, each {path, mode (with type bits), uid, gid} and one of content (text), input (name of the
    file among the inputs; without the zeros at its end if `cut`), link (target), device [major, minor], or nothing for
    a directory.
    """
    write_stated(job, job.params["entries"])


def write_stated(job: Job, *archives: Iterable[Json]) -> None:
    """Writes the output `segment` of such entries, an archive for each group of them."""
    records = chain.from_iterable(write(stated_entries(entries, job.path)) for entries in archives)
    _pack(job, records, job.params.get("level", LEVEL))


def write_archive(job: Job, entries: Iterable[Json], output: str) -> None:
    """Writes such entries as an archive that is not compressed."""
    with job.out(output).open("wb") as out:
        for record in write(stated_entries(entries, job.path)):
            out.write(record)


def join(job: Job) -> None:
    """Action: segments -> initramfs. params: order (names of inputs). output: initramfs."""
    with job.out("initramfs").open("wb") as out:
        for name in job.params["order"]:
            out.write(job.path(name).read_bytes())


def tree_entries(entries: Mapping[str, object], read: Callable[[Digest], bytes]) -> Iterator[CpioEntry]:
    """The entries of a store tree, each directory before what is in it."""
    made: set[str] = set()
    for path, entry in entries.items():
        yield from _parents(path, made)
        if isinstance(entry, FileEntry):
            mode = stat.S_IFREG | (0o755 if entry.executable else 0o644)
            yield CpioEntry(path, mode, read(entry.digest))
        elif isinstance(entry, LinkEntry):
            yield CpioEntry(path, stat.S_IFLNK | 0o777, entry.target.encode())
        elif isinstance(entry, DirEntry) and path not in made:
            made.add(path)
            yield CpioEntry(path, stat.S_IFDIR | 0o755)


def stated_entries(entries: Iterable[Json], path_of: object) -> Iterator[CpioEntry]:
    """The entries of `config`, sorted by path; of two with one path the later stands."""
    assert callable(path_of)
    made: set[str] = set()
    for path, item in sorted({item["path"]: item for item in entries}.items()):
        yield from _parents(path, made)
        device = tuple(item.get("device", (0, 0)))
        data = b""
        if "content" in item:
            data = item["content"].encode()
        elif "input" in item:
            data = Path(path_of(item["input"])).read_bytes()
            data = data.rstrip(b"\0") if item.get("cut") else data
        elif "link" in item:
            data = item["link"].encode()
        elif stat.S_ISDIR(item["mode"]):
            made.add(path)
        yield CpioEntry(path, item["mode"], data, item["uid"], item["gid"], device=(device[0], device[1]))


def compress(records: Iterable[bytes], level: int) -> Iterator[bytes]:
    """zstd frames of about FRAME bytes of records each, padded to 4 bytes. The same at any number of processors."""
    import zstandard

    def pack(frame: bytes) -> bytes:
        packed = zstandard.ZstdCompressor(level=level, write_checksum=False).compress(frame)
        return packed + bytes(-len(packed) % 4)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from pool.map(pack, _frames(records))


def _frames(records: Iterable[bytes]) -> Iterator[bytes]:
    frame, size = [], 0
    for record in records:
        frame.append(record)
        size += len(record)
        if size >= FRAME:
            yield b"".join(frame)
            frame, size = [], 0
    if frame:
        yield b"".join(frame)


def _parents(path: str, made: set[str]) -> Iterator[CpioEntry]:
    parts = path.split("/")[:-1]
    for i in range(1, len(parts) + 1):
        parent = "/".join(parts[:i])
        if parent not in made:
            made.add(parent)
            yield CpioEntry(parent, stat.S_IFDIR | 0o755)


def _write(job: Job, entries: Iterable[CpioEntry], level: int) -> None:
    _pack(job, write(entries), level)


def _pack(job: Job, records: Iterable[bytes], level: int) -> None:
    with job.out("segment").open("wb") as out:
        for frame in compress(records, level):
            out.write(frame)
