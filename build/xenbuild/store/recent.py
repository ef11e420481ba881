"""What was made of the digests that were asked for last. A digest names one content for ever, so it is made once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from xenbuild.store.digest import Digest

T = TypeVar("T")
KEPT = 4  # the tree of tools that every compilation has, and a few more: a tree of a system's files is megabytes


class Recent(Generic[T]):
    """Values by digest, the last few of them. Safe for several threads."""

    def __init__(self, make: Callable[[Digest], T]) -> None:
        self._make = make
        self._made: OrderedDict[Digest, T] = OrderedDict()
        self._lock = Lock()

    def __getitem__(self, digest: Digest) -> T:
        with self._lock:
            if digest in self._made:
                self._made.move_to_end(digest)
                return self._made[digest]
        made = self._make(digest)  # by two threads at once, if it must be: none waits for the other
        with self._lock:
            self._made[digest] = made
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return made

    def clear(self) -> None:
        with self._lock:
            self._made.clear()
