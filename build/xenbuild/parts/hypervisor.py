"""The hypervisor as a part: the one file of its package (or the user's), uncompressed."""

from __future__ import annotations

import fnmatch
import gzip
import shutil
import zlib
from pathlib import Path

from xenbuild.errors import FormatError
from xenbuild.plan.action import Action, Input, OutputOf
from xenbuild.plan.job import Job
from xenbuild.store.tree import FileEntry


def from_package(tree: Input, pattern: str) -> OutputOf:
    """The file of an unpacked package whose path matches `pattern`."""
    return Action(
        "hypervisor", "xenbuild.parts.hypervisor:pick", {"pattern": pattern}, {"tree": tree}, ("file",)
    ).output("file")


def from_file(file: Input, name: str) -> OutputOf:
    """The user's own hypervisor; `name` is what messages call it."""
    params = {"name": name}
    return Action("own hypervisor", "xenbuild.parts.hypervisor:plain", params, {"file": file}, ("file",)).output("file")


def pick(job: Job) -> None:
    """Action: tree -> the one file that matches, uncompressed."""
    pattern = job.params["pattern"]
    tree = job.tree("tree")
    found = [p for p, e in tree.items() if fnmatch.fnmatch(p, pattern) and isinstance(e, FileEntry)]
    if len(found) != 1:
        held = ", ".join(found or list(tree)[:5]) or "nothing"
        raise FormatError(f"one file should match {pattern!r}; the package holds {held}", advice="correct the recipe")
    entry = tree[found[0]]
    assert isinstance(entry, FileEntry)
    _uncompress(job, job.store.path(entry.digest), found[0])


def plain(job: Job) -> None:
    """Action: file -> the same, uncompressed; params: name."""
    if not job.digest("file").size:
        raise FormatError(f"{job.params['name']} is empty", advice="give Xen's file for the target's architecture")
    _uncompress(job, job.path("file"), job.params["name"])


def _uncompress(job: Job, path: Path, name: str) -> None:
    with path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path, "rb") if compressed else path.open("rb") as source, job.out("file").open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"{name}: the gzip data is damaged: {error}", advice="copy or download it again") from error
