"""FAT file systems: what is written is read back by a reader of its own, sizes are right, damage is seen."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats import fat
from xenbuild.formats.fat import FAT16_LEAST, FAT32_LEAST, fitting, label_of, smallest, write_fat
from xenbuild.formats.fatread import is_fat, read_fat

NAME = st.text("ABCDXYZabcdxyz0189_- +.é", min_size=1, max_size=30).filter(lambda n: n.isascii() and n.strip(" .") == n)


@st.composite
def trees(draw: st.DrawFn) -> dict[str, fat.Content]:
    """Files by path; no folder has a file's name, and no two names differ in case only."""
    files: dict[str, fat.Content] = {}
    taken: set[str] = set()
    for _ in range(draw(st.integers(0, 12))):
        parts = draw(st.lists(NAME, min_size=1, max_size=3))
        paths = ["/".join(parts[:n]).upper() for n in range(1, len(parts) + 1)]
        folders = ["/".join(parts[:n]) for n in range(1, len(parts))]
        clash = paths[-1] in taken or any(p.upper() in {f.upper() for f in files} for p in folders)
        if clash or any(f.upper().startswith(paths[-1] + "/") for f in files):
            continue
        if any(p.upper() == f.upper() and p != f for p in folders for f in _folders(files)):
            continue
        taken.update(paths)
        files["/".join(parts)] = draw(st.binary(max_size=3000))
    return files


def _folders(files: dict[str, fat.Content]) -> set[str]:
    return {"/".join(path.split("/")[:n]) for path in files for n in range(1, path.count("/") + 1)}


def written(files: dict[str, fat.Content], layout: fat.Layout, at: int = 0) -> bytes:
    file = io.BytesIO()
    write_fat(file, at, files, layout, "TEST", 0x12345678, 2048)
    return file.getvalue()[at:].ljust(layout.size, b"\0")


@settings(max_examples=60, deadline=None)
@given(trees(), st.sampled_from([256 << 10, 1 << 20, 3 << 20, 9 << 20, None]))
def test_what_is_written_is_read(files: dict[str, fat.Content], size: int | None) -> None:
    layout = smallest(files) if size is None else fitting(size)
    found = read_fat(written(files, layout), "d")
    assert found.files == files
    assert (found.label, found.serial, found.bits) == ("TEST", 0x12345678, layout.bits)


@given(st.integers(100_000, 1 << 33))
def test_a_size_has_the_type_that_its_clusters_say(size: int) -> None:
    layout = fitting(size)
    assert layout.size <= size
    assert size - layout.size < max(size // 50, 65536), "what is left over is little"
    bits = 12 if layout.clusters < FAT16_LEAST else 16 if layout.clusters < FAT32_LEAST else 32
    assert bits == layout.bits
    assert layout.fat * 512 * 8 >= (layout.clusters + 2) * bits
    assert min(abs(layout.clusters - FAT16_LEAST), abs(layout.clusters - FAT32_LEAST)) >= 16


def test_the_smallest_is_fat32_and_holds_everything_to_the_last_cluster(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.write(b"start")
        file.truncate(70 << 20)
    layout = smallest({"large": large})
    assert (layout.bits, layout.per_cluster) == (32, 2)
    assert layout.clusters == (70 << 20) // 1024 + 1
    with pytest.raises(ValueError, match="clusters of files"):
        write_fat(io.BytesIO(), 0, {"large": large, "one more": b"x"}, layout, "", 0)
    assert smallest({"large": large}, room=10 << 20).clusters == layout.clusters + (10 << 20) // 1024


def test_equal_contents_are_equal_bytes_wherever_they_lie() -> None:
    files: dict[str, fat.Content] = {"b/x": b"1", "a": b"2"}
    again = dict(reversed(list(files.items())))
    assert written(files, fitting(1 << 20)) == written(again, fitting(1 << 20), at=4096)


def test_holes_are_left_where_no_file_is(tmp_path: Path) -> None:
    layout = smallest({"a": b"x"})
    with (tmp_path / "d").open("wb") as file:
        write_fat(file, 0, {"a": b"x"}, layout, "", 0)
        file.truncate(layout.size)
    assert layout.size > 32 << 20
    assert (tmp_path / "d").stat().st_blocks * 512 < 1 << 20


@pytest.mark.parametrize(
    "names", [["a", "A"], ["x:y"], ["über"], [" a"], ["a."], ["a" * 256], ["folder/\x01"], ["*"]], ids=repr
)
def test_names_that_fat_does_not_know(names: list[str]) -> None:
    with pytest.raises(ValueError):
        written(dict.fromkeys(names, b""), fitting(1 << 20))


def test_many_names_of_one_beginning() -> None:
    files: dict[str, fat.Content] = {f"a very long name {n}.config": bytes([n % 251]) for n in range(200)}
    layout = smallest(files)
    assert read_fat(written(files, layout), "d").files == files
    with pytest.raises(ValueError, match="root directory"):
        written(files, fitting(1 << 20))


@pytest.mark.parametrize(
    ("text", "label"), [("lab", "LAB"), ("a machine/with a name", "A MACHINEWI"), ("ü", ""), ("x ", "X")]
)
def test_labels(text: str, label: str) -> None:
    assert label_of(text) == label


def test_less_than_a_file_system() -> None:
    with pytest.raises(ValueError, match="no FAT has 512 bytes"):
        fitting(512)


@settings(deadline=None)
@given(st.data())
def test_damage_is_refused_cleanly(data: st.DataObject) -> None:
    image = bytearray(written({"a/b": b"x" * 3000, "a long file name": b"y"}, fitting(100_000)))
    for _ in range(6):
        image[data.draw(st.integers(0, 40 * 512))] = data.draw(st.integers(0, 255))
    cut = bytes(image[: data.draw(st.integers(0, len(image)))])
    assert isinstance(is_fat(cut), bool)
    try:
        read_fat(cut, "d")
    except FormatError as error:
        assert error.message.startswith("d ")


def test_a_folder_in_itself_is_damage() -> None:
    layout = fitting(100_000)
    image = bytearray(written({"a/b": b"x"}, layout))
    row = layout.data * 512 + 2 * 32  # behind the dots: a long name of one piece, then the short one
    image[row + 32 + 11] = 0x10
    struct.pack_into("<H", image, row + 32 + 26, 2)
    with pytest.raises(FormatError, match="a folder of its file system is in itself"):
        read_fat(image, "d")
