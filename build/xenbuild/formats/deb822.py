"""Reads Debian control data: paragraphs of `Field: value` lines (deb822(5))."""

from __future__ import annotations

from collections.abc import Iterator


def paragraphs(text: str) -> Iterator[dict[str, str]]:
    """Yields each paragraph as field -> value; continuation lines keep their newlines and lose one leading blank.

    Raises ValueError with the number of the offending line.
    """
    fields: dict[str, str] = {}
    last = ""
    for number, line in enumerate(text.split("\n"), 1):
        if line[:1] in (" ", "\t") and line.strip():
            if not last:
                raise ValueError(f"line {number} continues no field")
            fields[last] += "\n" + line[1:]
        elif not line.strip():
            if fields:
                yield fields
            fields, last = {}, ""
        elif not line.startswith("#"):
            last, colon, value = line.partition(":")
            if not colon or not last or " " in last:
                raise ValueError(f"line {number} is not of the form 'Field: value'")
            fields[last] = value.strip()
    if fields:
        yield fields
