"""What differs between two images: parts, words of command lines, packages and their versions, sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xenbuild.compose.inspect import inspect, raise_damage
from xenbuild.errors import FormatError
from xenbuild.store.files import hash_file, in_words
from xenbuild.trust.inside import parts_in
from xenbuild.trust.sums import CYCLONEDX, MANIFEST


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one image. Without papers beside it, packages are None."""

    path: Path
    facts: Mapping[str, str]  # name, target, release
    files: Mapping[str, tuple[int, str]]  # images: size in bytes, SHA-256
    parts: Mapping[str, tuple[int, str, str]]  # size in bytes, SHA-256, command line
    packages: Mapping[str, str] | None  # name -> version


@dataclass(frozen=True, slots=True)
class Change:
    """`old` or `new` is None if there is nothing of that name on that side."""

    name: str
    old: Any
    new: Any


@dataclass(slots=True)
class Difference:
    """Everything that differs, by kind. Sizes are in bytes."""

    facts: list[Change] = field(default_factory=list)
    images: list[Change] = field(default_factory=list)  # sizes, of those whose bytes differ
    parts: list[Change] = field(default_factory=list)  # sizes, of those whose bytes differ
    words: list[Change] = field(default_factory=list)  # of command lines: those gone, and those new
    packages: list[Change] | None = field(default_factory=list)  # versions; None: not known of both

    def __bool__(self) -> bool:
        return bool(self.facts or self.images or self.parts or self.words or self.packages)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "differ": bool(self)}


def read_side(path: Path) -> Side:
    """An image with the papers beside it, or a folder of results. Raises FormatError for what is neither."""
    folder = path if path.is_dir() else path.parent
    manifest = _manifest(folder)
    if path.is_dir():
        if manifest is None:
            raise FormatError(f"{path} is no folder of results: it has no manifest.json that can be read")
        return _of_papers(path, folder, manifest, manifest["images"])
    with in_words(path):
        digest = hash_file(path)
    own = [one for one in manifest["images"] if one["file"] == path.name] if manifest else []
    if manifest and own and own[0].get("sha256") == digest.hash:
        return _of_papers(path, folder, manifest, own)
    report = inspect(path)  # other papers than this file's lie beside it, or none
    raise_damage(report, str(path))
    parts = parts_in(path).parts
    if not parts:
        raise FormatError(f"{path} is no image of ours, and no papers that name it lie beside it")
    facts = {"target": report.facts["target"]} if "target" in report.facts else {}
    return Side(path, facts, {"image": (digest.size, digest.hash)}, parts, None)


def _of_papers(path: Path, folder: Path, manifest: Mapping[str, Any], images: list[Any]) -> Side:
    try:
        return Side(
            path,
            {name: str(manifest[name]) for name in ("name", "target", "release")},
            {_medium(one): (one["size"], one.get("sha256", json.dumps(one.get("files")))) for one in images},
            {p["name"]: (p["size"], p["sha256"], p["cmdline"]) for p in manifest["bundle"]["parts"]},
            _packages(folder / CYCLONEDX),
        )
    except (KeyError, TypeError, AttributeError):
        raise FormatError(f"{folder / MANIFEST} is damaged", advice="build the image again") from None


def _medium(image: Mapping[str, Any]) -> str:
    """Images of one machine have many names; two of one medium are compared."""
    return Path(image["file"]).suffix.lstrip(".") or str(image.get("medium", "image"))


def _manifest(folder: Path) -> dict[str, Any] | None:
    try:
        content = json.loads((folder / MANIFEST).read_bytes())
        return content if isinstance(content.get("images"), list) and "bundle" in content else None
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def _packages(path: Path) -> dict[str, str] | None:
    """Packages of a bill; those of several versions or architectures are one row."""
    try:
        components = json.loads(path.read_bytes())["components"]
        rows = [(one["name"], one["version"]) for one in components if one.get("purl", "").startswith("pkg:deb/")]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    found: dict[str, set[str]] = {}
    for name, version in rows:
        found.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def compare(old: Side, new: Side) -> Difference:
    """Everything in which two sides differ."""
    return Difference(
        facts=_changes(old.facts, new.facts),
        images=_sizes(old.files, new.files),
        parts=_sizes(old.parts, new.parts),
        words=[c for name in {**old.parts, **new.parts} for c in _words(name, old, new)],
        packages=None if old.packages is None or new.packages is None else _changes(old.packages, new.packages),
    )


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    names = sorted({*old, *new})
    return [Change(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def _sizes(old: Mapping[str, tuple[Any, ...]], new: Mapping[str, tuple[Any, ...]]) -> list[Change]:
    """Sizes of what has other bytes."""
    rows = {name: (old.get(name), new.get(name)) for name in {**old, **new}}
    differ = {name: pair for name, pair in rows.items() if not (pair[0] and pair[1] and pair[0][1] == pair[1][1])}
    return [Change(name, was[0] if was else None, now[0] if now else None) for name, (was, now) in differ.items()]


def _words(name: str, old: Side, new: Side) -> list[Change]:
    was, now = (side.parts[name][2].split() if name in side.parts else [] for side in (old, new))
    if was == now:
        return []
    gone = [word for word in was if word not in now]
    come = [word for word in now if word not in was]
    return [Change(name, gone, come)] if gone or come else [Change(name, was, now)]  # only their order differs
