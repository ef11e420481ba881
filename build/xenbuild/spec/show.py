"""A loaded declaration as plain data and as YAML, with defaults, optionally with the origin of every value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from xenbuild.errors import Position
from xenbuild.spec.block import Duration, Mode, Node, Percent, Size
from xenbuild.spec.keys import is_block, keys
from xenbuild.spec.model import Declaration
from xenbuild.spec.reference import format_scalar
from xenbuild.spec.scalars import resolve

_REFERENCE = re.compile(r"\$\{(?!nonce\})")  # text that would be taken for a variable


def plain(made: Declaration) -> dict[str, Any]:
    """The declaration as data for JSON."""
    return {"target": str(made.target), **_plain(made, made.folder)}


def _plain(value: Any, folder: Path, hint: Any = None) -> Any:
    if isinstance(value, Node):
        specs = keys(type(value))
        return {name: _plain(getattr(value, spec.field), folder, spec.type) for name, spec in specs.items()}
    if isinstance(value, list):
        return [_plain(item, folder, get_args(hint)[0]) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item, folder, get_args(hint)[1]) for name, item in value.items()}
    if isinstance(value, Path):
        return _relative(value, folder)
    return format_scalar(value, hint) if value is not None and hint in (Size, Duration, Percent, Mode) else value


def _relative(file: Path, folder: Path) -> str:
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)


def yaml_lines(made: Declaration, origins: bool = False) -> Iterator[str]:
    """The declaration as YAML, a line at a time; with `origins`, each value's file:line:col as a comment."""
    yield f"# {made.target}"
    for text, at in _block_lines(made, made.folder, ""):
        if not origins or text.endswith((":", "-")):
            yield text
        else:
            yield f"{text:<48} # {at or 'default'}"


Line = tuple[str, Position | None]


def _block_lines(node: Node, folder: Path, indent: str) -> Iterator[Line]:
    for name, spec in keys(type(node)).items():
        yield from _value_lines(f"{indent}{name}:", getattr(node, spec.field), spec.type, node, spec.field, folder)


def _value_lines(start: str, value: Any, hint: Any, node: Node, path: str, folder: Path) -> Iterator[Line]:
    """Lines of one value after `start`, which is "key:" or "-" with its indentation."""
    at = node.origins.get(path)
    indent = " " * (len(start) - len(start.lstrip(" "))) + "  "
    if isinstance(value, Node):
        lines = list(_block_lines(value, folder, indent))
        if start.endswith("-"):
            first, *lines = lines
            yield f"{start} {first[0].lstrip()}", first[1]
        else:
            yield start, at
        yield from lines
    elif isinstance(value, list) and value:
        yield start, at
        for index, item in enumerate(value):
            member = f"{path}[{index}]"
            yield from _value_lines(f"{indent}-", item, get_args(hint)[0], node, member, folder)
    elif isinstance(value, dict) and value:
        yield start, at
        for name, item in value.items():
            yield from _value_lines(f"{indent}{name}:", item, get_args(hint)[1], node, f"{path}.{name}", folder)
    else:
        yield f"{start} {_scalar(_plain(value, folder, hint), hint)}", at


def _scalar(value: Any, hint: Any) -> str:
    """One value in YAML's flow style. Text is quoted, but for words that could be nothing else."""
    if value is None:
        return "null"
    if isinstance(value, str):
        words = value.replace("_", "").replace("-", "").replace("/", "").replace(".", "")
        plain_word = words.isascii() and words.isalnum() and value[0].isalnum() and isinstance(resolve(value), str)
        if plain_word and (hint is not Mode) and not get_origin(hint) and not is_block(hint):
            return value
        return json.dumps(_REFERENCE.sub("$${", value), ensure_ascii=False)
    return json.dumps(value)
