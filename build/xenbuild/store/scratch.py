"""Private scratch space of one process on the store's filesystem, cleaned up after processes that were killed.

scratch/NAME.lock is held by flock for as long as its owner lives, and scratch/NAME/ is the owner's. Whoever can
take the lock of another's folder knows that its owner is gone (pid numbers would not do: containers with pid
namespaces of their own may share a store).
"""

from __future__ import annotations

import fcntl
import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xenbuild.store.files import in_words, remove


class Scratch:
    """Hands out names of files and folders that no one else uses. Made on the first use."""

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        self._base: Path | None = None
        self._lock = -1
        self._guard = threading.Lock()
        self._numbers = itertools.count()

    def name(self) -> Path:
        """A path inside the private folder, where nothing is yet."""
        with self._guard:
            if self._base is None:
                with in_words(self.parent):
                    self._base = self._claim()
            return self._base / str(next(self._numbers))

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder that is removed at the end."""
        path = self.name()
        with in_words(path):
            path.mkdir()
        try:
            yield path
        finally:
            remove(path)

    def close(self) -> None:
        """Give the private folder back."""
        if self._base is not None:
            # A thread that was given up may still write here; then the next process cleans up.
            with suppress(OSError):
                remove(self._base)
                self._base.with_suffix(".lock").unlink(missing_ok=True)
            os.close(self._lock)
            self._base = None

    def _claim(self) -> Path:
        self.parent.mkdir(parents=True, exist_ok=True)
        clean(self.parent)
        while True:
            base = self.parent / os.urandom(8).hex()
            fd = os.open(base.with_suffix(".lock"), os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
            with suppress(BlockingIOError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Between open and flock another process may have taken us for dead and removed the name.
                if os.fstat(fd).st_nlink:
                    base.mkdir()
                    self._lock = fd
                    return base
            os.close(fd)


def clean(parent: Path) -> None:
    """Remove the scratch folders of processes that are gone."""
    for lock in parent.glob("*.lock"):
        with suppress(FileNotFoundError, BlockingIOError):
            fd = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(lock.with_suffix(""))
                lock.unlink(missing_ok=True)
            finally:
                os.close(fd)
