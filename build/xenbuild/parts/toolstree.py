"""The tools tree: host programs from locked Debian packages, run from the store without root.

A program is started through the tree's own dynamic loader, so that neither the host's libraries nor its
distribution matter (ld.so(8): --library-path, --argv0 since glibc 2.33).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xenbuild.errors import HostError
from xenbuild.plan.job import Job
from xenbuild.store.tree import Entry, Tree

_LOADERS = ("usr/lib64/ld-linux-x86-64.so.2", "usr/lib/ld-linux-aarch64.so.1")
_PROGRAM_FOLDERS = ("usr/bin", "usr/sbin", "usr/libexec", "usr/lib/llvm-*/bin")


@dataclass(frozen=True, slots=True)
class ToolsTree:
    """A materialised tools tree."""

    root: Path

    def argv(self, program: str) -> list[str]:
        """The words that start `program` from this tree. Raises HostError if the tree has no such program."""
        found = next((hit for d in _PROGRAM_FOLDERS for hit in self.root.glob(f"{d}/{program}") if hit.exists()), None)
        if found is None:
            raise HostError(
                f"the tools tree has no program {program!r}",
                advice="name the package that holds it in recipes/tools.yaml and run `xenbuild lock`",
            )
        if found.read_bytes()[:4] != b"\x7fELF":
            return [str(found)]
        return [*self._loader(), "--argv0", program, str(found)]

    def _loader(self) -> list[str]:
        loader = next(self.root / name for name in _LOADERS if (self.root / name).exists())
        libraries = sorted({path.parent for path in (self.root / "usr/lib").glob("*-linux-gnu*/**/lib*.so*")})
        return [str(loader), "--library-path", ":".join(map(str, libraries))]


def merge(job: Job) -> None:
    """Action: several trees -> one, "tree". Where two name the same path, the one that sorts later wins."""
    entries: dict[str, Entry] = {}
    for name in sorted(job.inputs):
        entries.update(job.tree(name))
    job.put_tree("tree", Tree(entries))
