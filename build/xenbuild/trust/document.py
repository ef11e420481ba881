"""JSON for people and version control: a line for each field of a document, and for each element of its lists.

json.dumps() with an indent would do, but takes ten times as long: only without one it is written in C.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


def text(document: Mapping[str, Any], indent: str = "") -> str:
    """The document with a final newline."""
    return _object(document, indent) + "\n"


def _object(document: Mapping[str, Any], indent: str) -> str:
    inner = indent + " "
    rows = (f"{inner}{_encode(key)}: {_value(value, inner)}" for key, value in document.items())
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"


def _value(value: Any, indent: str) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"{indent} {_encode(one)}" for one in value) + f"\n{indent}]"
    nested = isinstance(value, dict) and any(isinstance(one, dict | list) for one in value.values())
    return _object(value, indent) if nested else _encode(value)
