"""YAML text to a tree with positions, strictly: one document, no duplicate keys, no tags, anchors or merge keys.

libyaml (through PyYAML) scans the text into events; it is a YAML 1.1 scanner, whose differences from 1.2 lie in
what scalars mean, which is decided in `xenbuild.spec.scalars`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xenbuild.errors import DeclarationError, Position
from xenbuild.spec.nodes import Mapping, Scalar, Sequence, Tree
from xenbuild.spec.problems import Problems
from xenbuild.spec.scalars import quote

MAX_DEPTH = 64
MAX_BYTES = 4 << 20


def read_yaml(path: Path) -> Tree:
    """The tree of a YAML file. Raises DeclarationError (or Errors) with positions under `path` as given."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DeclarationError(
            f"there is no file {path}",
            advice="check the name and the folder; `xenbuild init` writes a first declaration",
        ) from None
    except OSError as error:
        raise DeclarationError(f"cannot read {path}: {error.strerror}") from None
    return parse_yaml(data, path)


def parse_yaml(data: bytes, path: Path) -> Tree:
    """The tree of YAML text; `path` is only for the positions."""
    if len(data) > MAX_BYTES:
        raise DeclarationError(
            f"{len(data)} bytes are too many for a declaration, which has at most {MAX_BYTES}",
            at=Position(path),
            advice="put long contents into files of their own, and name them by `source`",
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise DeclarationError(
            f"byte 0x{data[error.start]:02x} is not UTF-8", at=Position(path, line, column), advice="save it as UTF-8"
        ) from None
    from yaml import YAMLError
    from yaml._yaml import CParser

    problems = Problems()
    try:
        tree = _Builder(path, problems).build(CParser(text))
    except YAMLError as error:
        problems.take(_syntax_error(error, text, path))
        tree = None
    problems.check()
    if tree is None:
        raise DeclarationError("the file is empty", at=Position(path), advice="`xenbuild init` writes a first one")
    return tree


class _Builder:
    """Builds the tree from libyaml's events, without recursion."""

    def __init__(self, path: Path, problems: Problems) -> None:
        self.path = path
        self.problems = problems
        self.stack: list[Mapping | Sequence] = []
        self.pending: list[Scalar | None] = []  # for each open block, the key that waits for its value
        self.root: Tree | None = None

    def build(self, parser: Any) -> Tree | None:
        from yaml import events

        while (event := parser.get_event()) is not None:
            at = Position(self.path, event.start_mark.line + 1, event.start_mark.column + 1)
            if isinstance(event, events.NodeEvent):
                self._refuse_extras(event, at)
            match event:
                case events.ScalarEvent():
                    self._value(Scalar(event.value, at, event.style is None or event.style == ""))
                case events.MappingStartEvent():
                    self._open(Mapping({}, at))
                case events.SequenceStartEvent():
                    self._open(Sequence([], at))
                case events.MappingEndEvent() | events.SequenceEndEvent():
                    self.stack.pop()
                    self.pending.pop()
                case events.DocumentStartEvent() if self.root is not None:
                    raise DeclarationError("a second document starts here", at=at, advice="one file, one document")
                case events.AliasEvent():
                    self._value(Scalar("", at))
        return self.root

    def _refuse_extras(self, event: Any, at: Position) -> None:
        from yaml import events

        if event.anchor:
            what = "alias '*" if isinstance(event, events.AliasEvent) else "anchor '&"
            self.problems.add(at, f"{what}{event.anchor}' is refused", "use variables, profiles or include instead")
        if getattr(event, "tag", None):
            self.problems.add(
                at, f"tag {quote(event.tag)} is refused", "put quotes around text that looks like a number"
            )

    def _open(self, block: Mapping | Sequence) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise DeclarationError(f"nested deeper than {MAX_DEPTH} levels", at=block.at)
        self._value(block)
        self.stack.append(block)
        self.pending.append(None)

    def _value(self, value: Tree) -> None:
        if not self.stack:
            self.root = value
            return
        block = self.stack[-1]
        if isinstance(block, Sequence):
            block.items.append(value)
            return
        key, self.pending[-1] = self.pending[-1], None
        if key is None:
            self.pending[-1] = self._key(value)
        elif key.text in block.items:
            first = block.key_at(key.text)
            self.problems.add(
                key.at,
                f"key {quote(key.text)} is written twice",
                f"the first is in line {first.line}; keep one of them",
            )
        elif key.text == "<<" and key.plain:
            self.problems.add(key.at, "merge key '<<' is refused", "use variables, profiles or include instead")
        else:
            block.put(key.text, value, key.at)

    def _key(self, value: Tree) -> Scalar:
        if isinstance(value, Scalar):
            return value
        raise DeclarationError("a key must be a single word", at=value.at, advice="quote text that starts with [ or {")


def _syntax_error(error: Any, text: str, path: Path) -> DeclarationError:
    """libyaml's complaint in one line. What it was doing (`context`) helps only with the place where that began."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # a ReaderError: a character that YAML forbids
        offset = getattr(error, "position", 0) or 0
        before = text[:offset]
        at = Position(path, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)
        return DeclarationError("a character that YAML forbids", at=at, advice="remove the control character")
    began = getattr(error, "context_mark", None)
    if began and mark.line >= len(text.splitlines()):
        mark = began  # the complaint is about the end of the file: show what is not finished there
    at = Position(path, mark.line + 1, mark.column + 1)
    problem = getattr(error, "problem", None) or "cannot be understood"
    context = getattr(error, "context", None) or ""
    where = f" ({context}, begun in line {began.line + 1})" if context and began else ""
    advice = "check the indentation, the colons and the quotes here and in the line above"
    if "\\t" in problem or "tab" in problem or _has_tab(text, at.line):
        advice = "indent with spaces; YAML forbids tabs there"
    elif "cannot start any token" in problem or "alias" in context:
        advice = "put quotes around a value that starts with a special character"
    return DeclarationError(f"no valid YAML: {problem}{where}", at=at, advice=advice)


def _has_tab(text: str, line: int) -> bool:
    lines = text.splitlines()
    shown = lines[line - 1] if 0 < line <= len(lines) else ""
    return "\t" in shown[: len(shown) - len(shown.lstrip())]
