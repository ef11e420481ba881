"""Collecting the errors of a file, and what helps to show them: the nearest name, the source line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from xenbuild.errors import DeclarationError, Errors, Position, XenbuildError
from xenbuild.spec.scalars import quote


class Problems:
    """Errors found so far, so that all of a file are reported in one go."""

    def __init__(self) -> None:
        self._found: dict[str, DeclarationError] = {}

    def __len__(self) -> int:
        return len(self._found)

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, at: Position | None, message: str, advice: str = "") -> None:
        """Record an error. The first at a place counts: those after it are mostly its consequences."""
        self._found.setdefault(str(at) if at else message, DeclarationError(message, at=at, advice=advice))

    def take(self, error: XenbuildError) -> None:
        """Record the error or errors that a callee raised."""
        for one in error.errors if isinstance(error, Errors) else (error,):
            self.add(one.at, one.message, one.advice)

    def check(self) -> None:
        """Raise what was found, in the order of the files: one error as itself, several as `Errors`."""
        found = sorted(self._found.values(), key=lambda e: (e.at is not None, e.at or ()))
        if len(found) == 1:
            raise found[0]
        if found:
            raise Errors(found)


def nearest(word: str, known: Iterable[str], *, show: str = "known") -> str:
    """Advice for a misspelt word: the nearest known one, and the list of them all if that is short."""
    names = sorted(set(known))
    folded = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    hint = f"did you mean '{folded[close[0]]}'?" if close else ""
    listed = f"{show}: {', '.join(names)}" if names and len(names) <= 24 else ""
    return " ".join(part for part in (hint, listed) if part)


def excerpt(at: Position | None) -> str:
    """The source line with a caret under the column; empty if there is no such line."""
    if not at or not at.line:
        return ""
    try:
        line = at.file.read_text("utf-8", "replace").splitlines()[at.line - 1].replace("\t", " ")
    except (OSError, IndexError):
        return ""
    start = max(0, at.column - 80) if len(line) > 110 else 0
    line = line[start : start + 110]
    number = str(at.line)
    return f"  {number} | {line}\n  {' ' * len(number)} | {' ' * (at.column - 1 - start)}^"


def no_file(path: Path, written: str) -> str:
    """What is wrong with a name that leads to no file: a folder, a device, nothing; `written` is how it was named."""
    with suppress(OSError, ValueError):
        if path.is_dir():
            return f"{written} is a folder"
        if path.exists():
            return f"{written} is a device or pipe, not a file"
    return f"there is no file {quote(written)}"
