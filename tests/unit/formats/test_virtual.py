"""Disks as qcow2 and vmdk: what is written comes back, and damage is an error of ours. (tests/image asks qemu-img.)"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.extents import Extents
from xenbuild.formats.qcow2 import read_qcow2, write_qcow2
from xenbuild.formats.vmdk import read_vmdk, write_vmdk

MIB = 1 << 20
Write = Callable[[Extents, int], tuple[Extents, int]]
Read = Callable[[bytes, str], memoryview]
FORMATS: dict[str, tuple[Write, Read]] = {
    "qcow2": (write_qcow2, read_qcow2),
    "vmdk": (lambda disk, size: write_vmdk(disk, size, "d.vmdk", 0xC0FFEE), read_vmdk),
}
pieces = st.lists(st.tuples(st.integers(0, 300_000), st.binary(min_size=1, max_size=400)), max_size=6)


def filled(extents: Extents, size: int) -> bytes:
    made = bytearray(size)
    for start, end, content in extents:
        assert isinstance(content, bytes)
        made[start:end] = content
    return bytes(made)


def disk(drawn: list[tuple[int, bytes]], more: int) -> tuple[Extents, int]:
    extents, at = Extents(), 0
    for gap, data in drawn:
        extents.seek(at + gap)
        extents.write(data)
        at += gap + len(data)
    return extents, -(-(at + more) // 512) * 512


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=30, deadline=None)
@given(drawn=pieces, more=st.integers(1, 3 * MIB))
def test_a_disk_comes_back(form: str, drawn: list[tuple[int, bytes]], more: int) -> None:
    write, read = FORMATS[form]
    extents, size = disk(drawn, more)
    made = filled(*write(extents, size))
    assert bytes(read(made, "d")) == filled(extents, size)
    assert filled(*write(extents, size)) == made
    assert len(made) % 65536 == 0


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, 1500), value=st.integers(0, 255), cut=st.integers(0, 700_000))
def test_damage_is_an_error_or_another_disk(form: str, at: int, value: int, cut: int) -> None:
    write, read = FORMATS[form]
    made = bytearray(filled(*write(*disk([(5, b"x" * 400), (200_000, b"y")], MIB))))
    with suppress(FormatError):
        read(bytes(made[:cut]), "d")
    made[at] = value
    with suppress(FormatError):
        read(bytes(made), "d")


@pytest.mark.parametrize(
    ("read", "data", "message"),
    [
        (read_qcow2, b"QFI\xfb" + bytes(100), "d is no qcow2 disk of version 2 or 3"),
        (read_qcow2, b"QFI\xfb\0\0\0\2" + bytes(100), "d is a qcow2 disk with a backing file, encryption or features"),
        (read_qcow2, b"QFI\xfb", "d is cut short: it ends within its tables"),
        (read_vmdk, b"KDMV" + bytes(600), "d is a vmdk disk of a kind that is not read here"),
        (read_vmdk, b"none" + bytes(600), "d is no sparse vmdk disk"),
        (read_vmdk, b"KDMV", "d is cut short: it ends within its tables"),
    ],
)
def test_messages(read: Read, data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(data, "d")
    assert caught.value.message.startswith(message)


def test_what_is_compressed_or_has_a_parent_is_not_read() -> None:
    made = bytearray(filled(*write_qcow2(*disk([(0, b"x")], MIB))))
    made[2 * 65536] |= 0x40
    with pytest.raises(FormatError, match="compressed clusters"):
        read_qcow2(bytes(made), "d")
    made = bytearray(filled(*FORMATS["vmdk"][0](*disk([(0, b"x")], MIB))))
    made[10] |= 1
    with pytest.raises(FormatError, match="of a kind"):
        read_vmdk(bytes(made), "d")


def test_a_description_names_the_file() -> None:
    made = filled(*write_vmdk(*disk([(0, b"x")], 40 * MIB), "lab.vmdk", 0xC0FFEE))
    text = made[512 : 21 * 512].rstrip(b"\0").decode()
    assert "CID=00c0ffee\n" in text and 'SPARSE "lab.vmdk"\n' in text
    assert len(made) < 1 * MIB
