"""What an action's function is given: parameters, inputs as paths or trees, and places for its outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from xenbuild.errors import ActionError
from xenbuild.formats.extents import Extents
from xenbuild.plan.action import Action, Artifact, File, Json, TreeOf
from xenbuild.plan.process import Processes
from xenbuild.store.digest import Digest
from xenbuild.store.store import Store
from xenbuild.store.tree import Tree


class Job:
    """One run of an action. Only what the function puts in its outputs survives.

    Folders are made when they are asked for: most steps need none.
    """

    def __init__(
        self,
        action: Action,
        inputs: Mapping[str, Artifact],
        store: Store,
        folder: Path,
        processes: Processes,
        progress: Callable[[int, int], None],
        offline: bool = False,
    ) -> None:
        self.action = action
        self.params: Json = action.params
        self.inputs = inputs
        self.store = store
        self.progress = progress  # (units done, units in total): shown to the user while the step runs
        self.offline = offline  # for actions that fetch what is pinned: the network must not be used
        self._processes = processes
        self._made: dict[str, Artifact] = {}
        self._folders: dict[str, Path] = {}  # of inputs that are trees
        self._scratch = folder

    @property
    def folder(self) -> Path:
        """The scratch folder."""
        return self._folder("work")

    def digest(self, name: str) -> Digest:
        """The digest of an input: of the file, or of the tree's root."""
        return self.inputs[name].digest

    def path(self, name: str) -> Path:
        """An input as a read-only file, or a real folder."""
        artifact = self.inputs[name]
        if isinstance(artifact, File):
            return self.store.path(artifact.digest)
        if name not in self._folders:
            self._folders[name] = self.store.materialise(artifact.digest)
        return self._folders[name]

    def tree(self, name: str) -> Tree:
        """An input that is a tree, as a value."""
        return self.store.get_tree(self.inputs[name].digest)

    def out(self, name: str = "out") -> Path:
        """Where to create an output, as a file or as a folder. It is stored when the function returns."""
        self._check(name)
        return self._folder("out") / name

    def put_tree(self, name: str, tree: Tree) -> Digest:
        """Give an output as a tree whose files are in the store already."""
        self._check(name)
        digest = self.store.put_tree(tree)
        self._made[name] = TreeOf(digest)
        return digest

    def put_file(self, name: str, digest: Digest) -> None:
        """Give an output as a file that is in the store already."""
        self._check(name)
        self._made[name] = File(digest)

    def put_extents(self, name: str, extents: Extents, size: int) -> None:
        """Give an output of `size` bytes as what it consists of: it is written and hashed at the same time."""
        self.put_file(name, self.store.put_extents(extents, size))

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: Path | None = None,
        stdout: Path | None = None,
    ) -> str:
        """Run a program (argv[0] is a path) in `cwd` (the job's scratch folder otherwise); returns what it printed.

        `stdout` takes its standard output as a file instead. Raises ActionError if it fails, with its last lines.
        """
        where = cwd or self.folder
        return self._processes.run(
            argv, home=self._folder("home"), cwd=where, env=env or {}, stdin=stdin, stdout=stdout
        )

    def collect(self) -> dict[str, Artifact]:
        """Move the outputs into the store. Raises ActionError if one was not made."""
        for name in self.action.outputs:
            if name in self._made:
                continue
            path = self._scratch / "out" / name
            if path.is_dir() and not path.is_symlink():
                self._made[name] = TreeOf(self.store.take_folder(path))
            elif path.is_file():
                self._made[name] = File(self.store.put_file(path, move=True))
            else:
                raise ActionError(f"{self.action.function} did not make its output {name!r}")
        return self._made

    def _folder(self, name: str) -> Path:
        path = self._scratch / name
        path.mkdir(exist_ok=True)
        return path

    def _check(self, name: str) -> None:
        if name not in self.action.outputs:
            raise ValueError(f"{self.action.label} has no output {name!r}")
