"""Block maps of disks: what they leave out may be anything, and the disk is still the same."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats import fat, gpt
from xenbuild.formats.bmap import read_bmap
from xenbuild.formats.fatread import read_fat
from xenbuild.formats.mbr import read_mbr, write_mbr
from xenbuild.media.blockmap import map_of, plan
from xenbuild.plan.action import Action, File
from xenbuild.plan.run import run
from xenbuild.store.store import Store

MIB = 1 << 20
names = st.text("abcdefgh", min_size=1, max_size=12)
contents = st.one_of(st.binary(max_size=3000), st.integers(1, 200_000).map(bytes))  # zeros mean something in a file


def disk(files: dict[str, fat.Content], empty: int) -> bytes:
    """A boot loader's partition, a FAT with the files, and `empty` MiB without a file system."""
    layout = fat.fitting(5 * MIB)
    ends = (2 * MIB, 8 * MIB, (8 + empty) * MIB)
    starts, kinds = (MIB, 3 * MIB, 8 * MIB), (gpt.BIOS_BOOT, gpt.ESP, gpt.LINUX)
    parts = [
        gpt.Partition(kind, UUID(int=n), start // 512, end // 512 - 1, f"p{n}")
        for n, (kind, start, end) in enumerate(zip(kinds, starts, ends, strict=True), 1)
    ]
    out = io.BytesIO()
    sectors = gpt.sectors_for(parts[-1].last)
    gpt.write_gpt(out, parts, UUID(int=9), sectors, b"code")
    out.seek(MIB)
    out.write(b"core")
    fat.write_fat(out, parts[1].offset, files, layout, "ESP", 7, parts[1].first)
    return out.getvalue().ljust(sectors * 512, b"\0")


def copied_by_map(path: Path, onto: bytes) -> bytes:
    """What is on a disk that held `onto` once the map's blocks were written."""
    image, made = path.read_bytes(), bytearray(onto)
    map = map_of(path)
    for start, end in (map.extent(one) for one in map.ranges):
        made[start:end] = image[start:end]
    return bytes(made)


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(names, contents, max_size=5), st.dictionaries(names, contents, max_size=3), st.integers(3, 6))
def test_what_is_left_out_may_be_anything(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], more: dict[str, bytes], empty: int
) -> None:
    path = tmp_path_factory.mktemp("map") / "d.raw"
    inside: dict[str, fat.Content] = {**files, **{f"folder/{name}": data for name, data in more.items()}}
    image = disk(inside, empty)
    path.write_bytes(image)
    there = copied_by_map(path, Random(empty).randbytes(len(image)))
    assert gpt.read_gpt(there, "d") == gpt.read_gpt(image, "d")
    assert there[: 2 * MIB] == image[: 2 * MIB], "boot code, and what it loads"
    partition = slice(3 * MIB, 8 * MIB)
    assert read_fat(there[partition], "f") == read_fat(image[partition], "f")
    layout = fat.fitting(5 * MIB)
    tables = slice(3 * MIB, 3 * MIB + layout.data * 512)
    assert there[tables] == image[tables], "free clusters are free"
    assert there[8 * MIB :][:MIB] == bytes(MIB), "no old file system in the empty partition"
    assert map_of(path).mapped < len(image)


def test_a_card_is_mapped_with_what_lies_before_its_partition(tmp_path: Path) -> None:
    layout = fat.smallest({"a": b"x"})
    out = io.BytesIO()
    out.write(write_mbr(2048, layout.total, 1))
    out.seek(8192)
    out.write(b"loader of the board")
    fat.write_fat(out, MIB, {"a": b"x"}, layout, "CARD", 1, 2048)
    path = tmp_path / "c.sd"
    path.write_bytes(out.getvalue().ljust(MIB + layout.size, b"\0"))
    there = copied_by_map(path, b"\xff" * path.stat().st_size)
    assert there[:MIB] == path.read_bytes()[:MIB]
    assert read_fat(there[MIB:], "c").files == {"a": b"x"}
    assert map_of(path).mapped < 2 * MIB + layout.data * 512
    assert read_mbr(there[:512], "c") == (2048, layout.total)


@pytest.mark.parametrize(
    "sector", [b"", bytes(512), bytes(510) + b"\x55\xaa", write_mbr(2048, 0, 1), write_mbr(0, 1, 1)]
)
def test_what_has_no_partition_has_no_map(sector: bytes) -> None:
    with pytest.raises(FormatError, match="the card has no partition table with one partition"):
        read_mbr(sector, "the card")


def test_the_action_writes_a_map_with_checksums(tmp_path: Path) -> None:
    image = disk({"file": b"content"}, 3)
    with Store(tmp_path / "cache") as store:
        planned = plan(Action("d", "x:y", {}).output(), "d").action
        goal = replace(planned, inputs={"image": File(store.put_bytes(image))}).output("map")
        made = read_bmap(store.path(run([goal], store, jobs=1)[goal].digest).read_bytes(), "map")
    path = tmp_path / "d.raw"
    path.write_bytes(image)
    assert [(one.first, one.last) for one in made.ranges] == [(one.first, one.last) for one in map_of(path).ranges]
    assert all(one.sha256 for one in made.ranges)
