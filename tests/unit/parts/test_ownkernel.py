"""A dom0 kernel of the user's own is refused with the reason."""

from __future__ import annotations

import struct

import pytest

from xenbuild.errors import FormatError
from xenbuild.parts.ownkernel import check_initramfs, check_kernel

ARM64 = struct.pack("<II3Q", 0, 0, 0, 1 << 20, 0).ljust(56, b"\0") + b"ARM\x64" + bytes(4)


def test_arm64() -> None:
    check_kernel(ARM64, "arm64", "my-kernel")


@pytest.mark.parametrize(
    ("data", "arch", "message"),
    [
        (ARM64, "armv7", "my-kernel cannot be dom0's kernel: not a 32-bit Arm zImage but an arm64 Image"),
        (b"", "arm64", "my-kernel cannot be dom0's kernel: not an arm64 Image but an empty file"),
        (ARM64, "x86_64", "my-kernel is no x86 kernel: neither a bzImage nor an ELF file"),
        (b"#!/bin/sh\n", "x86_64", "my-kernel is no x86 kernel: neither a bzImage nor an ELF file"),
    ],
)
def test_refused(data: bytes, arch: str, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_kernel(data, arch, "my-kernel")
    assert str(caught.value) == message


@pytest.mark.parametrize("start", [b"070701", b"\0\0\0\x28\xb5\x2f\xfd", b"\x1f\x8b\x08"])
def test_initramfs(start: bytes) -> None:
    check_initramfs(start)


@pytest.mark.parametrize("start", [b"", b"\0" * 512, b"070707", b"MZ"])
def test_no_initramfs(start: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        check_initramfs(start)
    assert str(caught.value) == "dom0's initramfs is neither a cpio archive nor compressed in a way that Linux knows"
