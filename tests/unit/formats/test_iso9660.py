"""CDs: what is written comes back, folders and boot entries are where they belong. (tests/image asks xorriso.)"""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.extents import Extents
from xenbuild.formats.iso9660 import BIOS, SECTOR, UEFI, Boot, Cd
from xenbuild.formats.isoread import read_iso

NAMES = st.text("abcXYZ019-_", min_size=1, max_size=40).map(lambda name: f"{name}.ext" if len(name) % 2 else name)
FILES = st.dictionaries(
    st.tuples(st.sampled_from(["", "boot/", "boot/deep/", "xenbuild/"]), NAMES).map("".join),
    st.binary(max_size=5000),
    max_size=60,
)


def written(files: dict[str, bytes], boots: tuple[Boot, ...] = (Boot(BIOS, 0, 4),), **own: bytes) -> bytes:
    cd = Cd(dict(files))
    out = Extents()
    cd.write(out, "LAB", cd.end, boots, own)
    made = bytearray(cd.end)
    for start, end, content in out:
        assert isinstance(content, bytes)
        made[start:end] = content
    return bytes(made)


@settings(max_examples=60, deadline=None)
@given(FILES)
def test_files_come_back(files: dict[str, bytes]) -> None:
    made = written(files)
    found = read_iso(made, "cd")
    assert {name: bytes(data) for name, data in found.items()} == files
    assert written(dict(reversed(files.items()))) == made, "the order in which they are given says nothing"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 30 * SECTOR), st.integers(0, 255), st.integers(0, 40 * SECTOR))
def test_damage_is_an_error_or_other_files(at: int, value: int, cut: int) -> None:
    made = bytearray(written({"a/b": b"x" * 3000, "c": b"y"}))
    with suppress(FormatError):
        read_iso(bytes(made[:cut]), "cd")
    made[min(at, len(made) - 1)] = value
    with suppress(FormatError):
        read_iso(bytes(made), "cd")


def test_a_folder_in_itself_is_damage() -> None:
    made = bytearray(written({"a/b": b"x"}))
    root = struct.unpack_from("<I", made, 16 * SECTOR + 158)[0] * SECTOR
    second = root + made[root]
    entry = second + made[second]  # of folder a
    struct.pack_into("<I", made, entry + 2, root // SECTOR)
    with pytest.raises(FormatError, match="a folder of its ISO 9660 file system is in itself"):
        read_iso(bytes(made), "cd")


def test_what_a_firmware_looks_for() -> None:
    cd = Cd({"xenbuild/bios": b"grub" * 1000})
    place = cd.place("xenbuild/bios")
    made = written({"xenbuild/bios": b"grub" * 1000}, (Boot(BIOS, place, 4), Boot(UEFI, 1 << 20, 8192)))
    record = made[17 * SECTOR :]
    assert record[:30] == b"\0CD001\1EL TORITO SPECIFICATION"
    catalog = made[struct.unpack_from("<I", record, 71)[0] * SECTOR :]
    assert sum(struct.unpack_from("<16H", catalog)) & 0xFFFF == 0
    assert (catalog[1], catalog[30:32], catalog[32]) == (BIOS, b"\x55\xaa", 0x88)
    assert struct.unpack_from("<HI", catalog, 38) == (4, place // SECTOR)
    assert (catalog[64], catalog[65], catalog[96]) == (0x91, UEFI, 0x88)
    assert struct.unpack_from("<HI", catalog, 102) == (8192, (1 << 20) // SECTOR)
    assert made[place:][:4000] == b"grub" * 1000


def test_another_content_of_the_same_length() -> None:
    assert bytes(read_iso(written({"a": b"one"}, a=b"two"), "cd")["a"]) == b"two"


@pytest.mark.parametrize("name", ["", "ä", "x" * 129, "a\n"])
def test_names_that_no_cd_has(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a file on a CD"):
        Cd({f"folder/{name}": b""})


@pytest.mark.parametrize("data", [b"", bytes(40_000), bytes(32768) + b"\1CD001"])
def test_what_is_no_cd(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_iso(data, "cd")
