"""bzImages, and Xen notes in them and in ELF kernels."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import sys
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent / "compose"))
import x86_files as files

from xenbuild.errors import FormatError
from xenbuild.formats.bzimage import read_bzimage, unpack_payload
from xenbuild.formats.xennotes import check_dom0, kernel_notes

PACKERS = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "bzip2": bz2.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("kind", PACKERS)
def test_payload(kind: str) -> None:
    inner = files.kernel()
    data = files.bzimage(PACKERS[kind](inner) + struct.pack("<I", len(inner)))
    image = read_bzimage(data, "k")
    assert (image.compression, image.version, image.is_64bit, image.protocol) == (kind, "9.9.9", True, (2, 15))
    assert unpack_payload(image, "k") == inner


@pytest.mark.parametrize("kind", PACKERS)
@given(flips=st.lists(st.tuples(st.integers(4, 200), st.integers(1, 255)), min_size=1, max_size=3))
def test_damaged_payload(kind: str, flips: list[tuple[int, int]]) -> None:
    payload = bytearray(PACKERS[kind](files.kernel()))
    for at, bits in flips:
        payload[at % len(payload)] ^= bits
    try:
        kernel_notes(files.bzimage(bytes(payload)), "k")
    except FormatError as error:
        assert "k" in error.message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "k is no x86 kernel: neither a bzImage nor an ELF file"),
        (files.bzimage()[:-1], "k is cut short: its payload ends at {end:#x}, the file at {cut:#x}"),
        (files.bzimage(b"\x02!L\x18" + bytes(40)), "the payload of k is compressed by lz4"),
        (files.bzimage(bytes(40)), "the payload of k is compressed by an unknown method"),
        (files.bzimage(gzip.compress(b"no ELF")), "the kernel in k is no ELF file"),
    ],
)
def test_messages(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        kernel_notes(data, "k")
    assert str(caught.value) == message.format(end=len(data) + 1, cut=len(data))


def test_old_protocol() -> None:
    data = bytearray(files.bzimage())
    data[0x206] = 4
    with pytest.raises(FormatError) as caught:
        read_bzimage(bytes(data), "k")
    assert str(caught.value) == "k speaks boot protocol 2.4, which has no payload"


def test_dom0_kernel() -> None:
    notes = kernel_notes(files.bzimage(), "k")
    assert notes.values["GUEST_OS"] == "linux" and notes.modes == ["pv"] and "dom0" in notes.features
    check_dom0(notes, "k")


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        (b"", "k is no Xen kernel: it has no Xen ELF notes"),
        (files.note(1, bytes(4), b"GNU\0"), "k is no Xen kernel: it has no Xen ELF notes"),
        (
            files.note(6, b"linux\0"),
            "k cannot be started by Xen: it has neither the note ENTRY (PV) nor PHYS32_ENTRY (PVH)",
        ),
        (
            files.note(18, bytes(4)) + files.note(17, bytes(4)),
            "k cannot be dom0: its note SUPPORTED_FEATURES does not name the feature dom0",
        ),
    ],
)
def test_no_dom0_kernel(notes: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        check_dom0(kernel_notes(files.kernel(notes), "k"), "k")
    assert str(caught.value) == message


def test_feature_words_count_too() -> None:
    notes = files.note(18, bytes(4)) + files.note(17, bytes(4)) + files.note(10, b"!writable_page_tables|dom0\0")
    check_dom0(kernel_notes(files.kernel(notes), "k"), "k")


@pytest.mark.parametrize(("kind", "fits"), [("", True), ("pv", True), ("pvh", False)])
def test_dom0_is_of_a_kind_that_the_kernel_can_be(kind: str, fits: bool) -> None:
    notes = kernel_notes(files.kernel(), "k")
    if fits:
        check_dom0(notes, "k", kind)
        return
    with pytest.raises(FormatError, match=r"^k cannot be a pvh dom0: its notes say that it is for pv$"):
        check_dom0(notes, "k", kind)
