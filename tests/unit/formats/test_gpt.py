"""GUID partition tables: what is written is read back, and damage is seen."""

from __future__ import annotations

import io
import zlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats import gpt
from xenbuild.formats.gpt import ESP, LINUX, Partition, aligned, read_gpt, sectors_for, write_gpt

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0", max_codepoint=0xFFFF), max_size=36)


def disk(partitions: list[Partition], sectors: int, code: bytes = b"") -> bytes:
    file = io.BytesIO()
    write_gpt(file, partitions, UUID(int=7), sectors, code)
    return file.getvalue()


@st.composite
def tables(draw: st.DrawFn) -> list[Partition]:
    made, start = [], 0
    for number in range(draw(st.integers(0, 6))):
        first = aligned(start + draw(st.integers(1, 5000)))
        last = first + draw(st.integers(0, 5000))
        made.append(Partition(draw(st.sampled_from((ESP, LINUX))), UUID(int=number + 1), first, last, draw(NAMES)))
        start = last + 1
    return made


@given(tables())
def test_what_is_written_is_read(partitions: list[Partition]) -> None:
    sectors = sectors_for(max((one.last for one in partitions), default=0))
    data = disk(partitions, sectors)
    assert len(data) == sectors * gpt.SECTOR
    assert read_gpt(data, "d") == gpt.Gpt(UUID(int=7), sectors, tuple(partitions))


@given(tables(), st.data())
def test_damage_of_either_copy_is_seen(partitions: list[Partition], data: st.DataObject) -> None:
    sectors = sectors_for(max((one.last for one in partitions), default=0))
    image = bytearray(disk(partitions, sectors))
    header, entries = 92, 128 * 128
    places = [(512, header), (1024, entries), (len(image) - 512, header), (len(image) - 512 - entries, entries)]
    start, size = data.draw(st.sampled_from(places))
    image[start + data.draw(st.integers(0, size - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FormatError):
        read_gpt(image, "d")


def test_the_boot_code_and_the_protective_partition() -> None:
    data = disk([Partition(ESP, UUID(int=1), 2048, 4095, "esp")], 8192, b"\xeb\x63" * 220)
    assert data[:440] == b"\xeb\x63" * 220
    assert data[446:462].hex() == "00000200eeffffff01000000ff1f0000"
    assert data[510:512] == b"\x55\xaa"


@pytest.mark.parametrize(
    ("partitions", "code"),
    [
        ([(34, 40), (40, 50)], b""),  # overlap
        ([(33, 40)], b""),  # in the table
        ([(34, 8192 - 33)], b""),  # in the second copy
        ([(50, 49)], b""),
        ([], bytes(441)),
        ([(34 + n, 34 + n) for n in range(129)], b""),
    ],
)
def test_what_has_no_place_is_refused(partitions: list[tuple[int, int]], code: bytes) -> None:
    rows = [Partition(LINUX, UUID(int=n + 1), first, last, "x") for n, (first, last) in enumerate(partitions)]
    with pytest.raises(ValueError):
        disk(rows, 8192, code)


def test_a_long_name_is_refused() -> None:
    with pytest.raises(ValueError):
        disk([Partition(LINUX, UUID(int=1), 2048, 2048, "x" * 37)], 8192)


def test_messages() -> None:
    data = disk([Partition(ESP, UUID(int=1), 2048, 4095, "esp")], 8192)
    for bad, message in (
        (bytes(100), "d has no GUID partition table"),
        (bytes(100000), "d has no GUID partition table"),
        (data[:-512], f"d is cut short: its partition table speaks of {len(data)} bytes, it has {len(data) - 512}"),
        (data[:-512] + bytes(512), "d is damaged: sector 8191 holds no partition table"),
    ):
        with pytest.raises(FormatError) as caught:
            read_gpt(bad, "d")
        assert caught.value.message == message


@pytest.mark.parametrize(
    ("at", "value", "message"),
    [
        (12, 512, "d is damaged: its partition table in sector 1 does not match its checksum"),  # the header's size
        (80, 1025, "d has a partition table with 1025 entries of 128 bytes, which nobody writes"),
        (84, 256, "d has a partition table with 128 entries of 256 bytes, which nobody writes"),
    ],
)
def test_a_table_with_a_good_checksum_that_nobody_writes(at: int, value: int, message: str) -> None:
    data = bytearray(disk([], 8192))
    header = data[512 : 512 + 92]
    header[at : at + 4] = value.to_bytes(4, "little")
    header[16:20] = bytes(4)
    header[16:20] = zlib.crc32(header).to_bytes(4, "little")
    data[512 : 512 + 92] = header
    with pytest.raises(FormatError) as caught:
        read_gpt(data, "d")
    assert caught.value.message == message
