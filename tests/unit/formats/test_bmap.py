"""Block maps: what is written is read back; anything damaged is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.bmap import BlockMap, Range, merge, read_bmap, write_bmap


@st.composite
def maps(draw: st.DrawFn) -> BlockMap:
    size = draw(st.integers(1, 1 << 40))
    points = draw(st.lists(st.tuples(st.integers(0, size), st.integers(0, size)), max_size=8))
    ranges = merge([(min(p), max(p)) for p in points], size)
    return BlockMap(size, tuple(replace(r, sha256=hashlib.sha256(str(r).encode()).hexdigest()) for r in ranges))


@given(maps())
def test_maps_come_back(map: BlockMap) -> None:
    assert read_bmap(write_bmap(map), "m") == map


@given(maps(), st.data())
def test_a_changed_byte_is_seen(map: BlockMap, data: st.DataObject) -> None:
    text = bytearray(write_bmap(map))
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FormatError):
        read_bmap(bytes(text), "m")


@given(st.binary(max_size=300))
def test_no_bytes_crash_it(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_bmap(data, "m")


@given(st.lists(st.tuples(st.integers(0, 99999), st.integers(0, 99999)), max_size=9), st.integers(1, 90000))
def test_merged_ranges_cover_exactly_the_blocks_touched(extents: list[tuple[int, int]], size: int) -> None:
    inside = [(start, min(end, size)) for start, end in extents if start < min(end, size)]
    touched = {block for start, end in inside for block in range(start // 4096, -(-end // 4096))}
    ranges = merge(extents, size)
    assert {b for r in ranges for b in range(r.first, r.last + 1)} == touched
    assert all(one.last + 1 < other.first for one, other in pairwise(ranges))


def test_what_bmaptool_writes_is_read() -> None:
    """Comments, blanks around numbers and single blocks, as bmaptool 3 has them."""
    text = """<?xml version="1.0" ?>
<!-- This file contains the block map for an image file -->
<bmap version="2.0">
    <!-- Image size in bytes: 16.0 KiB -->
    <ImageSize> 16000 </ImageSize>
    <BlockSize> 4096 </BlockSize>
    <BlocksCount> 4 </BlocksCount>
    <MappedBlocksCount> 3 </MappedBlocksCount>
    <ChecksumType> sha256 </ChecksumType>
    <BmapFileChecksum> OWN </BmapFileChecksum>
    <BlockMap>
        <Range chksum="AA"> 0-1 </Range>
        <Range chksum="BB"> 3 </Range>
    </BlockMap>
</bmap>
""".replace("AA", "a" * 64).replace("BB", "b" * 64)
    own = hashlib.sha256(text.replace("OWN", "0" * 64).encode()).hexdigest()
    map = read_bmap(text.replace("OWN", own).encode(), "m")
    assert map == BlockMap(16000, (Range(0, 1, "a" * 64), Range(3, 3, "b" * 64)))
    assert map.extent(map.ranges[1]) == (12288, 16000)
    assert map.mapped == 8192 + 3712


def test_messages() -> None:
    sound = write_bmap(BlockMap(8192, (Range(0, 1, "a" * 64),)))
    for old, new, message in (
        (b'version="2.0"', b'version="1.4"', "m is a block map of version 1.4"),
        (b"<bmap", b"<bmop", "m is damaged: mismatched tag: line 12, column 2"),
        (b"<ImageSize>8192", b"<ImageSize>8193", "m is damaged: it does not match its own checksum"),
        (b"sha256<", b"sha1<", "m is damaged: its checksums are not SHA-256"),
        (b"<bmap", b'<!DOCTYPE x [<!ENTITY a "b">]><bmap', "m is damaged: it declares entities"),
    ):
        with pytest.raises(FormatError) as caught:
            read_bmap(sound.replace(old, new), "m")
        assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("map", "message"),
    [
        (BlockMap(8192, (Range(0, 2, "a" * 64),)), "the blocks 0-2 overlap others, or lie outside the image"),
        (BlockMap(8192, (Range(1, 1, "a" * 64), Range(0, 0, "a" * 64))), "the blocks 0 overlap others"),
        (BlockMap(8192, (Range(0, 0),)), "a range is not of the form FIRST-LAST with its checksum"),
    ],
)
def test_ranges_that_make_no_sense(map: BlockMap, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read_bmap(write_bmap(map), "m")
