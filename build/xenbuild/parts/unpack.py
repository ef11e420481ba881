"""Action: a Debian package -> the tree of its wanted members, with /bin, /sbin and /lib merged into /usr.

params: globs (patterns that a member must match; none means all), exclude (patterns that it must not match).
Patterns are matched against the merged path ("usr/bin/busybox"); `*` crosses slashes (fnmatch).
input: deb.  outputs: tree, and what the package says about itself (parts/about.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from posixpath import normpath

from xenbuild.formats.deb import Deb, DebMember, read_deb
from xenbuild.parts.about import keep
from xenbuild.plan.job import Job
from xenbuild.store.digest import Digest
from xenbuild.store.store import Store
from xenbuild.store.tree import DirEntry, Entry, FileEntry, LinkEntry, Tree

MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # Debian's usrmerge(7): /NAME is a link to usr/NAME
# What a machine that nobody reads manuals on does not need of a package.
DOCUMENTATION = ("usr/share/doc/*", "usr/share/man/*", "usr/share/locale/*", "usr/share/info/*", "usr/share/lintian/*")


def merged(path: str) -> str:
    """A path inside a package -> where it is on a system with merged /usr."""
    return f"usr/{path}" if path.partition("/")[0] in MERGED else path


def merged_target(path: str, target: str) -> str:
    """What a symbolic link at the old place `path` must point to from the new one."""
    if target.startswith("/"):
        return "/" + merged(target.lstrip("/"))
    if merged(path) == path:
        return target
    parent = path.rpartition("/")[0]
    end = normpath(f"{parent}/{target}")
    if end.partition("/")[0] in MERGED:
        return target  # both ends move by the same step
    return "../" + target


def wanted(path: str, globs: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether a merged path is asked for."""
    return (not globs or any(fnmatchcase(path, glob) for glob in globs)) and not any(
        fnmatchcase(path, glob) for glob in exclude
    )


def run(job: Job) -> None:
    globs, exclude = job.params["globs"], job.params["exclude"]
    entries: dict[str, Entry] = {}
    with read_deb(job.path("deb"), scratch=job.folder) as deb:
        for member in deb.members():
            path = merged(member.name)
            if member.name not in MERGED and wanted(path, globs, exclude):
                entry = _entry(job.store, deb, member)
                if entry is not None:
                    entries[path] = entry
        keep(job, deb)
    job.put_tree("tree", Tree(without_parents(entries)))


def without_parents(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Only the directories that are empty need to be stated in a tree."""
    parents = {path.rpartition("/")[0] for path in entries}
    return {p: e for p, e in entries.items() if not (isinstance(e, DirEntry) and p in parents)}


def _entry(store: Store, deb: Deb, member: DebMember) -> Entry | None:
    if member.kind == "file":
        return FileEntry(store_member(store, deb, member), bool(member.mode & 0o111))
    if member.kind == "symlink":
        return LinkEntry(merged_target(member.name, member.target))
    return DirEntry() if member.kind == "dir" else None


def store_member(store: Store, deb: Deb, member: DebMember) -> Digest:
    """Put one file of a package into the store, a chunk at a time."""
    if member.size <= 1 << 20:
        return store.put_bytes(deb.read(member))
    with store.scratch() as folder:
        path = folder / "member"
        with path.open("wb") as file:
            for chunk in deb.chunks(member):
                file.write(chunk)
        return store.put_file(path, move=True)
