"""Flattened device trees: written and read back, and as dtc sees them."""

from __future__ import annotations

import contextlib
import shutil
import string
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.fdt import DeviceTree, Node, cells, parse_fdt, strings, walk, write_fdt

NAMES = st.text(string.ascii_lowercase + string.digits + ",._+-", min_size=1, max_size=20)
U64 = st.integers(0, 2**64 - 1)


def unique(nodes: list[Node]) -> list[Node]:
    return list({n.name: n for n in nodes}.values())


def nodes(name: st.SearchStrategy[str]) -> st.SearchStrategy[Node]:
    properties = st.dictionaries(NAMES, st.binary(max_size=40), max_size=5)
    leaf = st.builds(Node, NAMES, properties)

    def inner(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        return st.builds(Node, NAMES, properties, st.lists(children, max_size=4).map(unique))

    below = st.recursive(leaf, inner, max_leaves=12)
    return st.builds(Node, name, properties, st.lists(below, max_size=5).map(unique))


trees = st.builds(
    DeviceTree,
    nodes(st.just("")),
    st.lists(st.tuples(U64, st.integers(1, 2**64 - 1)), max_size=4),
    st.integers(0, 7),
)


@given(trees)
def test_what_is_written_is_read_back(tree: DeviceTree) -> None:
    assert parse_fdt(write_fdt(tree)) == tree


@pytest.mark.skipif(not shutil.which("dtc"), reason="dtc, the oracle, is not installed")
@settings(max_examples=25, deadline=None)
@given(trees)
def test_dtc_reads_and_writes_the_same_tree(tree: DeviceTree) -> None:
    argv = ["dtc", "-q", "-f", "-I", "dtb", "-O", "dtb"]
    done = subprocess.run(argv, input=write_fdt(tree), capture_output=True, check=True)
    again = parse_fdt(done.stdout)
    assert dict(walk(again.root)) == dict(walk(tree.root))
    assert again.reserved == tree.reserved


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
