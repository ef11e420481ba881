"""Tiny but valid x86 files for the tests: hypervisor, kernel, bzImage, loader."""

from __future__ import annotations

import gzip
import io
import struct

from xenbuild.compose.x86 import ANCHOR
from xenbuild.formats.elfwrite import Piece, write_elf

MB2_TAGS_END = struct.pack("<HHI", 0, 0, 8)
LOADER_BASE = 0x1000000


def multiboot2_header(*tags: bytes) -> bytes:
    body = b"".join(tags) + MB2_TAGS_END
    length = 16 + len(body)
    return struct.pack("<IIII", 0xE85250D6, 0, length, -(0xE85250D6 + length) & 0xFFFFFFFF) + body


def note(kind: int, data: bytes, owner: bytes = b"Xen\0") -> bytes:
    padded = data + bytes(-len(data) % 4)
    return struct.pack("<III", len(owner), len(data), kind) + owner + bytes(-len(owner) % 4) + padded


def elf(code: bytes, base: int = 0x200000, notes: bytes = b"", memory: int = 0) -> bytes:
    out = io.BytesIO()
    image = notes + code
    write_elf(out, [Piece(".text", image, base, memory)], entry=base + len(notes), note=(base, len(notes)))
    return out.getvalue()


def hypervisor(base: int = 0x200000, memory: int = 0x10000) -> bytes:
    return elf(multiboot2_header() + b"xen", base, memory=memory)


DOM0_NOTES = note(1, b"\0\0\0\0\1\0\0\0") + note(6, b"linux\0") + note(17, struct.pack("<I", 1 << 11))


def kernel(notes: bytes = DOM0_NOTES) -> bytes:
    return elf(b"kernel", 0x1000000, notes)


def bzimage(payload: bytes | None = None) -> bytes:
    body = gzip.compress(kernel(), mtime=0) if payload is None else payload
    head = bytearray(0x400)
    head[0x1F1] = 1
    head[0x1FE:0x206] = b"\x55\xaa\0\0HdrS"
    head[0x206:0x208] = bytes([15, 2])
    struct.pack_into("<H", head, 0x20E, 0x100)
    head[0x300:0x306] = b"9.9.9\0"
    struct.pack_into("<H", head, 0x236, 1)
    struct.pack_into("<II", head, 0x248, 0, len(body))
    return bytes(head) + body


def loader() -> bytes:
    return elf(multiboot2_header() + ANCHOR + bytes(16), LOADER_BASE, note(18, struct.pack("<I", LOADER_BASE)), 0x5000)
