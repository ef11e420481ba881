"""Flattened device trees: written and read back (tests/image/test_oracles.py: as dtc sees them)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trees import trees

from xenbuild.errors import FormatError
from xenbuild.formats.fdt import DeviceTree, Node, cells, parse_fdt, strings, write_fdt


@given(trees)
def test_what_is_written_is_read_back(tree: DeviceTree) -> None:
    assert parse_fdt(write_fdt(tree)) == tree


def test_lookups() -> None:
    leaf = Node("module@0", {"compatible": strings("a", "b"), "reg": cells(0, 1)})
    root = Node("", {}, [Node("chosen", {}, [leaf])])
    assert root.find("/chosen/module@0") is leaf
    assert root.find("/chosen/nothing/deeper") is None
    assert leaf.strings("compatible") == ["a", "b"]
    assert leaf.cells("reg") == [0, 1]
    assert leaf.cells("absent") == [] == leaf.strings("absent")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a flattened device tree"),
        (b"\0" * 64, "not a flattened device tree"),
        (write_fdt(DeviceTree(Node("")))[:-1] + b"", "the device tree is damaged: 71 of 72 bytes are there"),
    ],
)
def test_messages(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as error:
        parse_fdt(data)
    assert error.value.message == message


@given(trees, st.data())
def test_damage_gives_a_tree_or_a_format_error(tree: DeviceTree, data: st.DataObject) -> None:
    blob = bytearray(write_fdt(tree))
    for _ in range(3):
        blob[data.draw(st.integers(0, len(blob) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        parse_fdt(bytes(blob))
