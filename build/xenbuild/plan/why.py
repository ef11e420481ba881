"""Which parameter, input or code changed between two builds, told from the preimages of their actions' keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xenbuild.errors import XenbuildError
from xenbuild.formats import protowire as wire
from xenbuild.plan.history import Keys
from xenbuild.store.digest import Digest
from xenbuild.store.store import Store
from xenbuild.store.tree import Entry, Tree

SHOWN = 60  # characters of a value
PATHS = 5  # changed paths of a tree that are named


@dataclass(frozen=True, slots=True)
class Change:
    """An action that differs, and what differs about it, in words."""

    label: str
    reasons: tuple[str, ...]


@dataclass(slots=True)
class _Preimage:
    function: str
    params: Any
    outputs: list[str]
    inputs: Mapping[str, Digest]
    code: Tree


def explain(store: Store, before: Keys, after: Keys) -> list[Change]:
    """What changed from one build to the next, in the plan's order. Labels tell which actions correspond."""
    old, new = _by_label(before), _by_label(after)
    changes = [Change(label, ("is no longer part of the plan",)) for label in old if label not in new]
    for label, key in new.items():
        if label not in old:
            changes.append(Change(label, ("is new in the plan",)))
        elif old[label] != key:
            changes.append(Change(label, tuple(_compare(store, old[label], key))))
    return changes


def _by_label(keys: Keys) -> dict[str, Digest]:
    """Several actions with one label are told apart by their number."""
    found: dict[str, Digest] = {}
    for label, key in keys:
        name, count = label, 1
        while name in found:
            count += 1
            name = f"{label} ({count})"
        found[name] = key
    return found


def _compare(store: Store, before: Digest, after: Digest) -> list[str]:
    try:
        old, new = _preimage(store, before), _preimage(store, after)
    except XenbuildError:
        return ["changed; what it was before has been removed by `xenbuild gc`"]
    reasons = []
    if old.function != new.function:
        reasons.append(f"function: {old.function} -> {new.function}")
    reasons += _values("parameters", old.params, new.params)
    if old.outputs != new.outputs:
        reasons.append(f"outputs: {', '.join(old.outputs)} -> {', '.join(new.outputs)}")
    for name in sorted(old.inputs.keys() | new.inputs.keys()):
        if name not in new.inputs:
            reasons.append(f"input {name}: removed")
        elif name not in old.inputs:
            reasons.append(f"input {name}: added")
        elif old.inputs[name] != new.inputs[name]:
            reasons.append(f"input {name}: content changed{_inside(store, old.inputs[name], new.inputs[name])}")
    changed = _paths(old.code, new.code)
    if changed:
        reasons.append(f"xenbuild's code: {_few(changed)}")
    return reasons


def _values(where: str, old: Any, new: Any) -> list[str]:
    """The differences of two JSON values, each with its place ("parameters.cmdline[2]")."""
    if old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for name in sorted(old.keys() | new.keys()):
            place = f"{where}.{name}"
            if name not in new:
                found.append(f"{place}: removed (was {_short(old[name])})")
            elif name not in old:
                found.append(f"{place}: added, {_short(new[name])}")
            else:
                found += _values(place, old[name], new[name])
        return found
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [text for i, pair in enumerate(zip(old, new, strict=True)) for text in _values(f"{where}[{i}]", *pair)]
    return [f"{where}: {_short(old)} -> {_short(new)}"]


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _preimage(store: Store, key: Digest) -> _Preimage:
    action = {number: Digest.decode(wire.as_bytes(value)) for number, value in wire.fields(store.read(key))}
    words: list[str] = []
    outputs: list[str] = []
    for number, value in wire.fields(store.read(action[1])):
        if number in (1, 7):
            (words if number == 1 else outputs).append(wire.as_text(value))
    root = _children(store, action[2])
    code = Tree.decode(root["code"], store.read)
    return _Preimage(words[0], json.loads(words[1]), outputs, _children(store, root["in"]), code)


def _children(store: Store, directory: Digest) -> dict[str, Digest]:
    """The names in one Directory message with the digests of files and directories."""
    found = {}
    for _, value in wire.fields(store.read(directory)):
        node = dict(wire.fields(wire.as_bytes(value)))
        found[wire.as_text(node[1])] = Digest.decode(wire.as_bytes(node[2]))
    return found


def _inside(store: Store, old: Digest, new: Digest) -> str:
    """Which paths changed, if both inputs are trees."""
    try:
        paths = _paths(store.get_tree(old), store.get_tree(new))
    except (XenbuildError, KeyError):
        return ""
    return f" ({_few(paths)})" if paths else ""


def _paths(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> list[str]:
    return [path for path in sorted(old.keys() | new.keys()) if old.get(path) != new.get(path)]


def _few(paths: list[str]) -> str:
    more = f" and {len(paths) - PATHS} more" if len(paths) > PATHS else ""
    return ", ".join(paths[:PATHS]) + more
