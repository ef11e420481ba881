"""Whether files have changed: by size, time and inode of all of them, folders with all that is in them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

State = dict[str, tuple[int, int, int]]


def state(paths: Iterable[Path]) -> State:
    """What to compare with what it was before. What cannot be read is as if it were not there."""
    found: State = {}
    for path in paths:
        for file in _files(path):
            try:
                status = file.stat()
            except OSError:
                continue
            found[str(file)] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return found


def built_from(before: State, after: State) -> State:
    """The state that a build stands for, so that what changed while it ran is seen as a change.

    Files that were watched count as they were before it, files that it brought in as they are after it.
    """
    return {path: before.get(path, now) for path, now in after.items()}


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (Path(folder, name) for name in files)
