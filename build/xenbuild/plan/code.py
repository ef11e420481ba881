"""The code that a function consists of: its module and, transitively, what that imports of the same package.

Found statically, by the modules' syntax trees, so it does not depend on what happens to be loaded. The result is
a tree of the modules' files; its digest becomes part of every key. What was found is kept in one JSON file and
holds until a file's stat changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xenbuild.errors import HostError
from xenbuild.store.digest import Digest
from xenbuild.store.files import in_words
from xenbuild.store.statcache import settled, stamp
from xenbuild.store.store import Store
from xenbuild.store.tree import FileEntry, Tree

VERSION = 1  # of the cache file


@dataclass(slots=True)
class _Module:
    path: str
    stamp: str
    digest: Digest
    imports: list[str]  # modules of the same package, sorted


@dataclass(slots=True)
class Code:
    """Code digests by function. Load once per run; save() when done."""

    store: Store
    _modules: dict[str, _Module] = field(default_factory=dict)
    _trees: dict[str, Digest] = field(default_factory=dict)  # by module
    _changed: bool = False
    _loaded: bool = False

    def digest(self, function: str) -> Digest:
        """Root digest of the tree of modules that "module:name" consists of. Raises HostError if it is not found."""
        if not self._loaded:
            self._load()
        module = function.partition(":")[0]
        if module not in self._trees:
            self._trees[module] = self._tree(module)
            self._changed = True
        return self._trees[module]

    def save(self) -> None:
        """Keep what was found for the next process."""
        if not self._changed:
            return
        modules = {name: [m.path, m.stamp, str(m.digest), m.imports] for name, m in self._modules.items() if m.stamp}
        trees = {name: str(digest) for name, digest in self._trees.items() if self._closure(name) <= modules.keys()}
        self.store.put_note(_note_name(), json.dumps({"version": VERSION, "modules": modules, "trees": trees}).encode())
        self._changed = False

    def _load(self) -> None:
        """Take from the note what still holds: trees only if no module of it has changed."""
        self._loaded = True
        note = self.store.get_note(_note_name())
        try:
            data: dict[str, Any] = json.loads(note) if note else {}
        except ValueError:
            return
        if data.get("version") != VERSION:
            return
        stale = False
        for name, (path, old, digest, imports) in data["modules"].items():
            try:
                stale_one = stamp(Path(path).stat()) != old
            except OSError:
                stale_one = True
            if stale_one:
                stale = True
            else:
                self._modules[name] = _Module(path, old, Digest.parse(digest), imports)
        if not stale:
            self._trees = {name: Digest.parse(text) for name, text in data["trees"].items()}

    def _closure(self, module: str) -> set[str]:
        found: set[str] = set()
        todo = [module]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self._module(name).imports
        return found

    def _tree(self, module: str) -> Digest:
        entries = {}
        for name in self._closure(module):
            found = self._module(name)
            suffix = "/__init__.py" if Path(found.path).name == "__init__.py" else ".py"
            entries[name.replace(".", "/") + suffix] = FileEntry(found.digest)
        return self.store.put_tree(Tree(entries))

    def _module(self, name: str) -> _Module:
        if name not in self._modules:
            self._modules[name] = self._parse(name)
            self._changed = True
        return self._modules[name]

    def _parse(self, name: str) -> _Module:
        path = _find(name)
        if path is None:
            raise HostError(f"there is no module {name}", advice="the installation is damaged: install xenbuild again")
        with in_words(path):
            status = path.stat()
            source = path.read_bytes()
        # A file that may still change unseen is looked at again by the next process.
        mark = stamp(status) if settled(status) else ""
        return _Module(str(path), mark, Digest.of(source), sorted(_imports(name, path, source)))


def _note_name() -> str:
    """One cache per installation, so that two checkouts do not push each other out."""
    return f"code-{Digest.of(str(Path(__file__).parent).encode()).hash[:16]}"


def _find(module: str) -> Path | None:
    """The file of a module, without importing anything."""
    import importlib.util

    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None or not spec.has_location:
        return None
    if not rest:
        return Path(spec.origin)
    for folder in spec.submodule_search_locations or ():
        base = Path(folder, *rest)
        for path in (base.with_name(base.name + ".py"), base / "__init__.py"):
            if path.is_file():
                return path
    return None


def _imports(module: str, path: Path, source: bytes) -> set[str]:
    """The modules of the same top-level package that a module imports anywhere in it, and its parents."""
    import ast  # only here: a run in which no code has changed does not need it

    top = module.partition(".")[0]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    names: set[str] = {module.rpartition(".")[0]} if "." in module else set()
    for node in ast.walk(ast.parse(source, str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            names.add(base)
            if base.partition(".")[0] == top:  # "from package import module" or a name inside the module
                names.update(full for alias in node.names if _find(full := f"{base}.{alias.name}"))
    return {name for name in names if name.partition(".")[0] == top and name != module and _find(name)}
