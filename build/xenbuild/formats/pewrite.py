"""Adds sections to UEFI applications, so that firmware loads data together with the program (Microsoft PE format).

The result is what signing tools want: sections aligned in the file, no symbols behind them. Its checksum is 0, which
means none: firmware looks at none, and what signs the file computes it (formats/authenticode.py).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from xenbuild.errors import FormatError
from xenbuild.formats.extents import Content, Extents, size_of, write_content
from xenbuild.formats.pe import SECTION, is_pe, read_pe

FILE_ALIGNMENT = 512
PAGE = 4096
DATA = 0x40000040  # initialised data, readable
CODE = 0xE0000020  # code; all accesses, as Xen has it
DEBUG_NAMES = (".debug", ".stab")
BASE_RELOCATIONS, SECURITY, DEBUG = 5, 4, 6  # data directories
_PIECE = 1 << 15  # bytes that are added at a time: even, and fast in the cache
_COFF = struct.Struct("<HHIIIHH")


@dataclass(frozen=True, slots=True)
class Section:
    """A section. `address` is relative to the image's base; 0: the next one that is free."""

    name: str
    data: Content
    address: int = 0
    memory: int = 0  # 0: as much as there is data
    flags: int = DATA

    @property
    def end(self) -> int:
        return self.address + max(self.memory, self.size)

    @property
    def size(self) -> int:
        """Bytes of its content."""
        return size_of(self.data)


def add_sections(image: bytes, more: Sequence[Section], name: str) -> tuple[Extents, int]:
    """The application with sections behind its own, and its size. Raises FormatError for one that cannot be rewritten.

    Where there is no room for their headers before the first section, as in Xen for arm64, all of the file becomes one
    section behind a page of new headers; its code must then run wherever it is put. Memory is then laid out as the
    file, in smaller units than pages: EDK2 would make pages of code read-only, and Xen writes to its own.
    """
    pe = read_pe(image, name)
    if not pe.is_efi_application:
        raise FormatError(f"{name} is no UEFI application")
    header = _Header.of(image, name)
    own = [section for section in _sections(image, header) if not section.name.startswith(DEBUG_NAMES)]
    first = min((section.address for section in own if section.end > section.address), default=0)
    if first < _header_size(header, len(own) + len(more)):
        header, own = _wrapped(image, header, name)
    placed, free = [], _align(max(section.end for section in own), max(header.alignment, header.step))
    for section in more:
        if not section.size:
            raise FormatError(f"section {section.name} of {name} is empty")
        placed.append(replace(section, address=section.address or free))
        free = _align(placed[-1].end, max(header.alignment, header.step))
    return _write(header, [*own, *placed])


def checksum(image: bytes | bytearray, field: int) -> int:
    """The checksum of a PE file whose checksum is at offset `field` (CheckSumMappedFile of ImageHlp)."""
    data = bytes(image[:field]) + bytes(4) + bytes(image[field + 4 :])
    # Where what is carried out of 16 bits is added again, 2**16 is 1: the words of long numbers add up as well.
    total = sum(int.from_bytes(data[at : at + _PIECE], "little") for at in range(0, len(data), _PIECE))
    return (total % 0xFFFF or (0xFFFF if total else 0)) + len(image)


def checksum_offset(image: bytes | bytearray | memoryview) -> int:
    """Where the checksum is."""
    (at,) = struct.unpack_from("<I", image, 0x3C)
    return int(at) + 24 + 64


@dataclass(frozen=True, slots=True)
class _Header:
    """DOS stub, COFF header and optional header, as bytes that are patched when they are written."""

    stub: bytes
    coff: tuple[int, ...]
    optional: bytes
    alignment: int  # of sections in memory
    step: int = FILE_ALIGNMENT  # of sections in the file, and of what is before them

    @classmethod
    def of(cls, image: bytes, name: str) -> _Header:
        (at,) = struct.unpack_from("<I", image, 0x3C)
        coff = _COFF.unpack_from(image, at + 4)
        optional = image[at + 24 : at + 24 + coff[5]]
        if len(optional) < 112 or struct.unpack_from("<H", optional)[0] != 0x20B:
            raise FormatError(f"{name} is no 64-bit UEFI application")
        (alignment,) = struct.unpack_from("<I", optional, 32)
        return cls(image[:at], coff, optional, max(alignment, PAGE))


def _sections(image: bytes, header: _Header) -> Iterable[Section]:
    """The sections with their content and whole names: long ones are in the table behind the symbols."""
    at = len(header.stub)
    table = at + 24 + len(header.optional)
    strings = header.coff[3] + 18 * header.coff[4] if header.coff[3] else 0
    for number in range(header.coff[1]):
        label, memory, address, size, offset, _, _, _, _, flags = SECTION.unpack_from(image, table + number * 40)
        text = label.rstrip(b"\0").decode("latin-1")
        if text.startswith("/") and text[1:].isdigit() and strings:
            start = strings + int(text[1:])
            text = image[start : image.index(b"\0", start)].decode("latin-1")
        yield Section(text, image[offset : offset + min(size, memory)] if size else b"", address, memory, flags)


def _wrapped(image: bytes, header: _Header, name: str) -> tuple[_Header, list[Section]]:
    """A new header, and the file with its old one as a section."""
    entry, size = struct.unpack_from("<I36xI", header.optional, 16)
    if _directory(header.optional, BASE_RELOCATIONS)[1] or is_pe(image[PAGE:]):
        raise FormatError(f"{name} has no room for more sections", advice="give a xen.efi of the release's package")
    optional = bytearray(header.optional)
    struct.pack_into("<I", optional, 16, entry + PAGE)
    struct.pack_into("<I", optional, 20, PAGE)  # base of code
    stub = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    whole = image.ljust(size, b"\0")
    changed = replace(header, stub=stub, optional=bytes(optional), alignment=FILE_ALIGNMENT, step=PAGE)
    return changed, [Section(".text", whole, PAGE, flags=CODE)]


def _header_size(header: _Header, sections: int) -> int:
    return _align(len(header.stub) + 24 + len(header.optional) + 40 * sections, FILE_ALIGNMENT)


def _write(header: _Header, sections: Sequence[Section]) -> tuple[Extents, int]:
    size = _align(_header_size(header, len(sections)), header.step)
    rows, offsets, offset = [], [], size
    for section in sections:
        raw = _align(section.size, header.step)
        label = section.name.encode("latin-1")[:8]
        memory = max(section.memory, section.size)
        rows.append(SECTION.pack(label, memory, section.address, raw, offset if raw else 0, 0, 0, 0, 0, section.flags))
        offsets.append(offset)
        offset += raw
    optional = bytearray(header.optional)
    struct.pack_into("<II", optional, 32, header.alignment, FILE_ALIGNMENT)
    end = _align(max(section.end for section in sections), header.alignment)
    struct.pack_into("<III", optional, 56, end, size, 0)
    for number in (SECURITY, DEBUG):  # the one comes last, the other has offsets in the file as it was
        _set_directory(optional, number, 0, 0)
    machine, _, date, _, _, _, flags = header.coff
    coff = _COFF.pack(machine, len(sections), date, 0, 0, len(optional), flags)
    made = bytearray((header.stub + b"PE\0\0" + coff + bytes(optional) + b"".join(rows)).ljust(size, b"\0"))
    out = Extents()
    out.write(bytes(made))
    for section, at in zip(sections, offsets, strict=True):
        out.seek(at)
        write_content(out, section.data)
    return out, offset


def _directory(optional: bytes, number: int) -> tuple[int, int]:
    (count,) = struct.unpack_from("<I", optional, 108)
    if number >= count or 112 + 8 * number + 8 > len(optional):
        return 0, 0
    address, size = struct.unpack_from("<II", optional, 112 + 8 * number)
    return int(address), int(size)


def _set_directory(optional: bytearray, number: int, address: int, size: int) -> None:
    if number < struct.unpack_from("<I", optional, 108)[0] and 112 + 8 * number + 8 <= len(optional):
        struct.pack_into("<II", optional, 112 + 8 * number, address, size)


def _align(value: int, unit: int) -> int:
    return -(-value // unit) * unit
