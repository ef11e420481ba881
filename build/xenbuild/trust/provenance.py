"""How images were made: an in-toto statement (v1) with a SLSA provenance predicate (v1), the same on every machine.

It says nothing of when and where, which differ; everything that decides the bytes is in it by digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xenbuild import __version__
from xenbuild.sources.lock import Lock, LockedPackage
from xenbuild.spec.data import data_dir
from xenbuild.trust.bill import Output, purl
from xenbuild.trust.document import text
from xenbuild.trust.origins import Origins

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD = "urn:xenbuild:image:1"  # what externalParameters mean
BUILDER = "urn:xenbuild:local"  # a machine that nobody vouches for but by its signature


def to_provenance(
    machine: Mapping[str, str],
    plan: str,
    files: Mapping[str, str],
    lock: Lock,
    origins: Origins,
    made: Sequence[Output],
) -> str:
    """The statement. `machine`: name, target, release; `plan`: key of the composing action.

    `files`: SHA-256 of what the declaration consists of, by name.
    """
    release = machine["release"]
    sources = sorted({source for each in origins.sources.values() for source in each}, key=lambda one: one.address)
    materials: list[dict[str, Any]] = [
        {"uri": f"file:{name}", "digest": {"sha256": digest}} for name, digest in sorted(files.items())
    ]
    for source in sources:
        digest = {"gitCommit": source.commit} if source.commit else {"sha256": source.sha256}
        materials.append({"uri": f"git+{source.address}" if source.commit else source.address, "digest": digest})
    materials += _packages(origins.content, lock, release, "content")
    materials += _packages(origins.tools, lock, release, "tool")
    predicate = {
        "buildDefinition": {
            "buildType": BUILD,
            "externalParameters": dict(machine),
            "internalParameters": {"plan": plan},
            "resolvedDependencies": materials,
        },
        "runDetails": {"builder": {"id": BUILDER, "version": {"xenbuild": __version__}}},
    }
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": one.name, "digest": {"sha256": one.sha256}} for one in made],
        "predicateType": PREDICATE,
        "predicate": predicate,
    }
    return text(statement)


def _packages(packages: Iterable[LockedPackage], lock: Lock, release: str, role: str) -> list[dict[str, Any]]:
    return [
        {
            "name": package.name,
            "uri": purl(package, lock.archives[package.archive], _release(package) or release),
            "digest": {"sha256": package.sha256},
            "annotations": {"role": role},
        }
        for package in packages
    ]


def _release(package: LockedPackage) -> str:
    """Tools come from a release of their own; the archive's key begins with it."""
    return package.archive.partition("/")[0]


def declared_files(files: Iterable[Path], folder: Path) -> dict[str, Path]:
    """Names for the files of a declaration that are the same wherever it lies, and wherever our own recipes lie."""
    ours = {
        f"xenbuild/{name}": data_dir(name).resolve() for name in ("recipes", "pv-drivers", "dom0-image", "hvkernel")
    }
    found = {}
    for file in files:
        path = file.resolve()
        place = next(((name, at) for name, at in ours.items() if path.is_relative_to(at)), None)
        if place is None and path.is_relative_to(folder.resolve()):
            place = ("", folder.resolve())
        name = f"{place[0]}/{path.relative_to(place[1]).as_posix()}" if place else f"outside/{path.name}"
        found[name.lstrip("/")] = file
    return found
