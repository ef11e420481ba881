"""A tree with positions to the dataclasses of the model, by the types and the metadata of their fields.

The same code reads declarations and recipes. Errors are collected in `Problems`; a value that has one becomes
`BAD`, and so does the block around it, so that one pass finds them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as MappingOf
from pathlib import Path
from typing import Any, Final, TypeVar, cast, get_args, get_origin

from xenbuild.errors import Position
from xenbuild.spec import scalars
from xenbuild.spec.block import Duration, InputFile, Mode, Node, Percent, Setting, Size
from xenbuild.spec.inputs import refers
from xenbuild.spec.keys import Key, is_block, keys
from xenbuild.spec.nodes import Mapping, Scalar, Sequence, Tree, kind
from xenbuild.spec.problems import Problems, nearest, no_file
from xenbuild.spec.scalars import quote

BAD: Final = object()
UNWRITTEN: Final = object()
Check = Callable[[Any, Problems], None]
T = TypeVar("T", bound=Node)

_UNITS: dict[Any, tuple[Callable[[str], float | None], str, str]] = {
    Size: (scalars.parse_size, "size", 'write a number with K, M, G or T, such as "512M" or "1.5G", or plain bytes'),
    Duration: (scalars.parse_duration, "duration", 'write a number with its unit: "1500ms", "90s", "2m" or "1h"'),
    Percent: (scalars.parse_percent, "percentage", 'write a number from 0 to 100 with its sign: "30%" or "0.5%"'),
    Mode: (scalars.parse_mode, "file mode", 'write three or four octal digits in quotes, such as "0644"'),
}
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Converter:
    """Converts blocks. `checks` judge each finished block; a `partial` one may lack required keys (an overlay)."""

    def __init__(self, problems: Problems, checks: MappingOf[type[Node], Check] | None = None, partial: bool = False):
        self.problems = problems
        self.checks = checks or {}
        self.partial = partial

    def block(self, tree: Tree, cls: type[T], path: str = "", **given: Any) -> T:
        """A block of keys as its dataclass; `given` are fields that are no keys. BAD if there was a problem."""
        if not isinstance(tree, Mapping):
            return cast(T, self._wrong(tree, path, "a block of keys", f"keys: {', '.join(keys(cls))}"))
        known = keys(cls)
        values: dict[str, Any] = dict(given)
        origins: dict[str, Position] = {"": tree.at}
        for name in tree.items:
            if name.removesuffix("+") not in known:
                at = tree.key_at(name)
                self.problems.add(at, f"unknown key {quote(_join(path, name))}", nearest(name, known, show="keys here"))
                values[name] = BAD
        for spec in known.values():
            value = self._member(tree, spec, path, origins)
            if value is not UNWRITTEN:
                values[spec.field] = value
        missing = [name for name, spec in known.items() if spec.required and spec.field not in values]
        if missing and not self.partial:
            what = ", ".join(quote(_join(path, name)) for name in missing)
            advice = "; ".join(f"{name}: {known[name].help}" for name in missing)
            self.problems.add(tree.at, f"missing {what}", advice)
        if missing or any(value is BAD for value in values.values()):
            return cast(T, BAD)
        made = cls(origins=origins, **values)
        if check := self.checks.get(cls):
            check(made, self.problems)
        return made

    def _member(self, tree: Mapping, spec: Key, path: str, origins: dict[str, Position]) -> Any:
        """The value of one key of a block; UNWRITTEN leaves it to the dataclass."""
        where = _join(path, spec.name)
        if (written := tree.items.get(spec.name)) is not None:
            origins[spec.field] = written.at
            return self.value(written, spec, where, origins)
        if (more := tree.items.get(f"{spec.name}+")) is None:
            return UNWRITTEN
        if get_origin(spec.type) is not list:
            self.problems.add(
                tree.key_at(f"{spec.name}+"), f"{where}: only a list can be appended to", f"write '{spec.name}'"
            )
            return BAD
        origins[spec.field] = more.at
        start = list(spec.default or [])
        added = self._list(more, spec, where, origins, len(start))
        return BAD if added is BAD else start + added

    def value(self, tree: Tree, spec: Key, path: str, origins: dict[str, Position]) -> Any:
        """A value by the type of its key; the origins of a list's or mapping's members are added to `origins`."""
        if isinstance(tree, Scalar) and tree.broken:
            return BAD
        if isinstance(tree, Scalar) and tree.plain and scalars.resolve(tree.text) is None:
            if spec.optional:
                return None
            self.problems.add(tree.at, f"{path}: no value", f"write {_wanted(spec)} or remove the key")
            return BAD
        origin = get_origin(spec.type)
        if origin is list:
            return self._list(tree, spec, path, origins, 0)
        if origin is dict:
            return self._dict(tree, spec, path, origins)
        return self._single(tree, spec.type, spec, path)

    def _list(self, tree: Tree, spec: Key, path: str, origins: dict[str, Position], start: int) -> Any:
        if not isinstance(tree, Sequence):
            return self._wrong(
                tree,
                path,
                "a list",
                "put '- ' before each entry" if isinstance(tree, Mapping) else f"write [{tree.text}]",
            )
        (item,) = get_args(spec.type)
        made = []
        for index, member in enumerate(tree.items, start):
            origins[f"{spec.field}[{index}]"] = member.at
            made.append(self._single(member, item, spec, f"{path}[{index}]"))
        return BAD if any(value is BAD for value in made) else made

    def _dict(self, tree: Tree, spec: Key, path: str, origins: dict[str, Position]) -> Any:
        if not isinstance(tree, Mapping):
            return self._wrong(tree, path, "a block of named entries", "write one 'name: ...' a line")
        item = get_args(spec.type)[1]
        made = {}
        for name, member in tree.items.items():
            where = _join(path, name)
            if not _NAME.fullmatch(name):
                self.problems.add(tree.key_at(name), f"{where}: {quote(name)} is no name", "use letters, digits, . _ -")
            origins[f"{spec.field}.{name}"] = member.at
            inner = Key(name, f"{spec.field}.{name}", item, False, True, None, spec.help, spec.pattern, spec.choices)
            made[name] = self.value(member, inner, where, origins)
        return BAD if any(value is BAD for value in made.values()) else made

    def _single(self, tree: Tree, hint: Any, spec: Key, path: str) -> Any:
        if is_block(hint):
            return self.block(tree, hint, path)
        if hint is Setting and isinstance(tree, Sequence):
            members = [self._single(member, hint, spec, f"{path}[{i}]") for i, member in enumerate(tree.items)]
            return BAD if any(member is BAD for member in members) else members
        if not isinstance(tree, Scalar):
            return self._wrong(tree, path, _SHAPES[hint], "")
        if tree.broken:
            return BAD
        if hint in _UNITS:
            return self._unit(tree, hint, path)
        if hint is InputFile and refers(tree.text):
            return Path(tree.text)
        if hint in (Path, InputFile):
            return self._path(tree, path)
        value = scalars.resolve(tree.text) if tree.plain else tree.text
        if hint is Setting:
            return value
        if hint is bool or hint is int:
            if type(value) is hint:
                return value
            return self._wrong(tree, path, _SHAPES[hint], "take the quotes off" if not tree.plain else "")
        if not isinstance(value, str):
            return self._wrong(tree, path, "text", f'put it in quotes: "{tree.text}"' if value is not None else "")
        return self._text(tree, spec, path)

    def _text(self, tree: Scalar, spec: Key, path: str) -> Any:
        if spec.choices and tree.text not in spec.choices:
            self.problems.add(tree.at, f"{path}: {quote(tree.text)} is unknown", nearest(tree.text, spec.choices))
            return BAD
        if spec.pattern and not re.fullmatch(spec.pattern, tree.text):
            self.problems.add(
                tree.at, f"{path}: {quote(tree.text)} does not fit", f"{spec.help}; it must match {spec.pattern}"
            )
            return BAD
        return tree.text

    def _unit(self, tree: Scalar, hint: Any, path: str) -> Any:
        parse, what, advice = _UNITS[hint]
        value = parse(tree.text)
        if value is None or (hint is Mode and tree.plain):  # a plain 0644 is six hundred and forty-four in YAML 1.2
            self.problems.add(tree.at, f"{path}: {quote(tree.text)} is no {what}", advice)
            return BAD
        return value

    def _path(self, tree: Scalar, path: str) -> Any:
        """A file that must exist, relative to the folder of the file that names it."""
        folder = tree.at.file.parent
        file = (folder / tree.text).absolute()
        try:
            if file.is_file():
                return file
            message = f"{path}: {no_file(file, tree.text)}"
            beside = [one.name for one in file.parent.iterdir() if one.is_file()] if file.parent.is_dir() else []
        except (OSError, ValueError) as error:
            message, beside = f"{path}: cannot read {quote(tree.text)}: {getattr(error, 'strerror', error)}", []
        hint = nearest(file.name, beside, show="").partition("?")
        advice = hint[0] + "?" if hint[1] else f"paths are relative to the folder of {tree.at.file.name}"
        self.problems.add(tree.at, message, advice)
        return BAD

    def _wrong(self, tree: Tree, path: str, wanted: str, advice: str) -> object:
        found = kind(tree)
        if isinstance(tree, Scalar):
            found = scalars.describe(scalars.resolve(tree.text) if tree.plain else tree.text)
        self.problems.add(tree.at, f"{path or 'the file'}: needs {wanted}, found {found}", advice)
        return BAD


_SHAPES: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    str: "text",
    Path: "the name of a file",
    InputFile: "the name of a file",
    Size: "a size",
    Duration: "a duration",
    Percent: "a percentage",
    Mode: "a file mode",
    Setting: "text, a number, true or false, or a list of these",
}


def _wanted(spec: Key) -> str:
    origin = get_origin(spec.type)
    if origin is list:
        return "a list"
    return "a block of keys" if origin is dict or is_block(spec.type) else _SHAPES.get(spec.type, "a value")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
