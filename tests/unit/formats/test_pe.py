"""PE headers."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.pe import SECTION, PeSection, is_pe, read_pe


def pe(machine: int = 0x8664, data: bytes = b"config") -> bytes:
    head = bytearray(64)
    head[:2] = b"MZ"
    struct.pack_into("<I", head, 0x3C, 64)
    optional = bytearray(112)
    struct.pack_into("<H", optional, 68, 10)
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), 0)
    offset = len(head) + len(coff) + len(optional) + SECTION.size
    row = SECTION.pack(b".config", len(data), 0x1000, len(data), offset, 0, 0, 0, 0, 0)
    return bytes(head) + coff + bytes(optional) + row + data


def test_sections() -> None:
    image = read_pe(pe(), "x.efi")
    assert image.arch == "x86_64" and image.is_efi_application
    assert image.sections == (PeSection(".config", 0x1000, 6, 240, 6),)


def test_messages() -> None:
    whole = len(pe())
    for data, message in (
        (b"MZ" + bytes(100), "x.efi is no PE file"),
        (pe()[:90], "x.efi is cut short: its PE headers are incomplete"),
        (pe()[:-1], f"x.efi is cut short: section .config ends at {whole:#x}, the file at {whole - 1:#x}"),
    ):
        with pytest.raises(FormatError) as caught:
            read_pe(data, "x.efi")
        assert str(caught.value) == message


@given(st.data())
def test_damage_is_refused_cleanly(data: st.DataObject) -> None:
    image = bytearray(pe())
    for _ in range(4):
        image[data.draw(st.integers(0, len(image) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(is_pe(bytes(image)), bool)
    try:
        read_pe(bytes(image[: data.draw(st.integers(0, len(image)))]), "x.efi")
    except FormatError as error:
        assert error.message.startswith("x.efi is ")
