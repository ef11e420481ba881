"""`${name}` in scalars, resolved after parsing.

A plain scalar that is nothing but one reference takes the variable's value with its type; a reference inside a
longer scalar puts in the text. `$${` stands for `${`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingOf
from dataclasses import replace

from xenbuild.spec.nodes import Mapping, Scalar, Sequence, Tree, kind
from xenbuild.spec.problems import Problems, nearest
from xenbuild.spec.scalars import quote

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
MAX_EXPANDED = 1 << 20

BUILT_IN = ("arch", "hypervisor", "name", "release")
NONCE = "nonce"  # is put in when a test runs; known in tests only


class Variables:
    """Values by name. Each may refer to others; cycles and unknown names become problems."""

    def __init__(self, values: MappingOf[str, Scalar], problems: Problems) -> None:
        self._values = values
        self._problems = problems
        self._done: dict[str, Scalar] = {}
        self._active: list[str] = []

    def expand_tree(self, tree: Tree, keep: str = "") -> Tree:
        """A copy with every reference resolved, but for the one named `keep`."""
        if isinstance(tree, Scalar):
            return self.expand(tree, keep)
        if isinstance(tree, Sequence):
            return Sequence([self.expand_tree(item, keep) for item in tree.items], tree.at)
        items = {key: self.expand_tree(value, keep) for key, value in tree.items.items()}
        return Mapping(items, tree.at, tree.keys)

    def expand(self, scalar: Scalar, keep: str = "") -> Scalar:
        if "${" not in scalar.text:
            return scalar
        whole = _REFERENCE.fullmatch(scalar.text)
        if whole and scalar.plain and whole[1] is not None and whole[2] and whole[1] != keep:
            value = self._lookup(whole[1], scalar, keep)
            if value is None or value.broken:
                return replace(scalar, broken=True)
            return Scalar(value.text, scalar.at, value.plain)
        text = _REFERENCE.sub(lambda match: self._replace(match, scalar, keep), scalar.text)
        if len(text) > MAX_EXPANDED:
            self._problems.add(scalar.at, f"grows to {len(text)} characters when its variables are put in")
            return Scalar("", scalar.at, broken=True)
        return Scalar(text, scalar.at, scalar.plain, broken="\0" in text)

    def _replace(self, match: re.Match[str], scalar: Scalar, keep: str) -> str:
        name = match[1]
        if name is None:
            return "${"
        if not match[2]:
            self._problems.add(scalar.at, f"'${{' without '}}' in {quote(scalar.text)}", "write $${ for a literal ${")
            return "\0"
        if name == keep and keep:
            return match[0]
        value = self._lookup(name, scalar, keep)
        return "\0" if value is None or value.broken else value.text  # YAML forbids NUL: it marks a broken scalar

    def _lookup(self, name: str, scalar: Scalar, keep: str) -> Scalar | None:
        if name in self._done:
            return self._done[name]
        if name in self._active:
            chain = " -> ".join([*self._active[self._active.index(name) :], name])
            message = f"variable {quote(name)} refers to itself: {chain}"
            self._problems.add(scalar.at, message, "give one of them a value")
            return None
        if name not in self._values:
            self._unknown(name, scalar, keep)
            return None
        self._active.append(name)
        self._done[name] = self.expand(self._values[name])
        self._active.pop()
        return self._done[name]

    def _unknown(self, name: str, scalar: Scalar, keep: str) -> None:
        if name == NONCE:
            self._problems.add(scalar.at, "${nonce} is known in tests only", "each boot of a test gets a new one")
            return
        known = [*self._values, *([keep] if keep else [])]
        advice = nearest(name, known, show="variables") + "; write $${ for a literal ${"
        self._problems.add(scalar.at, f"unknown variable {quote(name)}", advice)


def declared(tree: Tree | None, problems: Problems) -> dict[str, Scalar]:
    """The `variables:` block as scalars by name."""
    if tree is None:
        return {}
    if not isinstance(tree, Mapping):
        problems.add(tree.at, f"variables: needs a block of keys, found {kind(tree)}", "write one 'name: value' a line")
        return {}
    found = {}
    for name, value in tree.items.items():
        at = tree.key_at(name)
        if name in BUILT_IN or name == NONCE:
            problems.add(at, f"variable {quote(name)} is built in", "choose another name")
        elif not _NAME.fullmatch(name):
            problems.add(at, f"{quote(name)} is no name for a variable", "use letters, digits, _ and -")
        elif not isinstance(value, Scalar):
            problems.add(value.at, f"variables.{name}: needs a single value, found {kind(value)}", "variables are text")
        else:
            found[name] = value
    return found
