"""The name of a piece of content: its SHA-256 and its size in bytes (the Remote Execution API's Digest)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from xenbuild.errors import FormatError
from xenbuild.formats import protowire as wire

_TEXT = re.compile(r"([0-9a-f]{64})/(0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """SHA-256 in lower-case hexadecimal digits, and the size in bytes."""

    hash: str
    size: int

    @classmethod
    def of(cls, data: bytes) -> Digest:
        return cls(hashlib.sha256(data).hexdigest(), len(data))

    @classmethod
    def parse(cls, text: str) -> Digest:
        """The reverse of str(); raises FormatError."""
        match = _TEXT.fullmatch(text)
        if not match:
            raise FormatError(f"not a digest of the form SHA256/SIZE: {text!r}")
        return cls(match[1], int(match[2]))

    def __str__(self) -> str:
        return f"{self.hash}/{self.size}"

    def encode(self) -> bytes:
        """As build.bazel.remote.execution.v2.Digest {string hash = 1; int64 size_bytes = 2}."""
        return wire.text(1, self.hash) + wire.number(2, self.size)

    @classmethod
    def decode(cls, data: bytes) -> Digest:
        """The reverse of encode(); raises FormatError."""
        hash, size = "", 0
        for field, value in wire.fields(data):
            if field == 1:
                hash = wire.as_text(value)
            elif field == 2:
                size = wire.as_int(value)
        return cls.parse(f"{hash}/{size}")
