"""Finds multiboot headers (multiboot 1 spec 0.6.96, section 3.1; multiboot 2 spec 2.0, section 3.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MB1_MAGIC, MB1_SEARCH = 0x1BADB002, 8192
MB2_MAGIC, MB2_SEARCH = 0xE85250D6, 32768
TAG_NAMES = {
    1: "information-request", 2: "address", 3: "entry", 4: "console", 5: "framebuffer", 6: "module-align",
    7: "efi-boot-services", 8: "entry-efi32", 9: "entry-efi64", 10: "relocatable",
}  # fmt: skip
TAG_ENTRY = 3


@dataclass(frozen=True, slots=True)
class Multiboot1:
    """A multiboot 1 header: where it was found, and its flags."""

    offset: int
    flags: int


@dataclass(frozen=True, slots=True)
class Multiboot2:
    """A multiboot 2 header: where it was found, its architecture (0 is i386), and its tags as (type, data)."""

    offset: int
    arch: int
    tags: tuple[tuple[int, bytes], ...]

    @property
    def entry(self) -> int | None:
        """The physical entry address, where the header overrides that of the ELF."""
        return next((struct.unpack("<I", data[:4])[0] for kind, data in self.tags if kind == TAG_ENTRY), None)

    @property
    def tag_names(self) -> list[str]:
        """The tags' names, in order."""
        return [TAG_NAMES.get(kind, str(kind)) for kind, _ in self.tags]


def find_multiboot1(data: bytes | memoryview) -> Multiboot1 | None:
    """The header in the first 8 KiB, 4-aligned, with a right checksum."""
    window = bytes(data[:MB1_SEARCH])
    for at in range(0, len(window) - 11, 4):
        magic, flags, check = struct.unpack_from("<III", window, at)
        if magic == MB1_MAGIC and (magic + flags + check) & 0xFFFFFFFF == 0:
            return Multiboot1(at, flags)
    return None


def find_multiboot2(data: bytes | memoryview) -> Multiboot2 | None:
    """The header in the first 32 KiB, 8-aligned, with a right checksum."""
    window = bytes(data[:MB2_SEARCH])
    for at in range(0, len(window) - 15, 8):
        magic, arch, length, check = struct.unpack_from("<IIII", window, at)
        if magic == MB2_MAGIC and (magic + arch + length + check) & 0xFFFFFFFF == 0:
            return Multiboot2(at, arch, _tags(window[at + 16 : at + length]))
    return None


def _tags(data: bytes) -> tuple[tuple[int, bytes], ...]:
    tags, at = [], 0
    while at + 8 <= len(data):
        kind, _, size = struct.unpack_from("<HHI", data, at)
        if kind == 0 or size < 8:
            break
        tags.append((kind, data[at + 8 : at + size]))
        at += (size + 7) & ~7
    return tuple(tags)
