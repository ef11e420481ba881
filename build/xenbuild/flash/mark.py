"""The mark in block 0 of a disk that is being written: which image, and how much of it is on the medium."""

from __future__ import annotations

import hashlib
import json

MARK = b"XENBUILD-FLASH-1\n"
SIZE = 4096  # bytes of the block that it fills


def parse_mark(block: bytes) -> tuple[str, int] | None:
    """(key, bytes done) of a block with a mark; None for any other block."""
    text, _, digest = block.removeprefix(MARK).partition(b"\n")
    if not block.startswith(MARK) or hashlib.sha256(text).hexdigest().encode() != digest[:64]:
        return None
    try:
        fields = json.loads(text)
        return str(fields["image"]), int(fields["done"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def mark(key: str, done: int) -> bytes:
    """A block with a mark."""
    text = json.dumps({"image": key, "done": done, "by": "xenbuild flash was interrupted; run it again"}).encode()
    return (MARK + text + b"\n" + hashlib.sha256(text).hexdigest().encode() + b"\n").ljust(SIZE, b"\0")
