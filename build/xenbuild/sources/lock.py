"""The lock: every package that a declaration uses, pinned, and what vouched for it. A sorted JSON file that diffs well.

archives   what was signed: key -> mirrors, suite, date, SHA-256 of InRelease, signer, SHA-256 of the Packages files
packages   "name version arch" -> archive key, file name, size, SHA-256
requests   name -> the question as it was asked, and the packages that answer it
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xenbuild.errors import LockError
from xenbuild.sources.apt import ArchiveState
from xenbuild.sources.request import Request

VERSION = 1
ADVICE = "run `xenbuild lock`"


@dataclass(frozen=True, slots=True, order=True)
class LockedPackage:
    """One package file, pinned."""

    name: str
    version: str
    arch: str
    filename: str  # below the archive's base address
    size: int
    sha256: str
    archive: str  # key in Lock.archives

    @property
    def id(self) -> str:
        return f"{self.name} {self.version} {self.arch}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A request as it was asked, and the packages that satisfy it."""

    question: Mapping[str, object]
    packages: tuple[LockedPackage, ...]


@dataclass
class Lock:
    """The content of a lock file."""

    path: Path
    archives: dict[str, ArchiveState] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)

    def packages(self, request: Request) -> list[LockedPackage]:
        """The pinned packages of a request. Raises LockError if the lock does not answer just this request."""
        answer = self.answers.get(request.name)
        if answer is None:
            raise LockError(f"{self.path} does not cover {request.name}", advice=ADVICE)
        if answer.question != request.question():
            asked = request.question()
            changed = ", ".join(k for k in sorted({*asked, *answer.question}) if answer.question.get(k) != asked.get(k))
            raise LockError(f"{self.path} is out of date for {request.name}: {changed} changed", advice=ADVICE)
        return list(answer.packages)

    def all_packages(self) -> dict[str, LockedPackage]:
        """Every package by its id. Raises LockError if two archives have different files of one version."""
        found: dict[str, LockedPackage] = {}
        for package in (package for answer in self.answers.values() for package in answer.packages):
            other = found.setdefault(package.id, package)
            if other.sha256 != package.sha256:
                raise LockError(
                    f"{package.id} is one file in {other.archive} and another in {package.archive}",
                    advice="a version must mean one file: remove one of the two archives from `sources`",
                )
        return found

    def save(self) -> None:
        """Write the file by rename. Archives that no package comes from any more are left out."""
        from xenbuild.store.files import in_words

        packages = self.all_packages()
        used = {package.archive for package in packages.values()}
        content = {
            "version": VERSION,
            "archives": {key: _archive_out(state) for key, state in self.archives.items() if key in used},
            "packages": {
                id: {"archive": p.archive, "filename": p.filename, "size": p.size, "sha256": p.sha256}
                for id, p in packages.items()
            },
            "requests": {
                name: {**answer.question, "packages": sorted(p.id for p in answer.packages)}
                for name, answer in self.answers.items()
            },
        }
        new = self.path.with_name(self.path.name + ".new")
        with in_words(self.path):
            try:
                new.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
                new.replace(self.path)
            except OSError:
                new.unlink(missing_ok=True)  # half-written, on a disk that is full
                raise


def load_lock(path: Path) -> Lock:
    """Read a lock. Raises LockError if it is missing, damaged or of another version."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["version"]
    except FileNotFoundError:
        raise LockError(f"there is no {path}", advice=ADVICE) from None
    except OSError as error:
        raise LockError(
            f"{path} cannot be read: {error.strerror}", advice="let it be a file that you may read"
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, error) from None
    if version != VERSION:
        raise LockError(f"{path} has version {version}; this xenbuild reads version {VERSION}", advice=ADVICE)
    try:
        archives = {key: _archive_in(state) for key, state in content["archives"].items()}
        packages = {id: _package_in(id, fields, archives) for id, fields in content["packages"].items()}
        answers = {name: _answer_in(fields, packages) for name, fields in content["requests"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from None
    return Lock(path, archives, answers)


def _damaged(path: Path, error: Exception) -> LockError:
    reasons: dict[type[Exception], str] = {
        KeyError: f"no {error}",
        TypeError: "it is no lock",
        AttributeError: "it is no lock",
        RecursionError: "it is no lock",
    }
    return LockError(
        f"{path} is damaged: {reasons.get(type(error), str(error))}",
        advice="restore it from version control, or remove it and run `xenbuild lock`",
    )


def _archive_out(state: ArchiveState) -> dict[str, Any]:
    return {
        "mirrors": list(state.mirrors),
        "snapshot": state.snapshot,
        "suite": state.suite,
        "date": state.date,
        "inrelease": state.inrelease,
        "signer": state.signer,
        "indices": dict(state.indices),
    }


def _archive_in(fields: dict[str, Any]) -> ArchiveState:
    return ArchiveState(
        mirrors=tuple(fields["mirrors"]),
        snapshot=fields["snapshot"],
        suite=fields["suite"],
        date=fields["date"],
        inrelease=fields["inrelease"],
        signer=fields["signer"],
        indices=tuple(sorted(fields["indices"].items())),
    )


def _package_in(id: str, fields: dict[str, Any], archives: Mapping[str, ArchiveState]) -> LockedPackage:
    name, version, arch = id.split(" ")
    if fields["archive"] not in archives:
        raise ValueError(f"package {name} comes from an archive that it does not list")
    sha256 = fields["sha256"]
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise ValueError(f"the SHA-256 of {name} is not 64 hexadecimal digits")
    filename, size = fields["filename"], fields["size"]
    if not isinstance(filename, str):
        raise ValueError(f"the file name of {name} is no text")
    if type(size) is not int or size < 0:
        raise ValueError(f"the size of {name} is no number of bytes")
    return LockedPackage(name, version, arch, filename, size, sha256, fields["archive"])


def _answer_in(fields: dict[str, Any], packages: Mapping[str, LockedPackage]) -> Answer:
    question = {key: value for key, value in fields.items() if key != "packages"}
    return Answer(question, tuple(packages[id] for id in fields["packages"]))
