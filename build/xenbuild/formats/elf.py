"""ELF files: what we need to read of them (System V gABI, chapters 4 and 5; little-endian only).

Every function raises FormatError on a file that is damaged or no ELF. Offsets and sizes are bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from xenbuild.errors import FormatError

MAGIC = b"\x7fELF"
EM_386, EM_ARM, EM_X86_64, EM_AARCH64 = 3, 40, 62, 183
MACHINES = {EM_386: "ia32", EM_ARM: "arm", EM_X86_64: "x86_64", EM_AARCH64: "arm64"}
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE = 1, 2, 3, 4
SHT_NOTE = 7
DT_NEEDED, DT_STRTAB = 1, 5
EHDR32, EHDR64 = struct.Struct("<HHIIIIIHHHHHH"), struct.Struct("<HHIQQQIHHHHHH")  # behind the 16 bytes of e_ident
PHDR32, PHDR64 = struct.Struct("<IIIIIIII"), struct.Struct("<IIQQQQQQ")
SHDR32, SHDR64 = struct.Struct("<IIIIIIIIII"), struct.Struct("<IIQQQQIIQQ")


class Segment(NamedTuple):
    """A program header."""

    type: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    flags: int
    align: int


class Section(NamedTuple):
    """A section header with its name resolved."""

    name: str
    type: int
    addr: int
    offset: int
    size: int


class Note(NamedTuple):
    """One entry of a note segment: owner, type and description."""

    owner: str
    type: int
    data: bytes


@dataclass(frozen=True)
class Elf:
    """A whole ELF file in memory (bytes or a mapping); `name` is what messages call it."""

    data: memoryview
    name: str
    bits: int
    type: int
    machine: int
    entry: int
    phoff: int
    phentsize: int
    phnum: int
    shoff: int
    shentsize: int
    shnum: int
    shstrndx: int

    @classmethod
    def parse(cls, data: bytes | memoryview, name: str) -> Elf:
        """Read the file's header."""
        view = memoryview(data)
        if bytes(view[:4]) != MAGIC:
            raise FormatError(f"{name} is no ELF file")
        if len(view) < 52 or view[4] not in (1, 2) or (view[4] == 2 and len(view) < 64):
            raise FormatError(f"{name} is a damaged ELF file: its header is cut short")
        if view[5] != 1:
            raise FormatError(f"{name} is a big-endian ELF file", advice="only little-endian machines are supported")
        bits = 32 * view[4]
        header = (EHDR32 if bits == 32 else EHDR64).unpack_from(view, 16)
        kind, machine, _, entry, phoff, shoff, _, _, phentsize, phnum, shentsize, shnum, shstrndx = header
        return cls(view, name, bits, kind, machine, entry, phoff, phentsize, phnum, shoff, shentsize, shnum, shstrndx)

    @property
    def arch(self) -> str:
        """The machine's name: ia32, x86_64, arm, arm64, or its number."""
        return MACHINES.get(self.machine, f"machine {self.machine}")

    def slice(self, offset: int, size: int, what: str) -> memoryview:
        """Bytes of the file that must be there."""
        if offset + size > len(self.data):
            raise FormatError(
                f"{self.name} is cut short: {what} ends at {offset + size:#x}, the file at {len(self.data):#x}",
                advice="copy or download it again",
            )
        return self.data[offset : offset + size]

    @cached_property
    def segments(self) -> list[Segment]:
        """All program headers."""
        form = PHDR32 if self.bits == 32 else PHDR64
        if self.phnum and self.phentsize != form.size:
            raise FormatError(f"{self.name} is a damaged ELF file: its program headers have {self.phentsize} bytes")
        table = self.slice(self.phoff, self.phnum * form.size, "its program header table") if self.phnum else b""
        if self.bits == 32:
            return [
                Segment(kind, offset, vaddr, paddr, filesz, memsz, flags, align)
                for kind, offset, vaddr, paddr, filesz, memsz, flags, align in form.iter_unpack(table)
            ]
        return [
            Segment(kind, offset, vaddr, paddr, filesz, memsz, flags, align)
            for kind, flags, offset, vaddr, paddr, filesz, memsz, align in form.iter_unpack(table)
        ]

    @cached_property
    def sections(self) -> list[Section]:
        """All section headers; none if the file has no section table."""
        form = SHDR32 if self.bits == 32 else SHDR64
        if not self.shoff or not self.shnum:
            return []
        if self.shentsize != form.size or self.shstrndx >= self.shnum:
            raise FormatError(f"{self.name} is a damaged ELF file: its section header table makes no sense")
        rows = list(form.iter_unpack(self.slice(self.shoff, self.shnum * form.size, "its section header table")))
        strings = bytes(self.slice(rows[self.shstrndx][4], rows[self.shstrndx][5], "its section names"))
        return [Section(_string(strings, row[0]), row[1], row[3], row[4], row[5]) for row in rows]

    def section(self, name: str) -> Section | None:
        """The section of that name."""
        return next((s for s in self.sections if s.name == name), None)

    def loads(self) -> list[Segment]:
        """The segments that occupy memory, by physical address."""
        return sorted((s for s in self.segments if s.type == PT_LOAD and s.memsz), key=lambda s: s.paddr)

    def content(self, segment: Segment) -> memoryview:
        """The bytes of a segment that are in the file."""
        return self.slice(segment.offset, segment.filesz, "a segment")

    @cached_property
    def notes(self) -> list[Note]:
        """All notes of the note segments, or of the note sections if there is no such segment."""
        places = [(s.offset, s.filesz) for s in self.segments if s.type == PT_NOTE]
        places = places or [(s.offset, s.size) for s in self.sections if s.type == SHT_NOTE]
        return [note for offset, size in places for note in _notes(bytes(self.slice(offset, size, "its notes")))]

    def physical(self, address: int) -> int:
        """The physical address of a virtual one; itself if no segment holds it."""
        for s in self.loads():
            if s.vaddr <= address < s.vaddr + s.memsz:
                return address - s.vaddr + s.paddr
        return address

    @cached_property
    def dynamic(self) -> list[tuple[int, int]]:
        """Tag and value pairs of the dynamic segment."""
        form = struct.Struct("<II" if self.bits == 32 else "<QQ")
        for s in self.segments:
            if s.type == PT_DYNAMIC:
                table = self.content(s)
                return list(form.iter_unpack(table[: len(table) // form.size * form.size]))
        return []

    def dynamic_strings(self, tag: int) -> list[str]:
        """The strings of all dynamic entries with that tag."""
        offsets = [value for kind, value in self.dynamic if kind == tag]
        base = next((value for kind, value in self.dynamic if kind == DT_STRTAB), None)
        if not offsets or base is None:
            return []
        for s in self.loads():
            if s.vaddr <= base < s.vaddr + s.filesz:
                strings = bytes(self.slice(base - s.vaddr + s.offset, s.filesz - (base - s.vaddr), "its strings"))
                return [_string(strings, offset) for offset in offsets]
        raise FormatError(f"{self.name} is a damaged ELF file: its string table lies in no segment")


def _string(strings: bytes, offset: int) -> str:
    end = strings.find(b"\0", offset)
    return strings[offset : end if end >= 0 else len(strings)].decode("utf-8", "replace")


def _notes(data: bytes) -> Iterator[Note]:
    """Notes are padded to 4 bytes each; a last one may lack its padding (GRUB's PAE note does)."""
    at = 0
    while at + 12 <= len(data):
        namesz, descsz, kind = struct.unpack_from("<III", data, at)
        name = at + 12
        desc = name + (namesz + 3 & ~3)
        yield Note(data[name : name + namesz].rstrip(b"\0").decode("latin-1"), kind, data[desc : desc + descsz])
        at = desc + (descsz + 3 & ~3)


def read_elf(path: Path) -> Elf:
    """The whole file as an Elf."""
    return Elf.parse(path.read_bytes(), path.name)


def needed(path: Path) -> list[str]:
    """The shared libraries that the file names (DT_NEEDED), in order."""
    return read_elf(path).dynamic_strings(DT_NEEDED)


def interp(path: Path) -> str | None:
    """The dynamic loader that the program asks for."""
    elf = read_elf(path)
    for s in elf.segments:
        if s.type == PT_INTERP:
            return bytes(elf.content(s)).rstrip(b"\0").decode("utf-8", "replace")
    return None


def machine(path: Path) -> str:
    """The machine's name, as Elf.arch."""
    return read_elf(path).arch


def notes(path: Path) -> list[Note]:
    """All notes of the file."""
    return read_elf(path).notes
