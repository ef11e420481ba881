"""Reads machine-readable debian/copyright files (DEP-5, copyright-format/1.0) and their licence expressions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from xenbuild.formats.deb822 import paragraphs

_FORMAT = re.compile(r"\s*Format(-Specification)?:\s*\S*(copyright-format/1\.0|dep5)", re.IGNORECASE)
_COMMA = re.compile(r"\s*,\s*(and|or)\s+|\s*,\s*", re.IGNORECASE)
_OR, _AND = re.compile(r"\s+or\s+", re.IGNORECASE), re.compile(r"\s+and\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Copyright:
    """What a package says: one expression for each group of its files, and the licences by their short names."""

    expressions: tuple[str, ...]
    texts: dict[str, str]


def read_copyright(text: str) -> Copyright | None:
    """The content of a machine-readable file; None for one that is for people only, or damaged."""
    if not _FORMAT.match(text):
        return None
    expressions: dict[str, None] = {}
    texts: dict[str, str] = {}
    try:
        for fields in paragraphs(text):
            named = {key.lower(): value for key, value in fields.items()}
            name, _, body = named.get("license", "").partition("\n")
            if not name.strip():
                continue
            if "files" in named:
                expressions[" ".join(name.split())] = None
            if body.strip():
                texts.setdefault(" ".join(name.split()), _plain(body))
    except ValueError:
        return None
    return Copyright(tuple(sorted(expressions)), texts) if expressions else None


def _plain(body: str) -> str:
    """The text of a field: a lone dot stands for an empty line."""
    return "\n".join("" if line.strip() == "." else line.rstrip() for line in body.split("\n")).strip()


def translate(expression: str, name: Callable[[str], str]) -> str:
    """A DEP-5 expression in SPDX's terms, every licence through `name`. A comma binds weaker than "and" and "or"."""
    pieces = _COMMA.split(expression.strip().strip(","))
    groups, joints = pieces[::2], [(joint or "and").upper() for joint in pieces[1::2]]
    found = _any(groups[0], name)
    for joint, group in zip(joints, groups[1:], strict=True):
        found = f"{_bracketed(found)} {joint} {_bracketed(_any(group, name))}"
    return found


def _any(group: str, name: Callable[[str], str]) -> str:
    return _joined("OR", [_all(part, name) for part in _OR.split(group.strip())])


def _all(group: str, name: Callable[[str], str]) -> str:
    return _joined("AND", [name(part.strip()) for part in _AND.split(group)])


def _joined(joint: str, parts: list[str]) -> str:
    different = list(dict.fromkeys(parts))
    return different[0] if len(different) == 1 else f" {joint} ".join(map(_bracketed, different))


def _bracketed(expression: str) -> str:
    return f"({expression})" if " AND " in expression or " OR " in expression else expression


def conjunction(expressions: list[str]) -> str:
    """All of several SPDX expressions at once."""
    return _joined("AND", sorted(set(expressions)))
