"""The ELF reader and writer."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats import elf
from xenbuild.formats.elf import Elf
from xenbuild.formats.elfwrite import Piece, write_elf


def written(pieces: list[Piece], note: tuple[int, int] = (0x1000000, 0)) -> bytes:
    out = io.BytesIO()
    write_elf(out, pieces, entry=0x1000000, note=note)
    return out.getvalue()


@given(st.lists(st.binary(max_size=9000), min_size=1, max_size=5), st.binary(max_size=50))
def test_round_trip(datas: list[bytes], unloaded: bytes) -> None:
    pieces = [Piece(f".p{i}", data, 0x1000000 + i * 0x4000, 0x3000) for i, data in enumerate(datas)]
    image = Elf.parse(written([*pieces, Piece(".u", unloaded)]), "x")
    assert [(s.paddr, s.memsz, bytes(image.content(s))) for s in image.loads()] == [
        (p.address, 0x3000, bytes(p.data)) for p in pieces
    ]
    for piece in [*pieces, Piece(".u", unloaded)]:
        section = image.section(piece.name)
        assert section is not None and bytes(image.slice(section.offset, section.size, "")) == piece.data


def read_all(data: bytes) -> None:
    image = Elf.parse(data, "x")
    _ = image.segments, image.sections, image.notes, image.dynamic
    image.dynamic_strings(elf.DT_NEEDED)
    for segment in image.loads():
        image.content(segment)


@given(st.binary(max_size=300))
def test_noise_is_refused_cleanly(data: bytes) -> None:
    for start in (b"", b"\x7fELF\1\1", b"\x7fELF\2\1"):
        try:
            read_all(start + data)
        except FormatError as error:
            assert error.message.startswith("x is ")


@given(st.data())
def test_damage_is_refused_cleanly(data: st.DataObject) -> None:
    whole = bytearray(written([Piece(".a", b"abc" * 100, 0x1000000), Piece(".b", b"b")], (0x1000000, 12)))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(4, 60) | st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_all(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except FormatError as error:
        assert error.message.startswith("x is ")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x is no ELF file"),
        (b"MZ" + bytes(100), "x is no ELF file"),
        (b"\x7fELF\1\1", "x is a damaged ELF file: its header is cut short"),
        (b"\x7fELF\2\1" + bytes(50), "x is a damaged ELF file: its header is cut short"),
        (b"\x7fELF\1\2" + bytes(60), "x is a big-endian ELF file"),
    ],
)
def test_messages(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        Elf.parse(data, "x")
    assert str(caught.value) == message


def test_cut_section_table() -> None:
    data = written([Piece(".a", b"abc", 0x1000000)])
    with pytest.raises(FormatError) as caught:
        _ = Elf.parse(data[:-1], "x").sections
    whole = len(data)
    message = f"x is cut short: its section header table ends at {whole:#x}, the file at {whole - 1:#x}"
    assert str(caught.value) == message


def test_dynamic_agrees_with_pyelftools() -> None:
    from elftools.elf.elffile import ELFFile

    path = Path(shutil.which("true") or sys.executable).resolve()
    with path.open("rb") as file:
        oracle = ELFFile(file)
        names = [t.needed for t in oracle.get_section_by_name(".dynamic").iter_tags() if t.entry.d_tag == "DT_NEEDED"]
        loader = oracle.get_section_by_name(".interp").data().rstrip(b"\0").decode()
    assert elf.needed(path) == names and names
    assert elf.interp(path) == loader
