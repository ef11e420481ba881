"""The text of a serial console: bytes as they come, made plain and searchable.

Terminal sequences are dropped, line ends become "\\n", other control characters vanish, and bytes that are no
UTF-8 are replaced, so that a pattern sees what a person would read.
"""

from __future__ import annotations

import codecs
import re

# ECMA-48: control sequences (CSI), operating system commands (OSC, ended by BEL or ST), two-character escapes.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-Z\\^-~])")
_UNFINISHED = re.compile(r"(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[ -/]*))\Z")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LONGEST_ESCAPE = 256  # characters; what claims to be a longer one is noise
_KEPT = 1 << 20  # characters of history that are kept for patterns and for the last lines
OVERLAP = 1 << 14  # characters that a match may reach back over the border of two pieces


class Plain:
    """Turns pieces of a byte stream into plain text; what is cut by a border waits for the next piece."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""  # the beginning of an escape
        self._returns = ""  # carriage returns whose line feed may follow, even behind an escape

    def feed(self, data: bytes, *, final: bool = False) -> str:
        text = self._rest + self._decoder.decode(data, final)
        self._rest = ""
        unfinished = None if final else _UNFINISHED.search(text, max(0, len(text) - _LONGEST_ESCAPE))
        if unfinished:
            text, self._rest = text[: unfinished.start()], unfinished.group()
        text = self._returns + _ESCAPES.sub("", text)
        self._returns = "" if final else text[len(text.rstrip("\r")) :]
        text = text[: len(text) - len(self._returns)]
        text = re.sub(r"\r+\n?", "\n", text)
        return _CONTROLS.sub("", text)


class History:
    """Plain text with a reading position. Positions count from the stream's start and never shift."""

    def __init__(self) -> None:
        self._text = ""
        self._start = 0  # position of self._text[0]
        self.mark = 0  # what lies before was consumed by a match

    @property
    def end(self) -> int:
        return self._start + len(self._text)

    def add(self, text: str) -> None:
        self._text += text
        if len(self._text) > 2 * _KEPT:
            self._start += len(self._text) - _KEPT
            self._text = self._text[-_KEPT:]
            self.mark = max(self.mark, self._start)

    def search(self, pattern: re.Pattern[str], start: int, end: int | None = None) -> tuple[int, re.Match[str]] | None:
        """First match at or after position `start`: the position of its end, and the match."""
        first = max(start - self._start, 0)
        last = len(self._text) if end is None else max(end - self._start, 0)
        match = pattern.search(self._text, first, last)
        return (self._start + match.end(), match) if match else None

    def slice(self, start: int, end: int) -> str:
        return self._text[max(start - self._start, 0) : max(end - self._start, 0)]

    def blank(self, start: int, keep: re.Pattern[str]) -> None:
        """Takes lines from position `start` on out of the text, but for those that `keep` matches."""
        lines = self._text[max(start - self._start, 0) :].split("\n")
        kept = [line if keep.match(line) else "\n" * len(line) for line in lines]
        self._text = self._text[: max(start - self._start, 0)] + "\n".join(kept)

    def line_start(self, position: int) -> int:
        """Position of the first character of the line that holds `position`."""
        return self._start + self._text.rfind("\n", 0, max(position - self._start, 0)) + 1

    def last_lines(self, count: int) -> list[str]:
        """The last lines that hold anything, without blanks at their ends; of equal ones in a row, one.

        Prompts stay of the commands that were taken out, one of each.
        """
        lines = [line.rstrip() for line in self._text.split("\n") if line.strip()]
        return [line for line, before in zip(lines, ["", *lines], strict=False) if line != before][-count:]
