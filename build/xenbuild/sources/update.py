"""Makes a lock: the only place where versions are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

from xenbuild.errors import LockError
from xenbuild.sources.apt import ArchiveState, Suite, load_indices, open_suite
from xenbuild.sources.index import Index
from xenbuild.sources.lock import Answer, Lock, LockedPackage
from xenbuild.sources.request import Request
from xenbuild.sources.resolve import closure
from xenbuild.spec.recipe import Archive, keyring


@dataclass(frozen=True, slots=True)
class Change:
    """A package whose pinned versions differ: `old` or `new` is empty if it was added or removed."""

    name: str
    arch: str
    old: str
    new: str

    def __str__(self) -> str:
        if not self.old:
            return f"+ {self.name} {self.new} ({self.arch})"
        if not self.new:
            return f"- {self.name} {self.old} ({self.arch})"
        return f"~ {self.name} {self.old} -> {self.new} ({self.arch})"


def update(old: Lock, requests: Sequence[Request], *, names: Sequence[str] = (), now: datetime) -> Lock:
    """A lock that answers all requests.

    A request that the old lock answers is kept as it is, without the network, unless it holds a package that matches
    one of the patterns `names`. In what is resolved anew, pinned versions are kept where they still fit, except of
    those packages. Raises LockError, IntegrityError, NetworkError, FormatError.
    """
    pinned = old.all_packages().values()
    for pattern in names:
        if not any(fnmatchcase(package.name, pattern) for package in pinned):
            raise LockError(f"no package of {old.path} matches '{pattern}'")
    new = Lock(old.path, dict(old.archives))
    catalogue = _Catalogue(new, now)
    for request in requests:
        answer = old.answers.get(request.name)
        if answer and answer.question == request.question() and not _touched(answer, names):
            new.answers[request.name] = answer
            continue
        same_release = [a for a in old.answers.values() if a.question.get("release") == request.release.name]
        pins = {
            package.name: package
            for a in same_release
            for package in a.packages
            if a.question.get("arch") == request.arch and not any(fnmatchcase(package.name, n) for n in names)
        }
        versions = {name: package.version for name, package in pins.items()}
        chosen = closure(catalogue.index(request), request, versions)
        locked = []
        for package in chosen:
            pin = pins.get(package.name)
            # A pin keeps the archive's state that vouched for it first.
            if pin and (pin.version, pin.sha256) == (package.version, package.sha256):
                locked.append(pin)
            else:
                locked.append(
                    LockedPackage(
                        package.name,
                        package.version,
                        package.arch,
                        package.filename,
                        package.size,
                        package.sha256,
                        package.archive,
                    )
                )
        new.answers[request.name] = Answer(request.question(), tuple(locked))
    return new


def changes(old: Lock, new: Lock) -> list[Change]:
    """What differs between two locks, by name and architecture."""
    before, after = _versions(old), _versions(new)
    found = []
    for key in sorted(before.keys() | after.keys()):
        gone, come = before.get(key, set()), after.get(key, set())
        if gone != come:
            found.append(Change(*key, ", ".join(sorted(gone - come)), ", ".join(sorted(come - gone))))
    return found


def _versions(lock: Lock) -> dict[tuple[str, str], set[str]]:
    versions: dict[tuple[str, str], set[str]] = {}
    for package in lock.all_packages().values():
        versions.setdefault((package.name, package.arch), set()).add(package.version)
    return versions


def _touched(answer: Answer, names: Sequence[str]) -> bool:
    return any(fnmatchcase(package.name, pattern) for package in answer.packages for pattern in names)


@dataclass
class _Catalogue:
    """The indices that were needed so far; every suite is asked once, so that all architectures see one state."""

    lock: Lock
    now: datetime
    _suites: dict[tuple[str, str, str], Suite] = field(default_factory=dict)
    _indices: dict[tuple[str, ...], Index] = field(default_factory=dict)

    def index(self, request: Request) -> Index:
        """The packages of the request's release and added archives for its architecture."""
        archives = (*request.release.archives, *request.archives)
        key = (request.release.name, request.arch, *map(repr, archives))
        if key not in self._indices:
            self._indices[key] = self._load(request, archives)
        return self._indices[key]

    def _load(self, request: Request, archives: Sequence[Archive]) -> Index:
        release = request.release.name
        index = Index()
        for archive in archives:
            for name in archive.suites:
                suite = self._suite(release, archive, name, request.folder)
                key = f"{release}/{archive.name}/{name}@{suite.date}"
                used = load_indices(suite, archive.components, request.arch, key, index)
                known = self.lock.archives.get(key)
                indices = {**dict(known.indices if known else ()), **dict(used)}
                self.lock.archives[key] = ArchiveState(
                    mirrors=suite.mirrors,
                    snapshot=archive.snapshot,
                    suite=name,
                    date=suite.date,
                    inrelease=suite.inrelease,
                    signer=suite.signer,
                    indices=tuple(sorted(indices.items())),
                )
        return index

    def _suite(self, release: str, archive: Archive, name: str, folder: Path | None) -> Suite:
        key = (release, repr(archive), name)
        if key not in self._suites:
            mirrors = tuple(mirror.rstrip("/") for mirror in archive.mirrors)
            self._suites[key] = open_suite(mirrors, name, keyring(archive.keyring, folder), self.now)
        return self._suites[key]
