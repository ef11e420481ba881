"""Laying one tree over another: blocks are merged key by key, anything else is replaced, `key+` appends to a list."""

from __future__ import annotations

from xenbuild.spec.nodes import Mapping, Sequence, Tree, kind
from xenbuild.spec.problems import Problems


def merge(base: Mapping, over: Mapping, problems: Problems) -> Mapping:
    """A new tree. A `key+` that finds no list below it stays, and is appended to the key's default later."""
    merged = Mapping(dict(base.items), base.at, dict(base.keys))
    for key, value in over.items.items():
        at = over.key_at(key)
        if key.endswith("+"):
            _append(merged, key, value, over, problems)
            continue
        merged.items.pop(f"{key}+", None)
        below = merged.items.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = merge(below, value, problems)
        merged.put(key, value, at)
    return merged


def _append(merged: Mapping, key: str, value: Tree, over: Mapping, problems: Problems) -> None:
    name = key[:-1]
    below = merged.items.get(name)
    target = key if below is None else name
    below = merged.items.get(target)
    if below is None:
        merged.put(key, value, over.key_at(key))
    elif isinstance(below, Sequence) and isinstance(value, Sequence):
        merged.put(target, Sequence(below.items + value.items, below.at), merged.key_at(target))
    else:
        wrong = below if not isinstance(below, Sequence) else value
        problems.add(
            over.key_at(key), f"'{key}' appends to a list, but here is {kind(wrong)}", f"write '{name}' to replace"
        )


def check_appends(tree: Tree, problems: Problems) -> None:
    """Refuse blocks that set a list and append to it at the same time."""
    if isinstance(tree, Mapping):
        for key in tree.items:
            if key.endswith("+") and key[:-1] in tree.items:
                problems.add(tree.key_at(key), f"both '{key[:-1]}' and '{key}' in one block", "keep one of them")
        for value in tree.items.values():
            check_appends(value, problems)
    elif isinstance(tree, Sequence):
        for value in tree.items:
            check_appends(value, problems)
