"""Random device trees, for the tests of our parser and for those that hold it against dtc."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from xenbuild.formats.fdt import DeviceTree, Node

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
