"""The flash of UEFI firmware: variables behind those that are there."""

from __future__ import annotations

import struct

import pytest

from xenbuild.errors import FormatError
from xenbuild.formats.efivars import GLOBAL, SECURITY_DATABASE, Variable, trusting, with_variables

STORE = bytes.fromhex("782cf3aa7b949a43a1802e144ec37792")


def flash(size: int = 4096) -> bytes:
    """A firmware volume with an empty store of `size` bytes, as OVMF_VARS.fd has one."""
    volume = bytearray(72)
    volume[40:44] = b"_FVH"
    struct.pack_into("<H", volume, 48, 72)
    return bytes(volume) + STORE + struct.pack("<IBBHI", size, 0x5A, 0xFE, 0, 0) + b"\xff" * (size - 28)


def variables(image: bytes) -> dict[str, bytes]:
    """A reader that knows only what the specification of the format says."""
    found, at = {}, 72 + 28
    while image[at : at + 2] == b"\xaa\x55":
        name, data = struct.unpack_from("<II", image, at + 36)
        label = image[at + 60 : at + 60 + name].decode("utf-16-le").rstrip("\0")
        found[label] = image[at + 60 + name : at + 60 + name + data]
        at = (at + 60 + name + data + 3 - 72 & ~3) + 72
    return found


def test_variables_follow_those_that_are_there() -> None:
    one = with_variables(flash(), [Variable("Lang", GLOBAL, 7, b"eng")])
    two = with_variables(one, [Variable("Other", GLOBAL, 3, b"12345")])
    assert variables(two) == {"Lang": b"eng", "Other": b"12345"}
    assert len(two) == len(flash())


def test_a_machine_that_trusts_a_certificate() -> None:
    found = variables(trusting(flash(), b"certificate"))
    assert found["PK"] == found["KEK"] == found["db"]
    assert found["db"].endswith(b"certificate")
    assert struct.unpack_from("<16xIII", found["db"]) == (28 + 16 + 11, 0, 16 + 11)
    assert found["SecureBootEnable"] == b"\1"
    assert SECURITY_DATABASE.bytes_le in trusting(flash(), b"x")


def test_messages() -> None:
    for image, message in (
        (bytes(4096), "the firmware's flash holds no authenticated variables"),
        (flash(60), "the firmware's flash has no room for more variables"),
    ):
        with pytest.raises(FormatError) as caught:
            trusting(image, b"x")
        assert caught.value.message == message
