"""Microcode and policies are known by their first bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.cpio import read
from xenbuild.formats.flask import check_policy
from xenbuild.formats.microcode import AMD, INTEL, maker
from xenbuild.parts.microcode import archive

AMD_FILE = b"DMA\0" + struct.pack("<II", 0, 16) + bytes(16)


def intel(total: int = 2048, size: int = 2048) -> bytes:
    return struct.pack("<9I", 1, 7, 0x11102025, 0x306A9, 0, 1, 0x12, 2000, total) + bytes(size - 36)


def test_makers() -> None:
    assert maker(AMD_FILE) == AMD
    assert maker(intel()) == INTEL
    assert maker(intel(0)) == INTEL  # the oldest ones do not say their size
    assert maker(intel(4096)) is None  # cut short
    assert maker(b"-----BEGIN PGP SIGNATURE-----" + bytes(64)) is None
    assert maker(b"") is None


@given(st.binary(max_size=100))
def test_any_bytes_are_judged(data: bytes) -> None:
    assert maker(data) in (AMD, INTEL, None)
    if data[:4] != b"\x8c\xff\x7c\xf9":
        with pytest.raises(FormatError):
            check_policy(data, "x")


def test_the_archive_holds_each_makers_end_to_end() -> None:
    files = [("a", AMD_FILE), ("b", intel()), ("c", AMD_FILE + b"more"), ("d", intel(3072, 3072))]
    entries = {one.name: one.data for one in read(archive(files))}
    assert list(entries) == [
        "kernel", "kernel/x86", "kernel/x86/microcode", "kernel/x86/microcode/AuthenticAMD.bin",
        "kernel/x86/microcode/GenuineIntel.bin",
    ]  # fmt: skip
    assert entries["kernel/x86/microcode/AuthenticAMD.bin"] == AMD_FILE + AMD_FILE + b"more"
    assert entries["kernel/x86/microcode/GenuineIntel.bin"] == intel() + intel(3072, 3072)


def policy(name: bytes) -> bytes:
    return struct.pack("<II", 0xF97CFF8C, len(name)) + name + bytes(32)


def test_policies() -> None:
    check_policy(policy(b"XenFlask"), "p")
    with pytest.raises(FormatError, match=r"^p is a policy for 'SE Linux', not for Xen$"):
        check_policy(policy(b"SE Linux"), "p")
    with pytest.raises(FormatError, match=r"^p is no compiled FLASK policy$"):
        check_policy(b"class xen\n", "p")
