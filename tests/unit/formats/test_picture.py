from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.picture import Picture, read_picture, write_png


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    size = 3 * width * height
    return Picture(width, height, draw(st.binary(min_size=size, max_size=size)))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, color: int, raw: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


@given(pictures())
def test_what_is_written_is_read(picture: Picture) -> None:
    assert read_picture(write_png(picture)) == picture
    ppm = b"P6\n# by hand\n%d %d\n255\n" % (picture.width, picture.height) + picture.pixels
    assert read_picture(ppm) == picture


def test_filters_as_the_standard_computes_them() -> None:
    """Each filter's line, worked out by hand, comes to the same two pixels 10 20 30, 40 50 60."""
    plain = bytes([0, 10, 20, 30, 40, 50, 60])
    sub = bytes([1, 10, 20, 30, 30, 30, 30])
    up = bytes([2, 0, 0, 0, 0, 0, 0])
    average = bytes([3, 5, 10, 15, 15, 15, 15])
    paeth = bytes([4, 0, 0, 0, 0, 0, 0])
    read = read_picture(png(2, 5, 2, plain + sub + up + average + paeth))
    assert read.pixels == plain[1:] * 5


def test_alpha_is_dropped() -> None:
    assert read_picture(png(2, 1, 6, bytes([0, 1, 2, 3, 255, 4, 5, 6, 0]))).pixels == bytes([1, 2, 3, 4, 5, 6])


@given(st.data())
def test_a_damaged_picture_is_refused(data: st.DataObject) -> None:
    good = write_png(data.draw(pictures()))
    at = data.draw(st.integers(0, len(good) - 1))
    for bad in (good[:at], good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]):
        with pytest.raises(FormatError):
            read_picture(bad)


@given(st.binary(max_size=60))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(FormatError):
        read_picture(b"\x89PNG\r\n\x1a\n" + noise)
