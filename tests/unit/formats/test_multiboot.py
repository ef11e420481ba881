"""Multiboot headers."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from xenbuild.formats.multiboot import find_multiboot1, find_multiboot2


def one(flags: int = 3) -> bytes:
    return struct.pack("<III", 0x1BADB002, flags, -(0x1BADB002 + flags) & 0xFFFFFFFF)


def two(tags: bytes) -> bytes:
    size = 16 + len(tags)
    return struct.pack("<IIII", 0xE85250D6, 0, size, -(0xE85250D6 + size) & 0xFFFFFFFF) + tags


@given(st.integers(0, 9000))
def test_multiboot1_is_found_in_the_first_8_kib(at: int) -> None:
    found = find_multiboot1(bytes(at) + one() + bytes(9000))
    assert (found is not None) == (at % 4 == 0 and at + 12 <= 8192)
    assert found is None or (found.offset, found.flags) == (at, 3)


@given(st.integers(0, 33000))
def test_multiboot2_is_found_in_the_first_32_kib(at: int) -> None:
    found = find_multiboot2(bytes(at) + two(struct.pack("<HHI", 0, 0, 8)))
    assert (found is not None) == (at % 8 == 0 and at + 16 <= 32768)


def test_tags() -> None:
    tags = struct.pack("<HHIII", 3, 0, 12, 0x100000, 0) + struct.pack("<HHI", 6, 0, 8) + struct.pack("<HHI", 0, 0, 8)
    found = find_multiboot2(two(tags))
    assert found is not None
    assert found.entry == 0x100000 and found.tag_names == ["entry", "module-align"]


def test_wrong_checksum() -> None:
    assert find_multiboot1(one()[:8] + bytes(4)) is None
    assert find_multiboot2(two(b"")[:12] + bytes(4)) is None


@given(st.binary(max_size=200))
def test_noise(data: bytes) -> None:
    find_multiboot1(data)
    find_multiboot2(two(data))
