"""Files that the declaration names as inputs of actions: its own are in the store at once, sources are fetched later.

A source is pinned by its digest or commit, so the actions that fetch are as pure as others although they use the
network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from xenbuild.errors import DeclarationError, Position
from xenbuild.parts import unikernel
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.plan.action import Action, File, Input, TreeOf
from xenbuild.plan.job import Job
from xenbuild.sources.other import file_name, git_source, url_source
from xenbuild.spec.inputs import Use, refers
from xenbuild.spec.model import Declaration, Source
from xenbuild.store.events import Event
from xenbuild.store.store import Store
from xenbuild.store.tree import FileEntry, LinkEntry, Tree

# As unikernels and our loaders are: no unit whose state somebody else would have to save. C of any style is taken.
_FLAGS = {
    "i386-unknown-none-elf": ["-march=pentium2", "-mno-mmx", "-mno-sse"],
    "x86_64-unknown-none-elf": ["-mno-red-zone", "-mgeneral-regs-only"],
    "aarch64-none-elf": ["-mgeneral-regs-only", "-mstrict-align"],
    "arm-none-eabi": ["-march=armv7ve", "-mfloat-abi=soft", "-mno-unaligned-access"],
}
_FIRST = 1 << 50  # more than any other step's size: what is fetched is waited for longest


@dataclass(frozen=True, slots=True)
class Sourced:
    """Makes inputs of the files of a declaration. `tools` gives the tools tree of a group (recipes/tools.yaml)."""

    declaration: Declaration
    store: Store
    tools: Callable[[str], Input]

    def input(self, file: Path, at: Position | None = None) -> Input:
        """The content of a file that the declaration names at `at`."""
        if not refers(file):
            return File(self.store.put_file(file))
        use = Use(file, at)
        source = self.declaration.sources[use.name]
        if source.file is not None:
            return File(self.store.put_file(source.file))
        at = at or source.at()
        if source.unikernel is not None:
            files, arch = source.unikernel, self.declaration.target.arch
            return unikernel.linked(unikernel.guest(use.name, files, arch), self.store, self.tools("build"))
        if source.program is not None:
            return self._program(use.name, source, at)
        if source.url is not None:
            params = {"url": source.url, "sha256": source.sha256}
            fetch = Action(f"fetch {source.url}", "xenbuild.parts.sourced:url", params, {}, ("file",), _FIRST, at)
            return fetch.output("file")
        params = {"git": source.git, "commit": source.commit}
        tools = {"tools": self.tools("git")}
        tree = Action(f"fetch {source.git}", "xenbuild.parts.sourced:git", params, tools, ("tree",), _FIRST, at)
        what = f"{source.git} at {source.commit}"
        pick = {"path": use.inside, "what": what}
        label = f"take {use.inside} from {source.git}"
        picked = Action(label, "xenbuild.parts.sourced:pick", pick, {"tree": tree.output("tree")}, ("file",), 0, at)
        return picked.output("file")

    def _program(self, name: str, source: Source, at: Position | None) -> Input:
        files = {file.name: FileEntry(self.store.put_file(file)) for file in source.program or ()}
        script = next(file.name for file in source.program or () if file.suffix == ".lds")
        params = {"folders": ["."], "target": source.triple, "flags": _FLAGS[source.triple], "script": script}
        inputs = {"sources": TreeOf(self.store.put_tree(Tree(files))), "tools": self.tools("build")}
        action = Action(f"compile {name}", "xenbuild.parts.compiler:run", params, inputs, ("program",), at=at)
        return action.output("program")

    def name(self, file: Path) -> str:
        """What messages call the file."""
        use = Use(file, None)
        source = self.declaration.sources.get(use.name) if refers(file) else None
        if source is None or use.inside:
            return file.name
        if source.file is not None:
            return source.file.name
        return file_name(source.url or "") or use.name


def url(job: Job) -> None:
    """Action: params url, sha256 -> file."""
    source = Source(url=job.params["url"], sha256=job.params["sha256"])

    def events(event: Event) -> None:
        job.progress(event.done, event.total)

    job.put_file("file", url_source(source, job.store, offline=job.offline, events=events))


def git(job: Job) -> None:
    """Action: params git (address), commit; input tools -> tree."""
    source = Source(git=job.params["git"], commit=job.params["commit"])
    tools = ToolsTree(job.path("tools"))
    digest = git_source(source, job.store, tools.argv, offline=job.offline, own_parts=not tools.is_hosts("git"))
    job.put_tree("tree", job.store.get_tree(digest))


def pick(job: Job) -> None:
    """Action: tree -> the file at params path, through links that stay inside; params what: the tree's name."""
    path, tree = job.params["path"], job.tree("tree")
    entry = _follow(tree, path)
    if entry is None:
        folder = any(name.startswith(f"{path}/") for name in tree)
        problem = "is a folder" if folder else "is not in it"
        raise DeclarationError(f"{job.params['what']}: {path} {problem}", advice="name a file")
    job.put_file("file", entry.digest)


def _follow(tree: Tree, path: str) -> FileEntry | None:
    for _ in range(40):  # as many as Linux follows (path_resolution(7))
        entry = tree.get(path)
        if not isinstance(entry, LinkEntry):
            return entry if isinstance(entry, FileEntry) else None
        parts = list(PurePosixPath(path).parent.parts)
        for part in PurePosixPath(entry.target).parts:
            if part == "/" or (part == ".." and not parts):
                return None  # it leads outside
            if part == "..":
                parts.pop()
            else:
                parts.append(part)
        path = "/".join(parts)
    return None
