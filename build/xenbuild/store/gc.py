"""Garbage collection: what was not used for longest goes first, and never what something kept still needs.

Results of actions and materialised trees are holders of content. Content counts as used when it or any of its
holders was used last; sorted by that time, holders before content, every prefix of the list can be removed and the
rest is whole.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xenbuild.errors import FormatError, HostError
from xenbuild.formats import protowire as wire
from xenbuild.store import files, scratch
from xenbuild.store.digest import Digest
from xenbuild.store.statcache import StatCache
from xenbuild.store.store import lock
from xenbuild.store.tree import directory_digests


@dataclass(slots=True)
class Collected:
    """What was (or, in a dry run, would be) removed and kept, in files and bytes of content."""

    removed: int = 0
    removed_bytes: int = 0
    kept: int = 0
    kept_bytes: int = 0


@dataclass(slots=True)
class _Item:
    used: float  # seconds since the epoch
    holder: bool
    paths: list[Path]
    size: int = 0
    holds: set[str] = field(default_factory=set)  # hashes


def collect(
    root: Path, *, max_size: int | None = None, older_than: float | None = None, dry_run: bool = False
) -> Collected:
    """Remove from the store at `root` what was not used for `older_than` seconds, then the oldest until content takes
    at most `max_size` bytes; with neither, only what killed runs left behind. Raises HostError while a build runs,
    unless this is a dry run.
    """
    result = Collected()
    if not (root / "cas").is_dir():
        return result
    with files.in_words(root):
        try:
            guard = lock(root, exclusive=not dry_run)
        except BlockingIOError:
            raise HostError(
                f"the store {root} is in use by another xenbuild", advice="run `xenbuild gc` again when that has ended"
            ) from None
        try:
            if not dry_run:
                scratch.clean(root / "scratch")
                StatCache(root / "stat", scratch.Scratch(root / "scratch")).clean()
            _collect(root, max_size, time.time() - older_than if older_than is not None else None, dry_run, result)
        finally:
            os.close(guard)
    return result


def _collect(root: Path, max_size: int | None, oldest: float | None, dry_run: bool, result: Collected) -> None:
    items = _items(root)
    total = sum(item.size for item in items)
    for item in items:
        if (oldest is not None and item.used < oldest) or (max_size is not None and total > max_size):
            total -= item.size
            result.removed += not item.holder
            result.removed_bytes += item.size
            for path in item.paths if not dry_run else ():
                files.remove(path)
        else:
            result.kept += not item.holder
            result.kept_bytes += item.size


def _items(root: Path) -> list[_Item]:
    """Everything that can be removed, in the order in which it would be."""
    content: dict[str, _Item] = {}
    for path in (root / "cas").glob("*/*"):
        status = path.stat()
        item = content.setdefault(path.name.removesuffix(".x"), _Item(0.0, False, []))
        item.paths.append(path)
        item.used = max(item.used, status.st_atime)
        item.size += status.st_size
    reach = _Reach(root)
    holders = []
    for path in (root / "ac").glob("*/*"):
        holds = reach.of_result(path)
        holders.append(_Item(path.stat().st_mtime, True, [path], holds=holds))
    for path in (root / "trees").iterdir():
        holders.append(_Item(path.stat().st_mtime, True, [path], holds=reach.of_tree(path.name)))
    for holder in holders:
        for name in holder.holds & content.keys():
            content[name].used = max(content[name].used, holder.used)
    # The path decides between equals, so that two stores that are alike are thinned out alike.
    return sorted([*holders, *content.values()], key=lambda item: (item.used, not item.holder, item.paths[0]))


class _Reach:
    """Which content hangs on what. Damaged or absent messages hold nothing: what refers to them is rebuilt anyway."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._trees: dict[str, set[str]] = {}

    def of_tree(self, name: str) -> set[str]:
        """The content of a tree: its Directory messages and files, by the hash of its root."""
        found: set[str] = set()
        todo = [name]
        while todo:
            directory = todo.pop()
            if directory in found:
                continue
            found.add(directory)
            if directory not in self._trees:
                try:
                    contents, directories = directory_digests(self._read(directory))
                except (FormatError, OSError):
                    contents, directories = [], []
                self._trees[directory] = {content.hash for content in contents}
                self._trees["/" + directory] = {child.hash for child in directories}
            found |= self._trees[directory]
            todo += self._trees["/" + directory]
        return found

    def of_result(self, path: Path) -> set[str]:
        """The outputs of an action, and its preimage with its inputs (a change of code needs them again)."""
        found = {path.name}
        try:
            for number, digest in _digests(path.read_bytes(), {2: 2, 3: 5}):
                found |= self.of_tree(digest.hash) if number == 3 else {digest.hash}
            for number, value in wire.fields(self._read(path.name)):
                digest = Digest.decode(wire.as_bytes(value))
                found |= self.of_tree(digest.hash) if number == 2 else {digest.hash}
        except (FormatError, OSError):
            pass
        return found

    def _read(self, name: str) -> bytes:
        return (self._root / "cas" / name[:2] / name).read_bytes()


def _digests(message: bytes, where: dict[int, int]) -> Iterator[tuple[int, Digest]]:
    """The digests in a message's sub-messages: field number of the sub-message -> field number in it."""
    for number, value in wire.fields(message):
        if number in where:
            node = dict(wire.fields(wire.as_bytes(value)))
            yield number, Digest.decode(wire.as_bytes(node.get(where[number], b"")))
