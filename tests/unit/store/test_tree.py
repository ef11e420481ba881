"""Trees and the wire format, against properties and against bytes that the official messages serialise to."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats import protowire as wire
from xenbuild.store.digest import Digest
from xenbuild.store.tree import DirEntry, Entry, FileEntry, LinkEntry, Tree

names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=6).filter(
    lambda name: name not in (".", "..")
)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
entries = st.one_of(
    st.builds(FileEntry, st.binary(max_size=9).map(Digest.of), st.booleans()),
    st.builds(LinkEntry, names),
    st.just(DirEntry()),
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    found: dict[str, Entry] = {}
    for path, entry in draw(st.lists(st.tuples(paths, entries), max_size=12)):
        try:
            Tree({**found, path: entry})
        except FormatError:
            continue
        found[path] = entry
    return Tree(found)


@given(trees())
def test_tree_round_trip(tree: Tree) -> None:
    root, messages = tree.encode()
    assert Tree.decode(root, messages.__getitem__) == tree
    assert all(Digest.of(message) == digest for digest, message in messages.items())


@given(st.binary(max_size=64))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    with suppress(FormatError):
        Tree.decode(Digest.of(data), lambda digest: data if digest == Digest.of(data) else b"")


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), st.integers(1, 2**64 - 1) | st.binary(max_size=300))))
def test_fields_round_trip(values: list[tuple[int, int | bytes]]) -> None:
    data = b"".join(wire.number(n, v) if isinstance(v, int) else wire.block(n, v) for n, v in values)
    assert list(wire.fields(data)) == values


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x08", "message ends in the middle of a number"),
        (b"\x08" + b"\xff" * 10, "message has a number of more than 64 bits"),
        (b"\x08" + b"\xff" * 9 + b"\x02", "message has a number of more than 64 bits"),
        (b"\x0a\x05abc", "message ends in the middle of field 1"),
        (b"\x00\x00", "message has a field without a number"),
        (b"\x0b", "message has a field of unknown wire type 3"),
    ],
)
def test_damaged_messages(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        list(wire.fields(data))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"/etc": DirEntry()}, "not a relative, normal path: '/etc'"),
        ({"a/../b": DirEntry()}, "not a relative, normal path: 'a/../b'"),
        ({"": DirEntry()}, "not a relative, normal path: ''"),
        ({"a": LinkEntry("b"), "a/c": DirEntry()}, "'a' is both a directory and a file or link"),
        ({"a\udcff": DirEntry()}, "a path is not UTF-8: 'a\\udcff'"),
        ({"a": LinkEntry("")}, "symbolic link 'a' has an impossible target: ''"),
    ],
)
def test_impossible_trees(found: dict[str, Entry], message: str) -> None:
    with pytest.raises(FormatError) as caught:
        Tree(found)
    assert str(caught.value) == message


def test_empty_directory_with_content_is_no_entry() -> None:
    assert Tree({"a": DirEntry(), "a/b": LinkEntry("c")}) == Tree({"a/b": LinkEntry("c")})


@pytest.mark.parametrize("text", ["", "ab/3", "0" * 64, "0" * 64 + "/01", "G" * 64 + "/1", "0" * 64 + "/-1"])
def test_bad_digests(text: str) -> None:
    with pytest.raises(FormatError):
        Digest.parse(text)
