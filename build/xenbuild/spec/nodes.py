"""YAML as a tree in which every value knows where it was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from xenbuild.errors import Position


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar as written. Its type is decided by `xenbuild.spec.scalars`, which looks at plain ones only."""

    text: str
    at: Position
    plain: bool = True  # neither quoted nor a block scalar
    broken: bool = False  # its variables could not be put in, which has been reported


@dataclass(slots=True)
class Sequence:
    items: list[Tree]
    at: Position


@dataclass(slots=True)
class Mapping:
    """Keys in the order written. `keys` says where each was written; the values have their own positions."""

    items: dict[str, Tree]
    at: Position
    keys: dict[str, Position] = field(default_factory=dict)

    def put(self, key: str, value: Tree, at: Position | None = None) -> None:
        self.items[key] = value
        self.keys[key] = at or value.at

    def key_at(self, key: str) -> Position:
        return self.keys.get(key, self.at)

    def without(self, *names: str) -> Mapping:
        """A shallow copy that lacks these keys."""
        kept = {key: value for key, value in self.items.items() if key not in names}
        return Mapping(kept, self.at, {key: self.key_at(key) for key in kept})


Tree: TypeAlias = Scalar | Sequence | Mapping


def kind(tree: Tree) -> str:
    """What to call this in a message."""
    if isinstance(tree, Mapping):
        return "a block of keys"
    return "a list" if isinstance(tree, Sequence) else "a single value"


def scalars(tree: Tree) -> Iterator[Scalar]:
    """Every scalar below (not the keys), in order."""
    if isinstance(tree, Scalar):
        yield tree
        return
    for item in tree.items.values() if isinstance(tree, Mapping) else tree.items:
        yield from scalars(item)
