"""Digests of files outside the store, remembered by what stat says, so that unchanged files are not read again.

One small file per path under stat/: nothing is loaded ahead, and processes never wait for one another. An entry
holds only if device, inode, size, mtime and ctime are all as they were.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from xenbuild.store.digest import Digest
from xenbuild.store.scratch import Scratch

# A file that changed this short before it was hashed may change again within the same tick of the filesystem's
# clock (2 s on FAT, 1 s on some network filesystems), which stat would not show: it is not remembered yet.
SETTLED_NS = 2_000_000_000


def stamp(status: os.stat_result) -> str:
    """What must be equal for content to be taken as unchanged."""
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def settled(status: os.stat_result) -> bool:
    """Whether any further change of the file would show in its stamp."""
    return time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED_NS


class StatCache:
    """The entries are text: path, stamp and digest, one a line."""

    def __init__(self, root: Path, scratch: Scratch) -> None:
        self._root = root
        self._scratch = scratch

    def get(self, path: Path, status: os.stat_result) -> Digest | None:
        """The digest that was remembered for the absolute `path`, if it is as it was."""
        try:
            lines = os.fsdecode(self._entry(path).read_bytes()).split("\n")
        except OSError:
            return None
        if lines[:2] != [_line(path), stamp(status)] or len(lines) != 3:
            return None
        return Digest(lines[2], status.st_size)

    def put(self, path: Path, status: os.stat_result, digest: Digest) -> None:
        """Remember the digest of the absolute `path` as it was with `status`."""
        if not settled(status) or digest.size != status.st_size:
            return
        entry, new = self._entry(path), self._scratch.name()
        new.write_bytes(os.fsencode(f"{_line(path)}\n{stamp(status)}\n{digest.hash}"))
        entry.parent.mkdir(parents=True, exist_ok=True)
        new.rename(entry)

    def clean(self) -> None:
        """Forget files that have changed or are gone."""
        for entry in self._root.glob("*/*"):
            lines = os.fsdecode(entry.read_bytes()).split("\n")
            try:
                if len(lines) == 3 and lines[1] == stamp(Path(lines[0]).stat()):
                    continue
            except OSError:
                pass
            entry.unlink(missing_ok=True)

    def _entry(self, path: Path) -> Path:
        name = hashlib.sha256(os.fsencode(path)).hexdigest()
        return self._root / name[:2] / name


def _line(path: Path) -> str:
    return str(path).replace("\n", "\0")
