"""A directory tree as a value: relative path -> file, symbolic link or empty directory.

Stored as Directory messages of the Remote Execution API
(build/bazel/remote/execution/v2/remote_execution.proto), one a directory, named by their digests:

    Directory     {FileNode files = 1; DirectoryNode directories = 2; SymlinkNode symlinks = 3}
    FileNode      {string name = 1; Digest digest = 2; bool is_executable = 4}
    DirectoryNode {string name = 1; Digest digest = 2}
    SymlinkNode   {string name = 1; string target = 2}

Names are sorted by code point, so equal trees have equal digests. Owners, times and other permission bits are no
part of a tree; what needs them (an initramfs, say) states them as parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from xenbuild.errors import FormatError
from xenbuild.formats import protowire as wire
from xenbuild.store.digest import Digest


@dataclass(frozen=True, slots=True)
class FileEntry:
    digest: Digest
    executable: bool = False


@dataclass(frozen=True, slots=True)
class LinkEntry:
    target: str


@dataclass(frozen=True, slots=True)
class DirEntry:
    """A directory with nothing in it (others follow from the paths of what is in them)."""


Entry = FileEntry | LinkEntry | DirEntry


class Tree(Mapping[str, Entry]):
    """An immutable mapping of relative POSIX paths ("usr/bin/xl") to entries, in sorted order.

    DirEntry of a directory that turns out to have content is dropped, so that equal trees are equal.
    Raises FormatError for a path that is absolute, not normal ("a//b", "a/../b") or not UTF-8, and for a path that
    leads through a file or link.
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, Entry] | None = None) -> None:
        entries = entries or {}
        parents: set[str] = set()
        for path, entry in entries.items():
            _check_path(path)
            if isinstance(entry, LinkEntry):
                _check_target(path, entry.target)
            parent = path.rpartition("/")[0]
            while parent and parent not in parents:
                parents.add(parent)
                parent = parent.rpartition("/")[0]
        for parent in parents:
            if not isinstance(entries.get(parent, _DIR), DirEntry):
                raise FormatError(f"{parent!r} is both a directory and a file or link")
        self._entries = {path: entries[path] for path in sorted(entries) if path not in parents}

    def __getitem__(self, path: str) -> Entry:
        return self._entries[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        return hash(tuple(self._entries.items()))

    def __repr__(self) -> str:
        return f"Tree({self._entries!r})"

    def encode(self) -> tuple[Digest, dict[Digest, bytes]]:
        """The root's digest, and every Directory message of the tree by its digest."""
        directories = {"": _Directory()}
        for path, entry in self._entries.items():
            if isinstance(entry, DirEntry):
                _ensure(directories, path)
                continue
            parent, _, name = path.rpartition("/")
            _ensure(directories, parent).leaves[name] = entry
        messages: dict[Digest, bytes] = {}
        digest = Digest("", 0)
        # Children first: a directory's message holds the digests of those in it.
        for path in sorted(directories, key=lambda path: (-path.count("/") if path else 1, path)):
            message = directories[path].encode()
            digest = Digest.of(message)
            messages[digest] = message
            if path:
                parent, _, name = path.rpartition("/")
                directories[parent].children[name] = digest
        return digest, messages

    @classmethod
    def decode(cls, root: Digest, read: Callable[[Digest], bytes]) -> Tree:
        """The reverse of encode(), with `read` giving messages; raises FormatError when one is damaged."""
        entries: dict[str, Entry] = {}
        todo = [("", root)]
        while todo:
            prefix, digest = todo.pop()
            directory = _Directory.decode(read(digest))
            for name, entry in directory.leaves.items():
                entries[prefix + name] = entry
            for name, child in directory.children.items():
                todo.append((f"{prefix}{name}/", child))
            if prefix and not directory.leaves and not directory.children:
                entries[prefix[:-1]] = _DIR
        return cls(entries)


_DIR = DirEntry()


@dataclass(slots=True)
class _Directory:
    """One directory: files and links, and the digests of the directories in it, by name."""

    leaves: dict[str, Entry] = field(default_factory=dict)
    children: dict[str, Digest] = field(default_factory=dict)

    def encode(self) -> bytes:
        files, links = [], []
        for name in sorted(self.leaves):
            entry = self.leaves[name]
            if isinstance(entry, FileEntry):
                node = wire.text(1, name) + wire.block(2, entry.digest.encode()) + wire.number(4, entry.executable)
                files.append(wire.block(1, node))
            elif isinstance(entry, LinkEntry):
                links.append(wire.block(3, wire.text(1, name) + wire.text(2, entry.target)))
        dirs = [
            wire.block(2, wire.text(1, name) + wire.block(2, self.children[name].encode()))
            for name in sorted(self.children)
        ]
        return b"".join(files + dirs + links)

    @classmethod
    def decode(cls, message: bytes) -> _Directory:
        directory = cls()
        for field_number, value in wire.fields(message):
            node = dict(wire.fields(wire.as_bytes(value)))
            name = wire.as_text(node.get(1, b""))
            if field_number == 1:
                digest = Digest.decode(wire.as_bytes(node.get(2, b"")))
                directory.leaves[name] = FileEntry(digest, bool(node.get(4, 0)))
            elif field_number == 2:
                directory.children[name] = Digest.decode(wire.as_bytes(node.get(2, b"")))
            elif field_number == 3:
                directory.leaves[name] = LinkEntry(wire.as_text(node.get(2, b"")))
            if name in ("", ".", "..") or "/" in name:
                raise FormatError(f"directory message has an impossible name: {name!r}")
        return directory


def directory_digests(message: bytes) -> tuple[list[Digest], list[Digest]]:
    """What one Directory message refers to: the digests of its files, and of the directories in it."""
    directory = _Directory.decode(message)
    files = [entry.digest for entry in directory.leaves.values() if isinstance(entry, FileEntry)]
    return files, list(directory.children.values())


def _ensure(directories: dict[str, _Directory], path: str) -> _Directory:
    """The directory at `path`, made with all its parents if need be."""
    found = directories.get(path)
    if found is None:
        found = directories[path] = _Directory()
        while path and (path := path.rpartition("/")[0]) not in directories:
            directories[path] = _Directory()
    return found


def _check_path(path: str) -> None:
    parts = path.split("/")
    if "" in parts or "." in parts or ".." in parts or "\0" in path:
        raise FormatError(f"not a relative, normal path: {path!r}")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise FormatError(f"a path is not UTF-8: {path!r}") from None


def _check_target(path: str, target: str) -> None:
    try:
        target.encode()
    except UnicodeEncodeError:
        raise FormatError(f"the target of symbolic link {path!r} is not UTF-8: {target!r}") from None
    if not target or "\0" in target:
        raise FormatError(f"symbolic link {path!r} has an impossible target: {target!r}")
