"""What a scalar means: the YAML 1.2 core schema, and the project's units.

YAML 1.2.2 section 10.3.2. Unlike YAML 1.1 (and PyYAML), `no`, `on` and `12:30` are text and `017` is seventeen.
"""

from __future__ import annotations

import re

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+", re.ASCII)
_RADIX = {"0o": (re.compile(r"0o[0-7]+"), 8), "0x": (re.compile(r"0x[0-9a-fA-F]+"), 16)}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_INF = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NAN = frozenset((".nan", ".NaN", ".NAN"))
_MAX_DIGITS = 40  # beyond, a number is nonsense here; CPython refuses to convert more than 4300 digits anyway

_SIZE = re.compile(r"([0-9]+)(?:\.([0-9]+))?([KMGT]?)", re.ASCII)
_SHIFT = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?)%", re.ASCII)
_MODE = re.compile(r"0?[0-7]{3,4}")

CoreValue = None | bool | int | float | str


def resolve(text: str) -> CoreValue:
    """The value of a plain scalar."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if len(text) <= _MAX_DIGITS:
        if _INT.fullmatch(text):
            return int(text)
        if text[:2] in _RADIX:
            pattern, base = _RADIX[text[:2]]
            if pattern.fullmatch(text):
                return int(text[2:], base)
        if _FLOAT.fullmatch(text):
            return float(text)
    if match := _INF.fullmatch(text):
        return float(f"{match[1]}inf")
    return float("nan") if text in _NAN else text


def describe(value: CoreValue) -> str:
    """What to call a resolved scalar in a message."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    return f"the text {quote(value)}"


def quote(text: str) -> str:
    """Text for a message: on one line, quoted, cut to a readable length."""
    shown = text if len(text) <= 60 else text[:57] + "..."
    return "'" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown) + "'"


def parse_size(text: str) -> int | None:
    """Bytes of "512M", "1.5G" or "4096"; None if it is no size or no whole number of bytes."""
    match = _SIZE.fullmatch(text)
    if not match or len(text) > _MAX_DIGITS:
        return None
    fraction = match[2] or ""
    scaled = int(match[1] + fraction) << _SHIFT[match[3]]
    size, rest = divmod(scaled, int(10 ** len(fraction)))
    return None if rest else size


def format_size(size: int) -> str:
    """The shortest exact way to write a size: the inverse of `parse_size`."""
    for suffix, shift in reversed(_SHIFT.items()):
        if size and not size & ((1 << shift) - 1):
            return f"{size >> shift}{suffix}"
    return str(size)


def parse_duration(text: str) -> float | None:
    """Seconds of "90s", "2m", "1h" or "1500ms"; None if it is no duration."""
    match = _DURATION.fullmatch(text)
    if not match or len(text) > _MAX_DIGITS:
        return None
    return float(match[1]) * _SECONDS[match[2]]


def format_duration(seconds: float) -> str:
    """A duration as the declaration writes it, to the millisecond."""
    if seconds == int(seconds):
        return f"{int(seconds)}s"
    return f"{round(seconds * 1000)}ms"


def parse_percent(text: str) -> float | None:
    """The number of "30%" or "0.5%", from 0 to 100; None if it is no such share."""
    match = _PERCENT.fullmatch(text)
    value = float(match[1]) if match else None
    return value if value is not None and value <= 100 else None


def parse_mode(text: str) -> int | None:
    """Permission bits of "0644"; None if these are not three or four octal digits."""
    return int(text, 8) if _MODE.fullmatch(text) else None
