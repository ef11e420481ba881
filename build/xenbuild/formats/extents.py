"""A file to be, as the extents that are no zeros: it is then written and hashed in one go, without its holes.

Writers of formats seek in it and write to it as to a file. What is a file already is named instead of read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Content = bytes | Path


class Output(Protocol):
    """What writers of formats write to: a file, or Extents."""

    def seek(self, at: int, /) -> int: ...

    def write(self, data: bytes, /) -> int: ...


class Extents:
    """Contents by their offsets. Nothing may be written twice."""

    def __init__(self) -> None:
        self._at = 0
        self._found: list[tuple[int, int, Content]] = []  # first byte, byte behind the last

    def seek(self, at: int, /) -> int:
        self._at = at
        return at

    def write(self, data: bytes, /) -> int:
        return self._put(bytes(data), len(data))

    def copy(self, path: Path) -> int:
        """Write all of a file, which must stay as it is until the extents are written."""
        return self._put(path, path.stat().st_size)

    def _put(self, content: Content, size: int) -> int:
        if size:
            self._found.append((self._at, self._at + size, content))
            self._at += size
        return size

    @property
    def end(self) -> int:
        """The byte behind the last one that was written."""
        return max((end for _, end, _ in self._found), default=0)

    def __iter__(self) -> Iterator[tuple[int, int, Content]]:
        """(first byte, byte behind the last, content) by offset. Raises ValueError if two overlap."""
        behind = 0
        for start, end, content in sorted(self._found, key=lambda one: one[:2]):
            if start < behind:
                raise ValueError(f"bytes {start} to {behind} are written twice")
            yield start, end, content
            behind = end


@dataclass(frozen=True, slots=True)
class Run:
    """Units of a disk that follow each other, and where the first of them lies in another file, counted in units."""

    first: int
    count: int
    place: int


def packed(disk: Extents, unit: int, place: int, out: Extents) -> list[Run]:
    """Write the units of a disk that hold anything to `out`, one behind the other from its unit `place` on."""
    runs: list[Run] = []
    for start, end, content in disk:
        first, behind = start // unit, -(-end // unit)
        last = runs[-1] if runs else Run(0, 0, place)
        if runs and first <= last.first + last.count:
            runs[-1] = Run(last.first, max(last.count, behind - last.first), last.place)
        else:
            runs.append(Run(first, behind - first, last.place + last.count))
        out.seek((runs[-1].place - runs[-1].first) * unit + start)
        write_content(out, content)
    return runs


def size_of(content: Content | memoryview) -> int:
    """Bytes of a content."""
    return content.stat().st_size if isinstance(content, Path) else len(content)


def write_content(out: Output, content: Content, chunk: int = 1 << 20) -> None:
    """Write bytes, or a file's content, at the place that `out` is at."""
    if isinstance(content, bytes):
        out.write(content)
    elif isinstance(out, Extents):
        out.copy(content)
    else:
        with content.open("rb") as file:
            while piece := file.read(chunk):
                out.write(piece)
