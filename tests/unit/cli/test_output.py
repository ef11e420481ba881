"""Tables and sizes for people."""

from __future__ import annotations

import pytest

from xenbuild.cli.output import size, table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    rows = [("x86_64/xen", "9.0 MiB", "abc"), ("a", "10.0 MiB", "")]
    assert table(("target", "size", "sha256"), rows, right=frozenset({1})) == (
        "target          size  sha256\n"
        "x86_64/xen   9.0 MiB  abc\n"
        "a           10.0 MiB\n"
    )  # fmt: skip


def test_a_table_without_rows_is_its_head() -> None:
    assert table(("target", "size"), []) == "target  size\n"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (5427, "5.3 KiB"),
        (12 << 20, "12.0 MiB"),
        (3 << 29, "1.5 GiB"),
        (2 << 40, "2048.0 GiB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text
