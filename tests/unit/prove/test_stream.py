from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xenbuild.prove.stream import History, Plain


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"one\r\ntwo\r\r\nthree\rfour\n", "one\ntwo\nthree\nfour\n"),
        (b"\x1b[2J\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1b]0;t\x1b\\y\x1b(B.", "red xy."),
        (b"a\x00b\x07c\x7fd\te", "abcd\te"),
        ("héllo".encode(), "héllo"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\x1b[6n/ # ", "/ # "),
    ],
)
def test_text_is_plain(data: bytes, text: str) -> None:
    plain = Plain()
    assert plain.feed(data) + plain.feed(b"", final=True) == text


PIECES = st.sampled_from(
    [
        b"\x1b[31m",
        b"\x1b]0;t\x07",
        b"\x1b]0;t\x1b\\",
        b"\r",
        b"\n",
        b"x",
        b"\x1b[",
        b"\xc3\xa9",
        b"\xff",
        b"\x1b",
        b"\0",
    ]
)


@example(b"\x1b[31m" * 5 + b"\r\x1b[31m\n", [27])
@given(st.lists(PIECES, max_size=30).map(b"".join), st.lists(st.integers(0, 100), max_size=10))
def test_borders_of_pieces_do_not_matter(data: bytes, cuts: list[int]) -> None:
    whole, cut = Plain(), Plain()
    expected = whole.feed(data) + whole.feed(b"", final=True)
    places = [0, *sorted(min(c, len(data)) for c in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(places)]
    assert "".join(cut.feed(p) for p in pieces) + cut.feed(b"", final=True) == expected


def test_positions_survive_forgetting() -> None:
    history = History()
    for i in range(40):
        history.add(f"{i:07}\n" * (1 << 13))
    assert history.end == 40 << 16
    found = history.search(re.compile("0000039"), 0)
    assert found and history.slice(found[0] - 7, found[0]) == "0000039"
    assert found[0] == (39 << 16) + 7
    assert history.search(re.compile("0000001"), 0) is None
    assert history.last_lines(2) == ["0000038", "0000039"]


def test_last_lines_say_nothing_twice_in_a_row() -> None:
    history = History()
    history.add("one\n\ndom0:~# \ndom0:~#\n  \ndom0:~# \ntwo \none\n")
    assert history.last_lines(10) == ["one", "dom0:~#", "two", "one"]
    assert history.last_lines(2) == ["two", "one"]
