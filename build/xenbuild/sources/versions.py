"""Debian's order of versions (deb-version(7)) and dependency relations (deb-control(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_RELATION = re.compile(
    r"\s*(?P<name>[a-z0-9][a-z0-9+.-]*)(?::(?P<qualifier>[a-z0-9-]+))?"
    r"\s*(?:\(\s*(?P<operator><<|<=|=|>=|>>|<|>)\s*(?P<version>[^\s)]+)\s*\))?\s*(?:\[[^]]*\]\s*)?(?:<[^>]*>\s*)*"
)


@lru_cache(maxsize=65536)
def version_key(version: str) -> Any:
    """A sort key: epoch, upstream version, revision; '~' sorts before the end, letters before other characters."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-")
    if not upstream:
        upstream, revision = rest, "0"
    return (_number(epoch if epoch.isascii() and epoch.isdigit() else ""), _part_key(upstream), _part_key(revision))


def _number(digits: str) -> tuple[int, str]:
    """Sorts like the number, which may have more digits than int() takes."""
    digits = digits.lstrip("0")
    return (len(digits), digits)


def _part_key(text: str) -> tuple[tuple[tuple[int, ...], tuple[int, str]], ...]:
    """Alternating non-digits and digits. The end of a non-digit run counts as 0, '~' as -1."""
    key = []
    for letters, digits in _PARTS.findall(text):
        if letters or digits:
            order = tuple(-1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 256 for c in letters)
            key.append(((*order, 0), _number(digits)))
    # The end of the version sorts like an empty run followed by zero: after '~', before all else.
    return (*key, ((0,), _number("")))


def satisfies(version: str, operator: str, wanted: str) -> bool:
    """Whether `version operator wanted` holds; '<' and '>' are the old spellings of '<=' and '>='."""
    ours, theirs = version_key(version), version_key(wanted)
    match operator:
        case "<<":
            return bool(ours < theirs)
        case "<=" | "<":
            return bool(ours <= theirs)
        case "=":
            return bool(ours == theirs)
        case ">=" | ">":
            return bool(ours >= theirs)
        case ">>":
            return bool(ours > theirs)
    return True


@dataclass(frozen=True, slots=True)
class Relation:
    """One alternative of a dependency; no operator means that any version will do."""

    name: str
    operator: str = ""
    version: str = ""

    def accepts(self, version: str) -> bool:
        return satisfies(version, self.operator, self.version)

    def __str__(self) -> str:
        return f"{self.name} ({self.operator} {self.version})" if self.operator else self.name


@lru_cache(maxsize=65536)
def parse_relations(text: str) -> tuple[tuple[Relation, ...], ...]:
    """A Depends or Provides field: groups joined by commas, alternatives by '|'. Raises ValueError."""
    groups = []
    for group in text.split(","):
        if not group.strip():
            continue
        alternatives = []
        for alternative in group.split("|"):
            match = _RELATION.fullmatch(alternative)
            if not match:
                raise ValueError(f"cannot read the dependency '{alternative.strip()}'")
            alternatives.append(Relation(match["name"], match["operator"] or "", match["version"] or ""))
        groups.append(tuple(alternatives))
    return tuple(groups)
