"""The schema, read off the dataclasses: which keys a block has, and what each may hold."""

from __future__ import annotations

import dataclasses
import types
from dataclasses import dataclass
from functools import cache
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from xenbuild.spec.block import Node


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a block."""

    name: str  # as written in YAML
    field: str  # as named in the dataclass
    type: Any  # with `| None` taken off
    optional: bool  # null is a value
    required: bool
    default: Any  # value or factory's result; None if required
    help: str
    pattern: str
    choices: tuple[str, ...]


def keys(cls: type[Node]) -> dict[str, Key]:
    """The keys of a block by their names in YAML. Fields made without `model.key` are no keys."""
    return _keys(cast(Any, cls))  # mypy takes the class for unhashable because its instances are


@cache
def _keys(cls: type[Node]) -> dict[str, Key]:
    hints = get_type_hints(cls)
    found = {}
    for field in dataclasses.fields(cls):
        if "help" not in field.metadata:
            continue
        hint, optional = strip_optional(hints[field.name])
        name = field.name.rstrip("_")
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        default = None if field.default is dataclasses.MISSING else field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        meta = field.metadata
        found[name] = Key(
            name, field.name, hint, optional, required, default, meta["help"], meta["pattern"], meta["choices"]
        )
    return found


def strip_optional(hint: Any) -> tuple[Any, bool]:
    """`X | None` as (X, True); any other type as (type, False)."""
    if get_origin(hint) in (types.UnionType, Union):  # `NewType | None` is the latter
        rest = [arg for arg in get_args(hint) if arg is not types.NoneType]
        if len(rest) == 1:
            return rest[0], True
    return hint, False


def is_block(hint: Any) -> bool:
    """Whether the type is a block of keys (a dataclass of the model)."""
    return isinstance(hint, type) and issubclass(hint, Node)
