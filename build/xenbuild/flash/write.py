"""Writes an image to an open target so that at no moment something half-written looks whole.

What makes a disk a disk (its first and last mebibyte: boot sector, partition table and its copy) is wiped first and
written last, after all the rest was read back. Meanwhile block 0 holds a mark that says how far we are, from which the
next run takes up. Whatever was taken over is read back like everything else; if it is not right, all is done anew.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from xenbuild.errors import IntegrityError
from xenbuild.flash.blockmap import Plan
from xenbuild.flash.mark import mark, parse_mark
from xenbuild.flash.target import UNIT, Target, buffer
from xenbuild.formats.bmap import Range

CHUNK = 4 << 20  # bytes at a time: large enough for any device to be at its speed
END = 1 << 20  # bytes at both ends; a GPT with its copy takes 17 KiB of each (UEFI specification, 5.3.1)

Report = Callable[[str, int, int], None]  # (phase, bytes done, bytes in total)
Extent = tuple[int, int]  # first byte, byte behind the last


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the mark is moved on: after so many bytes, but not more often than every so many seconds."""

    bytes: int = 64 << 20
    seconds: float = 2.0


@dataclass(slots=True)
class Summary:
    """What was done. Bytes, and seconds by phase."""

    size: int
    written: int = 0
    cleared: int = 0
    compared: int = 0
    resumed: int = 0  # bytes from the beginning that an earlier run had written
    seconds: dict[str, float] = field(default_factory=dict)


class _Differs(Exception):
    """What was read back is not what was written; `at` is the chunk's first byte."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


def flash(
    image: Path,
    key: str,
    plan: Plan,
    target: Target,
    report: Report = lambda phase, done, total: None,
    pace: Pace = Pace(),
) -> Summary:
    """Write the image's blocks, read them back, and only then make a disk of it.

    `key` tells images apart: a mark with another one is no place to go on from. Raises IntegrityError if the device
    does not keep what is written, or the image is not what its map says; HostError if the device fails.
    """
    start = min(read_mark(target, key), max(END, plan.map.size - END))
    work = _Work(image, key, plan, target, report, pace)
    try:
        return work.run(start)
    except _Differs as error:
        if error.at >= start:
            raise _unkept(target, error.at) from None
    try:
        return work.run(0)  # what an earlier run left was not right
    except _Differs as error:
        raise _unkept(target, error.at) from None


def _unkept(target: Target, at: int) -> IntegrityError:
    return IntegrityError(
        f"{target.path} does not keep what is written: it reads back different at byte {at}",
        advice="it is broken, or smaller than it claims to be: do not use it for anything",
    )


def read_mark(target: Target, key: str) -> int:
    """How many bytes from the beginning an earlier run of the same image had written and flushed; 0 for none."""
    block = memoryview(buffer(UNIT))
    target.read(0, block)
    found = parse_mark(bytes(block))
    return found[1] if found and found[0] == key else 0


class _Work:
    """One run: wipe the ends, write and compare the middle, write and compare the ends."""

    def __init__(self, image: Path, key: str, plan: Plan, target: Target, report: Report, pace: Pace) -> None:
        self._image, self._key, self._target, self._report, self._pace = image, key, target, report, pace
        self._plan = plan
        self._size = min(-(-plan.map.size // UNIT) * UNIT, target.size)  # bytes that the image takes on the target
        self._tail = max(END, (plan.map.size - END) // UNIT * UNIT)  # where the image's own last part begins
        self._spare = max((target.size - END) // UNIT * UNIT, 0)  # where the target's last part begins
        self._zeros, self._seen = memoryview(buffer(CHUNK)), memoryview(buffer(CHUNK))
        mapped = [plan.map.extent(one) for one in plan.map.ranges]
        self._mapped = _joined([(0, UNIT), *((start, -(-end // UNIT) * UNIT) for start, end in mapped)], self._size)
        self._cleared: list[Extent] = []
        self._summary = Summary(plan.map.size)

    def run(self, start: int) -> Summary:
        self._summary = summary = Summary(self._plan.map.size, resumed=start)
        self._cleared = []
        middle = list(_within(self._mapped, END, self._tail))
        ends = [*_within(self._mapped, self._tail, self._size), *_within(self._mapped, UNIT, END)]
        if start < END:
            self._wipe()
        self._timed("write", lambda: self._write(start))
        if self._plan.clear:
            self._timed("clear", self._clear)
        self._timed("compare", lambda: self._compare([*middle, *self._cleared]))
        self._timed("finish", lambda: self._finish(ends))
        self._target.reread()
        return summary

    def _timed(self, phase: str, step: Callable[[], None]) -> None:
        began = time.monotonic()
        step()
        self._summary.seconds[phase] = self._summary.seconds.get(phase, 0.0) + time.monotonic() - began

    def _wipe(self) -> None:
        """Nothing of the old partition table is left, neither at the beginning nor at the end; nor of the new one."""
        self._mark(0)
        for start, end in ((UNIT, min(END, self._target.size)), (self._spare, self._target.size), self._last()):
            if start < end:
                self._target.write(start, self._zeros[: end - start])
        self._target.sync()
        self._mark(END)

    def _last(self) -> Extent:
        """The image's own end, where the copy of its partition table is going to be."""
        return self._tail, max(self._tail, self._size)

    def _mark(self, done: int) -> None:
        block = memoryview(buffer(UNIT))
        block[:] = mark(self._key, done)
        self._target.write(0, block)
        self._target.sync()

    def _write(self, start: int) -> None:
        """The middle of the image from `start` on; the ends are read for their checksums only."""
        total = sum(end - begin for begin, end in self._mapped)
        done, marked, when = 0, max(start, END), time.monotonic()
        hashes = _Hashes(self._image, self._plan.map.ranges, self._plan.map.extent)
        for (begin, end), data in self._stream(self._mapped, hashes):
            for part, stop in _within([(begin, end)], max(start, END), self._tail):
                self._target.write(part, data[part - begin : stop - begin])
                self._summary.written += stop - part
            done += end - begin
            self._report("write", done, total)
            now = time.monotonic()
            if min(end, self._tail) - marked >= self._pace.bytes and now - when >= self._pace.seconds:
                marked, when = min(end, self._tail), now
                self._target.sync()
                self._mark(marked)
        self._target.sync()
        self._mark(self._tail)

    def _clear(self) -> None:
        """Holes of the image must read as zeros: they are read, and written where they do not."""
        holes = list(_within(_holes(self._mapped, self._size), UNIT, self._size))
        total, done = sum(end - start for start, end in holes), 0
        for start, end in _chunks(holes):
            there = self._seen[: end - start]
            self._target.read(start, there)
            if not _equal(there, self._zeros):
                self._target.write(start, self._zeros[: end - start])
                self._cleared.append((start, end))
                self._summary.cleared += end - start
            done += end - start
            self._report("clear", done, total)
        self._target.sync()

    def _compare(self, extents: Sequence[Extent]) -> None:
        total, done = sum(end - start for start, end in extents), 0
        for (start, end), data in self._stream(extents):
            there = self._seen[: end - start]
            self._target.read(start, there)
            if not _equal(there, data):
                raise _Differs(start)
            done += end - start
            self._summary.compared += end - start
            self._report("compare", done, total)

    def _finish(self, ends: Sequence[Extent]) -> None:
        """The ends; the very first block, by which everybody knows a disk, when all else is on the medium."""
        for extents in (ends, [(0, UNIT)]):
            for (start, _), data in self._stream(extents):
                self._target.write(start, data)
                self._summary.written += len(data)
            self._target.sync()
            self._compare(extents)
            self._check_end()

    def _check_end(self) -> None:
        """Of the old partition table's copy nothing is left."""
        behind = max(self._spare, self._size)
        rest = self._seen[: self._target.size - behind]
        self._target.read(behind, rest)
        if not _equal(rest, self._zeros):
            raise _Differs(behind)

    def _stream(self, extents: Sequence[Extent], hashes: _Hashes | None = None) -> Iterator[tuple[Extent, memoryview]]:
        """The image's bytes, a chunk at a time, read ahead by a thread while the last chunk is used."""
        buffers = [memoryview(buffer(CHUNK)) for _ in range(3)]  # one is used, two are being filled
        ahead: deque[tuple[Extent, Future[memoryview]]] = deque()
        with self._image.open("rb", buffering=0) as file, ThreadPoolExecutor(1, "read") as pool:

            def fill(extent: Extent, into: memoryview) -> memoryview:
                data = _read_padded(file.fileno(), extent, into, self._plan.map.size, self._image)
                if hashes:
                    hashes.add(extent[0], data)
                return data

            for number, extent in enumerate(_chunks(extents)):
                ahead.append((extent, pool.submit(fill, extent, buffers[number % 3])))
                if len(ahead) == 2:
                    first, future = ahead.popleft()
                    yield first, future.result()
            for last, future in ahead:
                yield last, future.result()


class _Hashes:
    """Compares the checksums of a block map with what is read, while it is read in order."""

    def __init__(self, image: Path, ranges: Sequence[Range], extent: Callable[[Range], Extent]) -> None:
        self._image = image
        self._todo = deque((one, *extent(one)) for one in ranges if one.sha256)
        self._sha = hashlib.sha256()

    def add(self, at: int, data: memoryview) -> None:
        """Bytes of the image from `at` on, which may be of several ranges, or of none."""
        end = at + len(data)
        while self._todo and self._todo[0][1] < end:
            one, start, stop = self._todo[0]
            self._sha.update(data[max(start, at) - at : max(min(stop, end) - at, 0)])
            if stop > end:
                return
            self._todo.popleft()
            if self._sha.hexdigest() != one.sha256:
                raise IntegrityError(
                    f"{self._image} does not match its block map in blocks {one.first}-{one.last}",
                    advice="build or copy the image again; the target is not a disk that starts now",
                )
            self._sha = hashlib.sha256()


def _read_padded(fd: int, extent: Extent, into: memoryview, size: int, image: Path) -> memoryview:
    """Bytes of the image; what lies behind its end, up to a whole block, is zero."""
    start, end = extent
    data = into[: end - start]
    done = 0
    while (want := min(end, size) - start - done) > 0:
        count = os.preadv(fd, [data[done : done + want]], start + done)
        if not count:
            raise IntegrityError(f"{image} became shorter while it was read", advice="build it again")
        done += count
    data[done:] = bytes(len(data) - done)
    return data


def _equal(one: memoryview, other: memoryview) -> bool:
    """Whether `other` begins with all of `one`. By memcmp: comparing views goes byte by byte, slices copy."""
    first = (ctypes.c_char * len(one)).from_buffer(one)
    second = (ctypes.c_char * len(one)).from_buffer(other)
    return not _LIBC.memcmp(first, second, ctypes.c_size_t(len(one)))


_LIBC = ctypes.CDLL(None)


def _joined(extents: Sequence[Extent], size: int) -> list[Extent]:
    """Sorted extents without overlap, within `size`."""
    found: list[Extent] = []
    for start, end in sorted(extents):
        end = min(end, size)
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif start < end:
            found.append((start, end))
    return found


def _holes(extents: Sequence[Extent], size: int) -> Iterator[Extent]:
    """What lies between joined extents."""
    at = 0
    for start, end in extents:
        if at < start:
            yield at, start
        at = end
    if at < size:
        yield at, size


def _within(extents: Iterator[Extent] | Sequence[Extent], low: int, high: int) -> Iterator[Extent]:
    """The parts of extents between two places."""
    for start, end in extents:
        if max(start, low) < min(end, high):
            yield max(start, low), min(end, high)


def _chunks(extents: Sequence[Extent]) -> Iterator[Extent]:
    for start, end in extents:
        for at in range(start, end, CHUNK):
            yield at, min(at + CHUNK, end)
