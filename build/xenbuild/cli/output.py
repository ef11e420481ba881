"""What every verb prints with: results on standard output, errors and advice on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TextIO

from xenbuild.errors import Errors, XenbuildError
from xenbuild.spec.problems import excerpt

RED, YELLOW, BOLD, PLAIN = "\033[31m", "\033[33m", "\033[1m", "\033[0m"


def has_color(stream: TextIO) -> bool:
    """Whether to colour: on a terminal that can, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, color: str, stream: TextIO) -> str:
    return f"{color}{text}{PLAIN}" if has_color(stream) else text


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> str:
    """Lines with aligned columns; the columns numbered in `right` are aligned to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def cell(text: str, column: int) -> str:
        return text.rjust(widths[column]) if column in right else text.ljust(widths[column])

    return "".join("  ".join(cell(text, at) for at, text in enumerate(line)).rstrip() + "\n" for line in lines)


def size(count: int) -> str:
    """Bytes for people: "812 B", "5.3 KiB", "12.0 MiB"."""
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def each(error: XenbuildError) -> Iterator[XenbuildError]:
    """The single errors of a bundle of errors."""
    if isinstance(error, Errors):
        for inner in error.errors:
            yield from each(inner)
    else:
        yield error


def report(error: XenbuildError, *, as_json: bool = False) -> None:
    """Print an error (or several) on standard error: message, line with caret, advice; or one JSON object each."""
    for single in each(error):
        print(as_object(single) if as_json else as_text(single), file=sys.stderr)


def as_text(error: XenbuildError) -> str:
    lines = [f"{paint('error:', RED, sys.stderr)} {error}"]
    if shown := excerpt(error.at):
        lines.append(shown)
    if error.advice:
        lines.append(f"  {paint('advice:', YELLOW, sys.stderr)} {error.advice}")
    return "\n".join(lines)


def as_object(error: XenbuildError) -> str:
    at = error.at
    place = {"file": str(at.file), "line": at.line, "column": at.column} if at else None
    fields = {"error": type(error).__name__, "message": error.message, "at": place, "advice": error.advice}
    return json.dumps({**fields, "exit_code": error.exit_code}, ensure_ascii=False)
