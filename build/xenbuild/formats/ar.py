"""Reads the common `ar` archive that a .deb is (ar(5); System V and BSD long names do not occur in .deb files)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from xenbuild.errors import FormatError

MAGIC = b"!<arch>\n"
_HEADER = 60


@dataclass(frozen=True, slots=True)
class ArMember:
    """A member's name and where its bytes lie in the archive."""

    name: str
    offset: int
    size: int


def read_ar(file: BinaryIO, path: Path) -> list[ArMember]:
    """Lists the members of an open archive (`path` is for messages). Raises FormatError if it is damaged."""
    total = os.fstat(file.fileno()).st_size
    if os.pread(file.fileno(), len(MAGIC), 0) != MAGIC:
        raise FormatError(f"{path}: not an ar archive (it does not start with '!<arch>')")
    members: list[ArMember] = []
    offset = len(MAGIC)
    while offset < total:
        header = os.pread(file.fileno(), _HEADER, offset)
        if len(header) < _HEADER:
            raise FormatError(f"{path}: ar archive is cut short in the header at byte {offset}")
        digits = header[48:58].strip()
        if header[58:] != b"`\n" or not digits.isdigit():
            raise FormatError(f"{path}: ar header at byte {offset} is damaged")
        name = header[:16].decode("latin-1").rstrip().removesuffix("/")
        size = int(digits)
        offset += _HEADER
        if offset + size > total:
            raise FormatError(f"{path}: ar member '{name}' is cut short ({total - offset} of {size} bytes)")
        members.append(ArMember(name, offset, size))
        offset += size + (size & 1)
    return members
