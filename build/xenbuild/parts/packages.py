"""Locked packages as inputs of actions. A package's digest is in the lock, so a plan is made without any download."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xenbuild.plan.action import Action, File, Input, OutputOf
from xenbuild.sources.lock import LockedPackage
from xenbuild.store.digest import Digest

UNPACK = "xenbuild.parts.unpack:run"


def blob(package: LockedPackage) -> File:
    """The .deb of a locked package, whether it is in the store already or not."""
    return File(Digest(package.sha256, package.size))


def unpacked(package: LockedPackage, globs: Sequence[str] = (), exclude: Sequence[str] = ()) -> OutputOf:
    """A tree of the members that match `globs` (all without any) and not `exclude`: see parts/unpack.py."""
    return Action(
        f"unpack {package.name} {package.version}",
        UNPACK,
        {"globs": list(globs), "exclude": list(exclude)},
        {"deb": blob(package)},
        ("tree", "about"),
        size_hint=package.size,
    ).output("tree")


def merged(label: str, trees: Iterable[Input]) -> OutputOf:
    """One tree of many; where two name the same path, the later one wins."""
    inputs = {f"{number:03}": tree for number, tree in enumerate(trees)}
    return Action(label, "xenbuild.parts.toolstree:merge", {}, inputs, ("tree",)).output("tree")
