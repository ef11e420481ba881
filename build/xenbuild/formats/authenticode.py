"""Authenticode, the signatures of PE files that UEFI Secure Boot checks (Microsoft, "Windows Authenticode Portable
Executable Signature Format", 2008; RFC 2315). Only the structure: what signs is given.

There is no time of signing in it, so that one key and one file make one signature.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

from xenbuild.errors import FormatError
from xenbuild.formats.pe import read_pe
from xenbuild.formats.pewrite import checksum, checksum_offset

_SECURITY_ENTRY = 4  # number of the data directory
_REVISION, _PKCS_SIGNED_DATA = 0x0200, 0x0002  # WIN_CERTIFICATE

_SHA256 = "2.16.840.1.101.3.4.2.1"
_RSA = "1.2.840.113549.1.1.1"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_INDIRECT_DATA, _PE_IMAGE_DATA = "1.3.6.1.4.1.311.2.1.4", "1.3.6.1.4.1.311.2.1.15"


def sign(image: bytes, certificate: bytes, issuer: bytes, serial: int, rsa: Callable[[bytes], bytes]) -> bytes:
    """The image with a signature behind it.

    `certificate` and `issuer` (the name in it) are DER; `rsa` signs bytes with SHA-256 and PKCS #1 v1.5. Raises
    FormatError if there is a signature already.
    """
    if _directory(image)[1]:
        raise FormatError("the image is signed already")
    image += bytes(-len(image) % 8)
    signature = _pkcs7(digest(image), certificate, issuer, serial, rsa)
    size = 8 + len(signature)
    # The length is without the padding: EDK2 takes it for that of the DER value.
    entry = struct.pack("<IHH", size, _REVISION, _PKCS_SIGNED_DATA) + signature + bytes(-size % 8)
    made = bytearray(image + entry)
    struct.pack_into("<II", made, _directory_at(image), len(image), len(entry))
    field = checksum_offset(made)
    struct.pack_into("<I", made, field, checksum(made, field))
    return bytes(made)


def digest(image: bytes) -> bytes:
    """SHA-256 of what a signature covers: all but the checksum, the directory entry and the signature itself."""
    field, entry = checksum_offset(image), _directory_at(image)
    start, size = _directory(image)
    sha = hashlib.sha256(image[:field])
    sha.update(image[field + 4 : entry])
    sha.update(image[entry + 8 : start if size else len(image)])
    return sha.digest()


def _directory_at(image: bytes) -> int:
    read_pe(image, "the image")
    (at,) = struct.unpack_from("<I", image, 0x3C)
    (magic,) = struct.unpack_from("<H", image, at + 24)
    return int(at) + 24 + (112 if magic == 0x20B else 96) + 8 * _SECURITY_ENTRY


def _directory(image: bytes) -> tuple[int, int]:
    start, size = struct.unpack_from("<II", image, _directory_at(image))
    return int(start), int(size)


def _pkcs7(image: bytes, certificate: bytes, issuer: bytes, serial: int, rsa: Callable[[bytes], bytes]) -> bytes:
    """SignedData with the image's digest as content and one signer."""
    algorithm = _sequence(_oid(_SHA256), b"\x05\x00")
    # SpcPeImageData: no flags; the file is "<<<Obsolete>>>", as everybody writes it.
    text = _tlv(0x80, "<<<Obsolete>>>".encode("utf-16-be"))
    image_data = _sequence(_tlv(0x03, b"\0"), _tlv(0xA0, _tlv(0xA2, text)))
    content = _sequence(_sequence(_oid(_PE_IMAGE_DATA), image_data), _sequence(algorithm, _tlv(0x04, image)))
    inside = _contents(content)  # the digest is of what is inside the outer sequence
    attributes = _set(
        _sequence(_oid(_CONTENT_TYPE), _set(_oid(_INDIRECT_DATA))),
        _sequence(_oid(_MESSAGE_DIGEST), _set(_tlv(0x04, hashlib.sha256(inside).digest()))),
    )
    signer = _sequence(
        _integer(1),
        _sequence(issuer, _integer(serial)),
        algorithm,
        b"\xa0" + attributes[1:],
        _sequence(_oid(_RSA), b"\x05\x00"),
        _tlv(0x04, rsa(attributes)),
    )
    data = _sequence(
        _integer(1),
        _set(algorithm),
        _sequence(_oid(_INDIRECT_DATA), _tlv(0xA0, content)),
        _tlv(0xA0, certificate),
        _set(signer),
    )
    return _sequence(_oid(_SIGNED_DATA), _tlv(0xA0, data))


def _tlv(tag: int, content: bytes) -> bytes:
    """A value in DER (X.690, 8.1)."""
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes(-(-len(content).bit_length() // 8))
    return bytes([tag, 0x80 | len(length)]) + length + content


def _contents(value: bytes) -> bytes:
    """What is in a value."""
    return value[2 + (value[1] & 0x7F) if value[1] & 0x80 else 2 :]


def _sequence(*members: bytes) -> bytes:
    return _tlv(0x30, b"".join(members))


def _set(*members: bytes) -> bytes:
    return _tlv(0x31, b"".join(sorted(members)))


def _integer(value: int) -> bytes:
    return _tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1))


def _oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    body = bytes([40 * first + second])
    for number in rest:
        septets = [number & 0x7F]
        while number := number >> 7:
            septets.append(number & 0x7F | 0x80)
        body += bytes(reversed(septets))
    return _tlv(0x06, body)
