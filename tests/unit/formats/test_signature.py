"""What is on a device (tests/image/test_oracles.py: what real programs put there, and what blkid says)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.formats import signature


def found(data: bytes) -> list[str]:
    return signature.names(lambda at, size: data[at : at + size] if at >= 0 else b"", len(data))


def mbr(kind: int = 0x83) -> bytes:
    entry = struct.pack("<B3xB3xII", 0x80, kind, 2048, 4096)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


@pytest.mark.parametrize("magic", signature.MAGICS, ids=lambda magic: f"{magic.name}-{magic.offset}")
def test_each_magic_by_itself(magic: signature.Magic) -> None:
    data = bytearray(1 << 20)
    data[magic.offset : magic.offset + len(magic.bytes)] = magic.bytes
    assert found(bytes(data)) == [magic.name]


def test_tables() -> None:
    blank = bytes(1 << 20)
    header = b"EFI PART"
    assert found(blank) == []
    assert found(mbr() + blank) == ["MBR"]
    assert found(mbr(0xEE) + header + blank) == ["GPT"]
    assert found(blank[:-512] + header + blank[:504]) == ["GPT"], "only its copy is left"
    assert found(mbr()[:82] + b"FAT32   " + mbr()[90:] + blank) == ["FAT"], "a boot sector is no partition table"
    assert found(mbr(0) + blank) == [], "a type of 0 is no partition"
    assert not signature.is_mbr(bytes(446) + b"\x81" + mbr()[447:])


def test_volume_managers() -> None:
    data = bytearray(1 << 20)
    data[512:544] = b"LABELONE" + bytes(16) + b"LVM2 001"
    assert found(bytes(data)) == ["LVM"]
    for place in ((1 << 20) - 8192, (1 << 20) - 65536):  # md 1.0, md 0.90
        data = bytearray(1 << 20)
        data[place : place + 4] = b"\xfc\x4e\x2b\xa9"
        assert found(bytes(data)) == ["RAID"]


@given(st.binary(max_size=5000))
def test_no_bytes_crash_it(data: bytes) -> None:
    assert isinstance(found(data), list)
