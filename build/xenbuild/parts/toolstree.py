"""The tools tree: host programs from locked Debian packages, run from the store without root.

A program is started through the tree's own dynamic loader, so that neither the host's libraries nor its
distribution matter (ld.so(8): --library-path, --argv0 since glibc 2.33).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from shutil import which

from xenbuild.errors import HostError
from xenbuild.plan.action import TreeOf
from xenbuild.plan.job import Job
from xenbuild.spec.model import Declaration
from xenbuild.store.store import Store
from xenbuild.store.tree import Entry, FileEntry, LinkEntry, Tree

_LOADERS = ("usr/lib64/ld-linux-x86-64.so.2", "usr/lib/ld-linux-aarch64.so.1")
_PROGRAM_FOLDERS = ("usr/bin", "usr/sbin", "usr/libexec", "usr/lib/llvm-*/bin", "usr/lib/git-core")
_HOST = "host"  # folder of links to programs of this machine


@dataclass(frozen=True, slots=True)
class ToolsTree:
    """A materialised tools tree."""

    root: Path

    def argv(self, program: str) -> list[str]:
        """The words that start `program` from this tree. Raises HostError if the tree has no such program."""
        if self.is_hosts(program):
            return [str((self.root / _HOST / program).readlink())]
        hits = [hit for d in _PROGRAM_FOLDERS for hit in self.root.glob(f"{d}/{program}") if hit.exists()]
        if not hits:
            raise HostError(
                f"the tools tree has no program {program!r}",
                advice="name the package that holds it in recipes/tools.yaml and run `xenbuild lock`",
            )
        found = next(
            filter(_is_elf, hits), None
        )  # Debian's qemu-system-i386 is a script that starts the one in libexec
        if found is None:
            return [str(hits[0])]
        return [*self._loader(), "--argv0", program, str(found)]

    def is_hosts(self, program: str) -> bool:
        """Whether the declaration says that this machine's own program is used (`host_tools`)."""
        return (self.root / _HOST / program).is_symlink()

    def _loader(self) -> list[str]:
        loader = next(self.root / name for name in _LOADERS if (self.root / name).exists())
        libraries = sorted({path.parent for path in (self.root / "usr/lib").glob("*-linux-gnu*/**/lib*.so*")})
        return [str(loader), "--library-path", ":".join(map(str, libraries))]


def host_programs(declaration: Declaration, names: Iterable[str], store: Store) -> TreeOf | None:
    """A tree that stands for those of the named programs that the declaration takes from this machine; None: none.

    It holds their places and digests, so that a step is done anew when the host's program changes.
    Raises HostError for a program that is not there.
    """
    entries: dict[str, Entry] = {}
    for number, name in enumerate(declaration.host_tools):
        if name not in names:
            continue
        found = which(name)
        if found is None:
            at = declaration.at(f"host_tools[{number}]")
            advice = "install it, or take it out of host_tools: then the locked package's is used"
            raise HostError(f"this machine has no program {name!r}", at=at, advice=advice)
        with Path(found).open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        entries[f"{_HOST}/{name}"] = LinkEntry(found)
        entries[f"{_HOST}/{name}.sha256"] = FileEntry(store.put_bytes(digest.encode()))
    return TreeOf(store.put_tree(Tree(entries))) if entries else None


def merge(job: Job) -> None:
    """Action: several trees -> one, "tree". Where two name the same path, the one that sorts later wins."""
    entries: dict[str, Entry] = {}
    for name in sorted(job.inputs):
        entries.update(job.tree(name))
    job.put_tree("tree", Tree(entries))


def _is_elf(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(4) == b"\x7fELF"
