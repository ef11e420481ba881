"""Legacy U-Boot images: scripts (U-Boot, include/image.h, boot/image.c)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from xenbuild.errors import FormatError

MAGIC = 0x27051956
# magic, header checksum, time, bytes of data, load address, entry, checksum of data;
# system, processor, type, compression; name
_HEADER = struct.Struct(">7I4B32s")
SCRIPT = 6  # IH_TYPE_SCRIPT
LINUX = 5  # IH_OS_LINUX
PROCESSORS = {"armv7": 2, "arm64": 22}  # IH_ARCH_ARM, IH_ARCH_ARM64


@dataclass(frozen=True, slots=True)
class UImage:
    """A legacy image that was read and verified."""

    kind: int
    processor: int
    name: str
    data: bytes


def write_script(text: str, arch: str, name: str) -> bytes:
    """A script for U-Boot's `source`. Its payload is a table of lengths, ended by a zero, and the text."""
    body = text.encode()
    payload = struct.pack(">II", len(body), 0) + body

    def pack(checksum: int) -> bytes:
        fields = (MAGIC, checksum, 0, len(payload), 0, 0, zlib.crc32(payload))
        return _HEADER.pack(*fields, LINUX, PROCESSORS[arch], SCRIPT, 0, name.encode()[:31])

    return pack(zlib.crc32(pack(0))) + payload


def read_uimage(data: bytes) -> UImage:
    """Reads and verifies a legacy image; raises FormatError."""
    if len(data) < _HEADER.size or data[:4] != MAGIC.to_bytes(4, "big"):
        raise FormatError("not a legacy U-Boot image")
    _, own, _, size, _, _, checksum, _, processor, kind, _, name = _HEADER.unpack_from(data)
    if zlib.crc32(data[:4] + bytes(4) + data[8 : _HEADER.size]) != own:
        raise FormatError("the U-Boot image is damaged: its header does not match its CRC-32")
    payload = data[_HEADER.size : _HEADER.size + size]
    if len(payload) != size or zlib.crc32(payload) != checksum:
        raise FormatError("the U-Boot image is damaged: its data do not match their CRC-32")
    return UImage(kind, processor, name.rstrip(b"\0").decode("utf-8", "replace"), payload)


def script_text(image: UImage) -> str:
    """The text of a script; raises FormatError."""
    if image.kind != SCRIPT or len(image.data) < 8:
        raise FormatError("the U-Boot image is no script")
    (size,) = struct.unpack_from(">I", image.data)
    if image.data[4:8] != bytes(4) or 8 + size > len(image.data):
        raise FormatError("the script is damaged: its lengths do not fit")
    return image.data[8 : 8 + size].decode("utf-8", "replace")
