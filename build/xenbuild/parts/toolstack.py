"""Action: the trees of dom0's packages -> one tree with exactly the files that dom0 uses.

params: order (names of the inputs that are package trees, a later one wins), files (paths or patterns of programs and
data), dlopened (libraries that no program lists but that are loaded at run time), whole (names of the inputs that are
taken as they are: the user's own packages), whose (for messages: dom0).
output: tree.  Libraries follow by themselves: DT_NEEDED of every ELF file, and the dynamic loader it asks for.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from posixpath import normpath

from xenbuild.errors import FormatError
from xenbuild.formats.elf import MAGIC, interp, needed
from xenbuild.parts.unpack import merged
from xenbuild.plan.job import Job
from xenbuild.store.store import Store
from xenbuild.store.tree import Entry, FileEntry, LinkEntry, Tree

_LIBRARY_FOLDERS = ("usr/lib/*-linux-gnu*", "usr/lib", "usr/lib64", "usr/lib/xen-*")


def run(job: Job) -> None:
    everything: dict[str, Entry] = {}
    for name in job.params["order"]:
        everything.update(job.tree(name))
    roots = select(everything, job.params["files"])
    for name in job.params["whole"]:
        roots += job.tree(name)
    tree = Closure(job.store, everything, job.params.get("whose", "dom0")).add(roots, job.params["dlopened"])
    job.put_tree("tree", tree)


def select(everything: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """The paths that the patterns name. A plain path must be there; a pattern may match nothing."""
    paths = sorted(everything)
    found: list[str] = []
    for pattern in map(merged, patterns):
        hits = [path for path in paths if fnmatchcase(path, pattern)]
        if not hits and not any(sign in pattern for sign in "*?["):
            raise FormatError(
                f"dom0's packages hold no file {pattern}", advice="correct `files` in the release's recipe"
            )
        found += hits
    return found


class Closure:
    """Collects files with what they need: targets of symbolic links, libraries, the dynamic loader."""

    def __init__(self, store: Store, everything: dict[str, Entry], whose: str = "dom0") -> None:
        self._store = store
        self._whose = whose
        self._all = everything
        self._taken: dict[str, Entry] = {}
        self._libraries: dict[str, str] = {}  # name -> path
        for path in sorted(everything):
            pure = PurePosixPath(path)
            if ".so" in pure.name and any(fnmatchcase(str(pure.parent), folder) for folder in _LIBRARY_FOLDERS):
                self._libraries.setdefault(pure.name, path)

    def add(self, paths: Iterable[str], dlopened: Iterable[str]) -> Tree:
        """The tree of the named paths and libraries with all that they need. Raises FormatError for what is missing."""
        todo = [(path, "the recipe") for path in paths]
        todo += [(self._library(name, "the recipe's `dlopened`"), "the recipe") for name in dlopened]
        while todo:
            path, who = todo.pop()
            if path in self._taken:
                continue
            if path not in self._all:
                raise FormatError(
                    f"{who} needs {path}, which none of {self._whose}'s packages holds", advice=self._advice
                )
            entry = self._taken[path] = self._all[path]
            todo += [(need, path) for need in self._needs(path, entry)]
        return Tree(self._taken)

    def _needs(self, path: str, entry: Entry) -> list[str]:
        if isinstance(entry, LinkEntry):
            target = _resolve(path, entry.target)
            return [target] if target in self._all else []
        if not isinstance(entry, FileEntry):
            return []
        file = self._store.path(entry.digest)
        with file.open("rb") as opened:
            if opened.read(4) != MAGIC or PurePosixPath(path).suffix in (".o", ".ko"):
                return []
        loader = interp(file)
        needs = [merged(loader.lstrip("/"))] if loader else []
        return needs + [self._library(name, path) for name in needed(file)]

    def _library(self, name: str, who: str) -> str:
        if name not in self._libraries:
            message = f"{who} needs the library {name}, which none of {self._whose}'s packages holds"
            raise FormatError(message, advice=self._advice)
        return self._libraries[name]

    @property
    def _advice(self) -> str:
        if self._whose != "dom0":
            return f"add the package that holds it to {self._whose}'s `packages` and run `xenbuild lock`"
        return "add the package that holds it to `dom0.packages`, or to the release's recipe and run `xenbuild lock`"


def _resolve(path: str, target: str) -> str:
    """Where a symbolic link leads, inside the tree."""
    return merged(normpath(target.lstrip("/") if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"))
