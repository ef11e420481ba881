"""Writes the ELF32 executable of a bundle: segments at page boundaries, one section for each, others unloaded."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from xenbuild.formats.elf import EHDR32, EM_386, PHDR32, PT_LOAD, PT_NOTE, SHDR32

PAGE = 4096
SHT_PROGBITS, SHT_STRTAB, SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 3, 1, 2, 4
ALL_FLAGS = 7  # PF_R | PF_W | PF_X: paging is off, nothing enforces less


@dataclass(frozen=True, slots=True)
class Piece:
    """A section of the file. With an address (physical = virtual) it is also a segment of `memory` bytes."""

    name: str
    data: bytes | memoryview
    address: int = 0
    memory: int = 0  # 0: as much as there is data
    executable: bool = False

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.address + max(self.memory, len(self.data))


def align(value: int, unit: int = PAGE) -> int:
    """Round up to a multiple."""
    return -(-value // unit) * unit


def write_elf(out: BinaryIO, pieces: Sequence[Piece], *, entry: int, note: tuple[int, int]) -> None:
    """Write the file front to back. `note` is address and size of the notes, inside the first piece.

    The first piece starts at file offset 4096, so that headers at its beginning are within the 8 KiB that
    multiboot 1 looks at and the 32 KiB of multiboot 2.
    """
    loads = [p for p in pieces if p.address]
    offsets = _offsets(pieces)
    note_offset = offsets[0] + note[0] - pieces[0].address
    segments = [
        PHDR32.pack(PT_LOAD, at, p.address, p.address, len(p.data), p.end - p.address, ALL_FLAGS, PAGE)
        for p, at in zip(pieces, offsets, strict=True)
        if p.address
    ]
    segments.append(PHDR32.pack(PT_NOTE, note_offset, note[0], note[0], note[1], note[1], 4, 4))
    names = b"\0" + b"".join(p.name.encode() + b"\0" for p in pieces) + b".shstrtab\0"
    names_at = offsets[-1] + len(pieces[-1].data)
    sections_at = align(names_at + len(names), 4)
    header = bytes.fromhex("7f454c46010101000000000000000000") + EHDR32.pack(
        2, EM_386, 1, entry, 52, sections_at, 0, 52, PHDR32.size, len(loads) + 1, SHDR32.size, len(pieces) + 2,
        len(pieces) + 1,
    )  # fmt: skip
    written = out.write(header + b"".join(segments))
    for piece, offset in zip(pieces, offsets, strict=True):
        written += out.write(bytes(offset - written))
        written += out.write(piece.data)
    out.write(names + bytes(sections_at - names_at - len(names)))
    out.write(b"".join(_sections(pieces, offsets, names, names_at)))


def _offsets(pieces: Iterable[Piece]) -> list[int]:
    """Where each piece lies in the file: at page boundaries, so that they can be mapped.

    A boot loader that takes whole sectors of the file for a piece has nothing but zeros behind it.
    """
    offsets, at = [], PAGE
    for piece in pieces:
        at = align(at)
        offsets.append(at)
        at += len(piece.data)
    return offsets


def _sections(pieces: Sequence[Piece], offsets: Sequence[int], names: bytes, names_at: int) -> Iterable[bytes]:
    yield bytes(SHDR32.size)
    for piece, offset in zip(pieces, offsets, strict=True):
        name = names.index(b"\0" + piece.name.encode() + b"\0") + 1
        flags = (SHF_ALLOC | SHF_WRITE if piece.address else 0) | (SHF_EXECINSTR if piece.executable else 0)
        unit = PAGE if piece.address else 4
        yield SHDR32.pack(name, SHT_PROGBITS, flags, piece.address, offset, len(piece.data), 0, 0, unit, 0)
    name = len(names) - len(".shstrtab\0")
    yield SHDR32.pack(name, SHT_STRTAB, 0, 0, names_at, len(names), 0, 0, 1, 0)


def patch(data: bytes, offset: int, form: str, *values: int) -> bytes:
    """The data with a few numbers replaced."""
    copy = bytearray(data)
    struct.pack_into(form, copy, offset, *values)
    return bytes(copy)
