"""Pictures of screens: PPM (netpbm, ppm(5)) as QEMU writes it, PNG (ISO/IEC 15948) as people look at it.

Every picture is 8 bits of red, green and blue a pixel, without gaps. PNG is written without filters and read in the
forms that screenshots come in: 8 bits a channel, RGB or RGBA (alpha is dropped), not interlaced.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from xenbuild.errors import FormatError

_PNG = b"\x89PNG\r\n\x1a\n"
_PPM = re.compile(rb"P6(?:\s+|\s*#[^\n]*\n\s*)(\d{1,5})\s+(\d{1,5})\s+255\s")
_CHANNELS = {2: 3, 6: 4}  # PNG's color type
_MOST = 1 << 26  # pixels; a screen has far less


@dataclass(frozen=True, slots=True)
class Picture:
    width: int
    height: int
    pixels: bytes  # red, green, blue, row by row

    def colors(self) -> zip[tuple[int, int, int]]:
        return zip(self.pixels[0::3], self.pixels[1::3], self.pixels[2::3], strict=True)


def read_picture(data: bytes) -> Picture:
    """A PPM or PNG file's content. Raises FormatError."""
    return _read_png(data) if data.startswith(_PNG) else _read_ppm(data)


def write_png(picture: Picture) -> bytes:
    row = 3 * picture.width
    lines = b"".join(b"\0" + picture.pixels[i : i + row] for i in range(0, row * picture.height, row))
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 2, 0, 0, 0)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _read_ppm(data: bytes) -> Picture:
    match = _PPM.match(data)
    if not match:
        raise FormatError("this is no picture", advice="PNG and binary PPM with 8 bits a channel are known")
    width, height = _size(int(match[1]), int(match[2]))
    pixels = data[match.end() :]
    if len(pixels) != 3 * width * height:
        raise FormatError(f"the picture has {len(pixels)} bytes instead of {3 * width * height}")
    return Picture(width, height, pixels)


def _read_png(data: bytes) -> Picture:
    header, packed = b"", b""
    for kind, content in _chunks(data):
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            packed += content
    if len(header) != 13:
        raise FormatError("the PNG has no header")
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    width, height = _size(width, height)
    if depth != 8 or color not in _CHANNELS or interlaced:
        advice = "save it with 8 bits a channel, RGB or RGBA, not interlaced"
        raise FormatError(f"PNG with {depth} bits, color type {color} is not read", advice=advice)
    channels = _CHANNELS[color]
    wanted = height * (width * channels + 1)
    try:
        raw = zlib.decompressobj().decompress(packed, wanted + 1)
    except zlib.error as e:
        raise FormatError(f"the PNG is damaged: {e}") from e
    if len(raw) != wanted:
        raise FormatError(f"the PNG has {len(raw)} bytes instead of {wanted}")
    pixels = _unfilter(raw, width * channels, channels)
    if channels == 4:
        del pixels[3::4]
    return Picture(width, height, bytes(pixels))


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], len(_PNG)
    while at < len(data):
        if at + 12 > len(data):
            raise FormatError("the PNG is cut off")
        (length,) = struct.unpack_from(">I", data, at)
        chunk = data[at + 4 : at + 8 + length]
        if data[at + 8 + length : at + 12 + length] != struct.pack(">I", zlib.crc32(chunk)):
            raise FormatError("the PNG is damaged or cut off")
        found.append((chunk[:4], chunk[4:]))
        at += 12 + length
    if not found or found[-1][0] != b"IEND":
        raise FormatError("the PNG is cut off")
    return found


def _unfilter(raw: bytes, row: int, step: int) -> bytearray:
    """Undoes the filters of every line (section 9 of the standard)."""
    out = bytearray()
    above = bytearray(row)
    for start in range(0, len(raw), row + 1):
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + row])
        if kind > 4:
            raise FormatError(f"the PNG has a line of the unknown filter {kind}")
        if kind:
            for i in range(row):
                left = line[i - step] if i >= step else 0
                corner = above[i - step] if i >= step else 0
                line[i] = (line[i] + _predict(kind, left, above[i], corner)) & 255
        out += line
        above = line
    return out


def _predict(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 4:  # Paeth
        estimate = left + up - corner
        return min((left, up, corner), key=lambda value: abs(estimate - value))
    return (0, left, up, (left + up) // 2)[kind]


def _size(width: int, height: int) -> tuple[int, int]:
    if not 0 < width * height <= _MOST:
        raise FormatError(f"a picture of {width}x{height} pixels is not read")
    return width, height
