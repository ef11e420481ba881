"""What is typed while Bochs runs on the terminal."""

from __future__ import annotations

import pytest

from xenbuild.cli.bochs import unescaped


@pytest.mark.parametrize(
    ("pieces", "typed", "leaves"),
    [
        ([b"list\r"], b"list\r", False),
        ([b"a\x01x", b"more"], b"a", True),
        ([b"\x01", b"X"], b"", True),
        ([b"\x01\x01\x01\x01x"], b"\x01\x01x", False),
        ([b"\x01", b"\x01x"], b"\x01x", False),
        ([b"\x01q"], b"q", False),
        ([b"a", b""], b"a", False),
    ],
)
def test_ctrl_a_x_leaves(pieces: list[bytes], typed: bytes, leaves: bool) -> None:
    escaped, got, left = False, b"", False
    for piece in pieces:
        more, escaped, left = unescaped(piece, escaped)
        got += more
        if left:
            break
    assert (got, left) == (typed, leaves)
