"""Sections that are added to UEFI applications, and their signatures."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats import authenticode, pewrite
from xenbuild.formats.pe import SECTION, read_pe
from xenbuild.formats.pewrite import FILE_ALIGNMENT, PAGE, Section, checksum, checksum_offset
from xenbuild.store.digest import Digest
from xenbuild.store.files import write_hashed

CODE = bytes(range(256)) * 5


def add_sections(*arguments: Any) -> bytes:
    """All of the file that is to be written, as a file with its parts in files is as well."""
    extents, size = pewrite.add_sections(*arguments)
    made = bytearray(size)
    for start, end, content in extents:
        assert isinstance(content, bytes)
        made[start:end] = content
    return bytes(made)


def application(first: int = 0x1000, relocations: int = 0, optional: int = 240, subsystem: int = 10) -> bytes:
    """One section with CODE; `first` is its address. In front of it there is no room for a second header."""
    head = bytearray(64)
    head[:2] = b"MZ"
    struct.pack_into("<I", head, 0x3C, 64)
    fields = bytearray(optional)
    struct.pack_into("<HxxIIII", fields, 0, 0x20B, 0, 0, 0, first + 4)
    struct.pack_into("<II", fields, 32, 0x1000, 0x20)
    struct.pack_into("<II", fields, 56, first + len(CODE), 0x200)
    struct.pack_into("<H", fields, 68, subsystem)
    struct.pack_into("<I", fields, 108, 16)
    struct.pack_into("<II", fields, 112 + 5 * 8, 0, relocations)
    offset = 64 + 24 + optional + SECTION.size
    row = SECTION.pack(b".text", len(CODE), first or offset, len(CODE), offset, 0, 0, 0, 0, 0x60000020)
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, optional, 0x206)
    return bytes(head) + b"PE\0\0" + coff + bytes(fields) + row + CODE


def content(image: bytes, name: str) -> bytes:
    found = next(s for s in read_pe(image, "x").sections if s.name == name)
    return image[found.offset : found.offset + found.memory]


@given(st.lists(st.binary(min_size=1, max_size=5000), min_size=1, max_size=6), st.sampled_from([0x1000, 0x160]))
def test_sections_follow_the_programs_own(datas: list[bytes], first: int) -> None:
    made = add_sections(application(first), [Section(f".s{n}", data) for n, data in enumerate(datas)], "x.efi")
    sections = read_pe(made, "x.efi").sections
    for number, data in enumerate(datas):
        assert content(made, f".s{number}") == data
    assert all(s.offset % FILE_ALIGNMENT == s.size % FILE_ALIGNMENT == 0 for s in sections)
    assert all(s.address % PAGE == 0 for s in sections[1:])
    ends = [s.address + s.memory for s in sections]
    assert all(end <= after.address for end, after in zip(ends, sections[1:], strict=False))
    (size,) = struct.unpack_from("<I", made, struct.unpack_from("<I", made, 0x3C)[0] + 24 + 56)
    assert ends[-1] <= size < ends[-1] + 2 * PAGE


def test_sections_may_be_files(tmp_path: Path) -> None:
    data = bytes(range(251)) * 900
    (tmp_path / "kernel").write_bytes(data)
    extents, size = pewrite.add_sections(application(), [Section(".kernel", tmp_path / "kernel")], "x.efi")
    made = tmp_path / "made"
    digest = write_hashed(extents, size, made)
    assert made.read_bytes() == add_sections(application(), [Section(".kernel", data)], "x.efi")
    assert digest == Digest.of(made.read_bytes())


def test_a_program_without_room_for_headers_becomes_a_section_itself() -> None:
    old = application(0x160)
    made = add_sections(old, [Section(".config", b"x")], "x.efi")
    sections = read_pe(made, "x.efi").sections
    assert made[PAGE : PAGE + len(old)] == old
    assert all(s.address == s.offset and s.address % PAGE == 0 for s in sections), "memory is laid out as the file"
    (entry,) = struct.unpack_from("<I", made, 0x40 + 24 + 16)
    assert entry == PAGE + 0x160 + 4


def test_debugging_information_and_symbols_stay_out() -> None:
    """A second section whose long name is in the table behind the symbols, as linkers write it."""
    image = bytearray(
        add_sections(application(), [Section("/4", b"words of a debugger"), Section(".x", b"y")], "x.efi")
    )
    struct.pack_into("<II", image, 64 + 12, len(image), 0)
    image += struct.pack("<I", 16) + b".debug_info\0"
    made = add_sections(bytes(image), [Section(".config", b"x")], "x.efi")
    assert [s.name for s in read_pe(made, "x.efi").sections] == [".text", ".x", ".config"]
    assert b"debugger" not in made and b"debug_info" not in made
    assert struct.unpack_from("<II", made, 64 + 12) == (0, 0)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"MZ" + bytes(100), "x.efi is no PE file"),
        (application(subsystem=3), "x.efi is no UEFI application"),
        (application(0x160, relocations=12), "x.efi has no room for more sections"),
    ],
)
def test_messages(image: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        add_sections(image, [Section(".config", b"x")], "x.efi")
    assert caught.value.message == message


@given(st.binary(min_size=0x200, max_size=0x400).filter(lambda b: len(b) % 2 == 0))
def test_the_checksum_is_that_of_the_definition(data: bytes) -> None:
    """ImageHlp adds 16-bit words with the carry, leaves the field out, and adds the length."""
    total = 0
    for at in range(0, len(data), 2):
        if not 64 <= at < 68:
            total += int.from_bytes(data[at : at + 2], "little")
            total = (total & 0xFFFF) + (total >> 16)
    assert checksum(data, 64) == total + len(data)


@cache
def pair() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(1))
    return key, made.not_valid_after(now + timedelta(1)).sign(key, hashes.SHA256())


def signed(image: bytes) -> bytes:
    key, certificate = pair()

    def sign(data: bytes) -> bytes:
        return key.sign(data, padding.PKCS1v15(), hashes.SHA256())

    der = certificate.public_bytes(Encoding.DER)
    return authenticode.sign(image, der, certificate.issuer.public_bytes(), certificate.serial_number, sign)


def members(der: bytes) -> list[bytes]:
    """The values in a DER value."""
    inside, found = authenticode._contents(der), []
    while inside:
        header = 2 + (inside[1] & 0x7F if inside[1] & 0x80 else 0)
        length = int.from_bytes(inside[2:header]) if inside[1] & 0x80 else inside[1]
        found.append(inside[: header + length])
        inside = inside[header + length :]
    return found


def signer(image: bytes) -> list[bytes]:
    entry = image[-read_pe(image, "x").signature :]
    (size,) = struct.unpack_from("<I", entry)
    assert 0 <= len(entry) - size < 8 and len(entry) % 8 == 0
    assert len(members(b"\x30\x84" + (size - 8).to_bytes(4) + entry[8:size])) == 1, "nothing but one value of DER"
    data: list[Any] = members(members(members(entry[8:size])[1])[0])
    return members(members(data[4])[0])


def test_a_signature_is_of_the_key_and_of_every_byte() -> None:
    image = add_sections(application(), [Section(".config", b"x" * 77)], "x.efi")
    made = signed(image)
    assert made == signed(image), "one key and one file make one signature"
    _, _, _, attributes, _, signature = signer(made)
    key, certificate = pair()
    key.public_key().verify(
        authenticode._contents(signature),
        b"\x31" + attributes[1:],
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    with pytest.raises(InvalidSignature):
        key.public_key().verify(
            authenticode._contents(signature), b"\x31" + attributes[1:-1] + b"?", padding.PKCS1v15(), hashes.SHA256()
        )
    entry = made[-read_pe(made, "x").signature :]
    assert pkcs7.load_der_pkcs7_certificates(entry[8 : struct.unpack_from("<I", entry)[0]]) == [certificate]
    assert checksum(made, checksum_offset(made)) == struct.unpack_from("<I", made, checksum_offset(made))[0]


@given(st.data())
def test_the_digest_covers_all_but_what_signing_changes(data: st.DataObject) -> None:
    image = signed(add_sections(application(), [Section(".config", b"x" * 77)], "x.efi"))
    digest = authenticode.digest(image)
    at = data.draw(st.integers(512, len(image) - read_pe(image, "x").signature - 1))
    changed = image[:at] + bytes([image[at] ^ 1]) + image[at + 1 :]
    assert authenticode.digest(changed) != digest
    field = checksum_offset(image)
    assert authenticode.digest(image[:field] + b"abcd" + image[field + 4 :]) == digest
    assert digest in image[-read_pe(image, "x").signature :]


def test_what_is_signed_is_not_signed_again() -> None:
    made = signed(add_sections(application(), [Section(".config", b"x")], "x.efi"))
    with pytest.raises(FormatError, match="signed already"):
        signed(made)
