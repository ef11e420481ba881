"""Disks that a BIOS starts: the first sector, and the file system behind it."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.parts import bootdisk
from xenbuild.parts.bootdisk import START, boot_sector, copy_at


def test_the_first_sector() -> None:
    code = bytes(range(256)) * 2
    made = boot_sector(code, 10 << 20, "ab" * 32)
    assert len(made) == 512 and made[510:] == b"\x55\xaa"
    assert made[:0x66] + made[0x68:440] == code[:0x66] + code[0x68:440] and made[0x66:0x68] == b"\x90\x90"
    status, _, kind, _, first, sectors = struct.unpack("<B3sB3sII", made[446:462])
    assert (status, kind, first, sectors) == (0x80, 0x83, START, 10 << 11)
    assert not any(made[462:510])
    assert (
        made[440:444]
        == boot_sector(code, 1 << 20, "ab" * 32)[440:444]
        != boot_sector(code, 1 << 20, "cd" * 32)[440:444]
    )


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=5), st.integers(0, 9))
def test_a_copy_has_holes_where_the_source_is_empty(runs: list[tuple[int, bool]], offset: int) -> None:
    unit = 4096
    data = b"".join((b"x" if full else b"\0") * (blocks * unit) for blocks, full in runs)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootdisk, "_CHUNK", unit)
        source, target = Path(folder, "s"), Path(folder, "t")
        source.write_bytes(data)
        with target.open("wb") as file:
            copy_at(source, file.fileno(), offset * unit)
            file.truncate(offset * unit + len(data))
        assert target.read_bytes() == bytes(offset * unit) + data
        assert target.stat().st_blocks * 512 <= sum(blocks for blocks, full in runs if full) * unit
