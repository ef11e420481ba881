"""Files of `sources:` where the declaration takes a file: "source:NAME", "source:NAME/PATH" in a tree of git."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from xenbuild.errors import Position
from xenbuild.spec.block import InputFile, Node
from xenbuild.spec.keys import is_block, keys
from xenbuild.spec.model import Declaration
from xenbuild.spec.problems import Problems, nearest
from xenbuild.spec.scalars import quote

_PREFIX = "source:"
_VARIABLE = re.compile(r"\$\{[^}]*\}")
N = TypeVar("N", bound=Node)


@dataclass(frozen=True, slots=True)
class Use:
    """A key of the declaration that holds a file, and where it was written."""

    file: Path
    at: Position | None

    @property
    def name(self) -> str:
        """The source's name; empty if this is a plain file."""
        return self.file.parts[0].removeprefix(_PREFIX) if refers(self.file) else ""

    @property
    def inside(self) -> str:
        """The path in the source's tree; empty if the source itself is meant."""
        return "/".join(self.file.parts[1:])


def refers(file: Path | str) -> bool:
    """Whether this is no file but names a source. (A file of such a name can be written "./source:...".)"""
    return str(file).startswith(_PREFIX)


def uses(node: Node) -> Iterator[Use]:
    """Every key of the block, and of those in it, that holds a file or a source."""
    found: list[Use] = []

    def note(use: Use) -> Path:
        found.append(use)
        return use.file

    with_files(node, note)
    yield from found


def with_files(node: N, place: Callable[[Use], Path]) -> N:
    """The block with every file or source in it replaced by what `place` says."""
    changed: dict[str, Any] = {}
    for spec in keys(type(node)).values():
        value = getattr(node, spec.field)
        if spec.type is InputFile and value is not None:
            changed[spec.field] = place(Use(value, node.at(spec.field)))
        elif any(map(is_block, (spec.type, *get_args(spec.type)))):
            changed[spec.field] = _inside(value, place)
    return replace(node, **changed) if changed else node


def _inside(value: Any, place: Callable[[Use], Path]) -> Any:
    if isinstance(value, Node):
        return with_files(value, place)
    if isinstance(value, list):
        return [_inside(item, place) for item in value]
    if isinstance(value, dict):
        return {name: _inside(item, place) for name, item in value.items()}
    return value


def check_sources(made: Declaration, texts: Iterable[str], problems: Problems) -> None:
    """Every source that is named exists and fits, and every one that gives files is named.

    `texts`: all of the file, as written: an overlay that does not apply to this target may be what uses a source.
    """
    for use in uses(made):
        if refers(use.file):
            _check_use(made, use, problems)
    patterns = [_pattern(text) for text in texts if text.startswith(_PREFIX)]
    for name, source in made.sources.items():
        if source.apt is None and not any(pattern.match(_PREFIX + name) for pattern in patterns):
            spelling = f"{_PREFIX}{name}{'/PATH' if source.git is not None else ''}"
            message = f"nothing uses the source {quote(name)}"
            problems.add(made.at(f"sources.{name}"), message, f"write {spelling} for a file, or remove it")


def _check_use(made: Declaration, use: Use, problems: Problems) -> None:
    source = made.sources.get(use.name)
    if source is None:
        files = [name for name, each in made.sources.items() if each.apt is None]
        advice = nearest(use.name, files, show="sources") or "declare it under sources"
        problems.add(use.at, f"there is no source {quote(use.name)}", advice)
    elif source.apt is not None:
        message = f"{quote(use.name)} is an apt source and holds packages"
        problems.add(use.at, message, "name its packages in dom0.packages; a file comes from a file, git or url source")
    elif ".." in use.file.parts:
        problems.add(use.at, f"'..' in {quote(str(use.file))}", "write the path without it")
    elif source.git is not None and not use.inside:
        message = f"{quote(use.name)} is a git source and holds many files"
        problems.add(use.at, message, f"name one of them: {_PREFIX}{use.name}/PATH")
    elif source.git is None and use.inside:
        message = f"{quote(use.name)} is one file and holds no {quote(use.inside)}"
        problems.add(use.at, message, f"write {_PREFIX}{use.name}")


def _pattern(text: str) -> re.Pattern[str]:
    """What a text may name once its variables are put in, up to the path in a tree."""
    name = _VARIABLE.sub("\0", text).partition("/")[0]
    return re.compile(".*".join(re.escape(part) for part in name.split("\0")) + "$")
