"""The newc archive: what is written is read back, by us and by busybox; damage is named."""

from __future__ import annotations

import contextlib
import shutil
import stat
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.cpio import CpioEntry, read, write

_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda name: name != "TRAILER!!!"
)
_U32 = st.integers(0, 0xFFFFFFFF)
_ENTRIES = st.lists(
    st.builds(
        CpioEntry,
        name=_NAMES,
        mode=_U32,
        data=st.binary(max_size=50),
        uid=_U32,
        gid=_U32,
        mtime=_U32,
        device=st.tuples(_U32, _U32),
    ),
    max_size=5,
)

SAMPLE = [
    CpioEntry("dev", stat.S_IFDIR | 0o755),
    CpioEntry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),
    CpioEntry("init", stat.S_IFREG | 0o755, b"#!/bin/sh\n"),
    CpioEntry("bin", stat.S_IFLNK | 0o777, b"usr/bin"),
]


@given(_ENTRIES)
def test_what_is_written_is_read(entries: list[CpioEntry]) -> None:
    assert list(read(b"".join(write(entries)))) == entries


@given(_ENTRIES, _ENTRIES, st.integers(0, 9))
def test_archives_in_a_row(first: list[CpioEntry], second: list[CpioEntry], padding: int) -> None:
    data = b"".join(write(first)) + bytes(padding) + b"".join(write(second))
    assert list(read(data)) == first + second


@given(st.data())
def test_every_cut_is_noticed(data: st.DataObject) -> None:
    whole = b"".join(write(SAMPLE))
    cut = data.draw(st.integers(1, len(whole) - 4))
    with pytest.raises(FormatError):
        list(read(whole[:cut]))


@given(st.binary(max_size=300))
def test_noise_is_refused_or_read(noise: bytes) -> None:
    with contextlib.suppress(FormatError):
        list(read(noise))


def test_records_are_padded_to_four_bytes() -> None:
    assert [len(record) % 4 for record in write(SAMPLE)] == [0] * 5


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"070707" + bytes(110), "a.cpio has no newc header at byte 0"),
        (b"0707", "a.cpio is cut short in the header at byte 0"),
        (b"070701" + b"x" * 104, "a.cpio has a damaged header at byte 0"),
        (b"".join(write(SAMPLE))[:-124], "a.cpio is cut short: its trailer is missing"),
        (b"".join(write(SAMPLE))[:130], "a.cpio is cut short in the header at byte 116"),
        (b"070701" + b"0" * 104 + bytes(4), "a.cpio has a damaged name in the entry at byte 0"),
    ],
)
def test_damage_is_named(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        list(read(data, "a.cpio"))
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["", "a\0b", "n" * 4096])
def test_impossible_names(name: str) -> None:
    with pytest.raises(FormatError, match=r"^cpio cannot hold the name "):
        b"".join(write([CpioEntry(name, 0)]))


def entry(name: bytes) -> bytes:
    """A file's record with this name, whatever it is, and the archive's end."""
    fields = [1, 0o100644, 0, 0, 1, 0, 0, 0, 0, 0, 0, len(name), 0]
    record = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return record + bytes(-len(record) % 4) + b"".join(write([]))


@pytest.mark.parametrize("name", [b"a\0b\0", b"a", b"ab", b"n" * 4096 + b"\0"])
def test_names_that_no_archive_has(name: bytes) -> None:
    assert [one.name for one in read(entry(b"ab\0"))] == ["ab"]
    with pytest.raises(FormatError, match=r"^a\.cpio has a damaged name in the entry at byte 0$"):
        list(read(entry(name), "a.cpio"))


def test_zeros_stand_between_archives_not_in_one() -> None:
    records = list(write(SAMPLE))
    assert list(read(b"".join(records) + bytes(512) + b"".join(records))) == SAMPLE * 2
    with pytest.raises(FormatError, match=rf"^a\.cpio has no newc header at byte {len(records[0])}$"):
        list(read(records[0] + bytes(512) + b"".join(records[1:]), "a.cpio"))


def test_other_tools_read_it() -> None:
    program = next(
        (
            p
            for p in (["bsdtar", "-tf", "-"], ["cpio", "-it", "--quiet"], ["busybox", "cpio", "-it"])
            if shutil.which(p[0])
        ),
        None,
    )
    if program is None:
        pytest.skip("no bsdtar, cpio or busybox here to compare with")
    listed = subprocess.run(program, input=b"".join(write(SAMPLE)), capture_output=True, check=True, timeout=20)
    assert listed.stdout.decode().split() == [entry.name for entry in SAMPLE]
