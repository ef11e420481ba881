"""Machine-readable copyright files: which licences they name, and what their expressions mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.formats.dep5 import conjunction, read_copyright, translate

FILE = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: example

Files: *
Copyright: 2020 somebody
License: GPL-2+ or  Expat

Files: debian/*
Copyright: 2021 somebody else
License: PD
 No rights
 .
 are reserved.

License: Expat
 Permission is hereby granted …
"""


def test_a_file() -> None:
    found = read_copyright(FILE)
    assert found
    assert found.expressions == ("GPL-2+ or Expat", "PD")
    assert found.texts == {"PD": "No rights\n\nare reserved.", "Expat": "Permission is hereby granted …"}


def test_files_for_people() -> None:
    assert read_copyright("This package was debianized by somebody.\n\nIt is under the GPL.\n") is None
    assert read_copyright(FILE.replace("Format:", "Form:")) is None
    assert read_copyright(FILE + "no field\n") is None, "damaged"
    assert read_copyright(FILE.partition("\n\n")[0]) is None, "names no licence"


def test_older_spellings_of_the_format() -> None:
    for line in ("Format: http://dep.debian.net/deps/dep5", "Format-Specification: http://x/copyright-format/1.0"):
        assert read_copyright(line + "\n\n" + FILE.partition("\n\n")[2])


@pytest.mark.parametrize(
    ("expression", "spdx"),
    [
        ("A", "A"),
        ("A or B", "A OR B"),
        ("A and B", "A AND B"),
        ("A and B or C", "(A AND B) OR C"),
        ("A or B, and C", "(A OR B) AND C"),
        ("A, B", "A AND B"),
        ("A, or B and C", "A OR (B AND C)"),
        ("A OR A", "A"),
        ("A with X exception or B", "A with X exception OR B"),
    ],
)
def test_expressions(expression: str, spdx: str) -> None:
    assert translate(expression, lambda name: name) == spdx


def test_all_at_once() -> None:
    assert conjunction(["B", "A OR C", "B"]) == "(A OR C) AND B"
    assert conjunction(["A OR C"]) == "A OR C"


@given(st.text())
def test_no_text_crashes_it(text: str) -> None:
    read_copyright(text)
    read_copyright(FILE + text)
    translate(text, lambda name: name or "X")


@given(
    st.lists(st.sampled_from(["GPL-2+", "Expat", " or ", " and ", ", ", ", or ", ", and "]), max_size=9).map("".join)
)
def test_brackets_always_match(expression: str) -> None:
    made = translate(expression, lambda name: "X")
    assert made.count("(") == made.count(")")
