"""Which packages a request needs: roots and what they depend on, without a solver's freedom.

The choice is simple and repeatable: the first alternative that can be met, a package that is already chosen before a
new one, a pinned version before the highest. Where a chosen version is refused by a later dependency, the choice is
made anew with that constraint known. Conflicts and Breaks are not looked at: files are taken, nothing is installed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase

from xenbuild.errors import LockError
from xenbuild.sources.index import Index, Package
from xenbuild.sources.request import Request
from xenbuild.sources.versions import Relation

_ROUNDS = 100


class _Again(Exception):
    """A chosen version does not do: start over with what is known now."""


def closure(index: Index, request: Request, pins: Mapping[str, str] | None = None) -> list[Package]:
    """The packages of a request, sorted by name. `pins` (name -> version) are kept where they fit.

    Raises LockError for an unknown root or a dependency that cannot be met, with the chain that leads to it.
    """
    limits: dict[str, list[Relation]] = {}
    for _ in range(_ROUNDS):
        try:
            return _Walk(index, request, pins or {}, limits).run()
        except _Again:
            continue
    raise LockError(f"{request.name}: no choice of versions satisfies all dependencies")


class _Walk:
    """One attempt. `limits` collects the constraints on packages over all attempts."""

    def __init__(
        self, index: Index, request: Request, pins: Mapping[str, str], limits: dict[str, list[Relation]]
    ) -> None:
        self.index, self.request, self.pins, self.limits = index, request, pins, limits
        self.chosen: dict[str, Package] = {}
        self.parents: dict[str, str] = {}

    def run(self) -> list[Package]:
        queue: deque[Package] = deque()
        for root in self.request.roots:
            self._take(self._root(root), "", queue)
        while queue:
            package = queue.popleft()
            for group in package.depends:
                # What is left out counts as there: it satisfies the whole group.
                if all(self._followed(alternative.name) for alternative in group):
                    self._take(self._choose(package, group), package.name, queue)
        return sorted(self.chosen.values(), key=lambda p: p.name)

    def _take(self, package: Package, parent: str, queue: deque[Package]) -> None:
        if package.name not in self.chosen:
            self.chosen[package.name] = package
            self.parents[package.name] = parent
            queue.append(package)

    def _followed(self, name: str) -> bool:
        if name in self.request.roots:
            return True
        if self.request.only and not fnmatchcase(name, self.request.only):
            return False
        return not any(fnmatchcase(name, pattern) for pattern in self.request.exclude)

    def _root(self, name: str) -> Package:
        found = self._best(self.index.candidates(Relation(name)))
        if found is None:
            near = get_close_matches(name, self.index.names(), 1)
            where = f"{self.request.release.name} for {self.request.arch}"
            raise LockError(
                f"{self.request.name}: there is no package '{name}' in {where}",
                advice=f"did you mean '{near[0]}'?" if near else "",
            )
        return found

    def _choose(self, package: Package, group: tuple[Relation, ...]) -> Package:
        for relation in group:
            for candidate in self.index.candidates(relation):
                if self.chosen.get(candidate.name) == candidate:
                    return candidate
        for relation in group:
            found = self._best(self.index.candidates(relation))
            if found is None:
                continue
            if found.name in self.chosen:  # in another version: this relation has to be known from the start
                if relation.name == found.name and relation not in self.limits.get(found.name, []):
                    self.limits.setdefault(found.name, []).append(relation)
                    raise _Again
                continue
            return found
        chain = " -> ".join(self._chain(package.name))
        wanted = " | ".join(map(str, group))
        raise LockError(
            f"{self.request.name}: {chain} needs {wanted}, which {self.request.release.name} cannot satisfy"
            f" for {self.request.arch}",
            advice="exclude it in the recipe if what is used can do without it, or wait for the archive to settle",
        )

    def _best(self, candidates: list[Package]) -> Package | None:
        """The pinned version, else the highest, within what is known about the package; of the first name only."""
        fit = [c for c in candidates if all(limit.accepts(c.version) for limit in self.limits.get(c.name, ()))]
        if not fit:
            return None
        same = [c for c in fit if c.name == fit[0].name]
        return next((c for c in same if self.pins.get(c.name) == c.version), same[0])

    def _chain(self, name: str) -> list[str]:
        chain = [name]
        while parent := self.parents.get(chain[0], ""):
            chain.insert(0, parent)
        return chain
