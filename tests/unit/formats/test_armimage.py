"""Headers of arm64 Images and 32-bit zImages: what is read, and what is said of wrong files."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.armimage import kind_of, parse_arm64_image, parse_zimage, require_whole, unpack


def arm64_image(image_size: int = 0x20000, flags: int = 0xA, size: int = 4096, pe: bytes = b"") -> bytes:
    offset = 64 if pe else 0
    head = struct.pack("<IIQQQ24x4sI", 0, 0, 0, image_size, flags, b"ARM\x64", offset) + pe
    return head.ljust(size, b"\0")


def pe_header(offset: int, size: int) -> bytes:
    section = struct.pack("<8sIIII16x", b".text", size, offset, size, offset)
    return struct.pack("<4sHH12xHH", b"PE\0\0", 0xAA64, 1, 0, 0) + section


def zimage(end: int = 4096, size: int = 4096) -> bytes:
    return (bytes(0x24) + struct.pack("<III", 0x016F2818, 0, end)).ljust(size, b"\0")


def test_arm64_fields() -> None:
    image = parse_arm64_image(arm64_image())
    assert (image.text_offset, image.image_size, image.flags) == (0, 0x20000, 0xA)


def test_an_old_arm64_image_without_a_size_gets_room() -> None:
    assert parse_arm64_image(arm64_image(image_size=0)).image_size == 16 << 20


def test_a_big_endian_arm64_image_is_refused() -> None:
    with pytest.raises(FormatError) as error:
        parse_arm64_image(arm64_image(flags=0xB))
    assert error.value.message == "the arm64 Image is big-endian, which Xen does not start"


@pytest.mark.parametrize(("size", "whole"), [(4096, True), (4095, False)])
def test_the_pe_header_tells_where_the_file_ends(size: int, whole: bool) -> None:
    data = arm64_image(pe=pe_header(0x400, 0xC00), size=size)
    if whole:
        assert parse_arm64_image(data).image_size == 0x20000
        return
    with pytest.raises(FormatError) as error:
        parse_arm64_image(data)
    assert error.value.message == "the arm64 Image is cut short: 4095 of 4096 bytes are there"


def test_zimage_fields() -> None:
    image = parse_zimage(zimage(end=8000))
    assert (image.start, image.end, image.size) == (0, 8000, 8000)


def test_a_cut_zimage() -> None:
    data = zimage(end=8000)
    with pytest.raises(FormatError) as error:
        require_whole(parse_zimage(data), data)
    assert error.value.message == "the zImage is cut short: 4096 of 8000 bytes are there"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "an empty file"),
        (zimage(), "a 32-bit Arm zImage"),
        (b"\x7fELF", "an ELF file"),
        (b"\x27\x05\x19\x56", "a U-Boot uImage"),
        (bytes(0x202) + b"HdrS", "an x86 bzImage"),
        (b"hello", "no known kernel format"),
    ],
)
def test_another_kind_of_file_is_named(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind
    with pytest.raises(FormatError) as error:
        parse_arm64_image(data)
    assert error.value.message == f"not an arm64 Image but {kind}"


def test_an_arm64_image_is_no_zimage() -> None:
    with pytest.raises(FormatError) as error:
        parse_zimage(arm64_image())
    assert error.value.message == "not a 32-bit Arm zImage but an arm64 Image"


def zboot(method: bytes, payload: bytes) -> bytes:
    return b"MZ\0\0zimg" + struct.pack("<II8x32s", 64, len(payload), method) + bytes(8) + payload


def test_compressed_kernels_are_unpacked() -> None:
    import zstandard

    plain = arm64_image()
    for packed in (
        gzip.compress(plain),
        zboot(b"gzip", gzip.compress(plain)),
        zboot(b"xz", lzma.compress(plain)),
        zboot(b"zstd22", zstandard.compress(plain)),
        plain,
    ):
        assert unpack(packed) == plain


@pytest.mark.parametrize("packed", [gzip.compress(b"x" * 999)[:-9], zboot(b"gzip", b"")[:64], zboot(b"xz", b"no")])
def test_damaged_compression_is_a_format_error(packed: bytes) -> None:
    with pytest.raises(FormatError, match="the compressed kernel is damaged"):
        unpack(packed)


def test_an_unknown_compression_is_named() -> None:
    with pytest.raises(FormatError) as error:
        unpack(zboot(b"lzo", b"data"))
    assert error.value.message == "the EFI zboot kernel is packed by 'lzo'"


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_any_bytes_give_a_result_or_a_format_error(tail: bytes, arm64: bool, packed: bool) -> None:
    data = (arm64_image(size=0) if arm64 else zimage(size=0)) + tail if not packed else b"MZ\0\0zimg" + tail
    for parse in (parse_arm64_image, parse_zimage, unpack):
        with contextlib.suppress(FormatError):
            parse(data)
