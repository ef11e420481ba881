"""Lists of CPUs as xl writes them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.spec.cpus import CPUS_MAX, format_cpus, parse_cpus
from xenbuild.spec.hypervisor import CPUS


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("0", {0}), ("0-3", {0, 1, 2, 3}), ("0-3,^1", {0, 2, 3}), ("^1,0-3", {0, 1, 2, 3}), ("7,2-3", {2, 3, 7}),
     ("1,^1", set()), ("0-9,^2-8", {0, 1, 9})],
)  # fmt: skip
def test_lists(text: str, cpus: set[int]) -> None:
    assert re.fullmatch(CPUS, text)
    assert parse_cpus(text) == cpus


@pytest.mark.parametrize("text", ["all", "node:1", "nodes:0-1", "all,^node:0", "0-3,^node:1"])
def test_some_lists_depend_on_the_machine(text: str) -> None:
    assert re.fullmatch(CPUS, text)
    assert parse_cpus(text) is None


@pytest.mark.parametrize(("text", "why"), [("3-2", "3-2 runs backwards"), ("^9-1", "9-1 runs backwards"),
                                           ("4096", "no Xen has a CPU 4096")])  # fmt: skip
def test_nonsense(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_cpus(text)


@given(st.sets(st.integers(0, CPUS_MAX - 1), min_size=1))
def test_what_is_written_is_read(cpus: set[int]) -> None:
    text = format_cpus(cpus)
    assert re.fullmatch(CPUS, text)
    assert parse_cpus(text) == cpus


@given(st.from_regex(CPUS, fullmatch=True))
def test_whatever_the_schema_lets_through_is_read_or_refused(text: str) -> None:
    try:
        parse_cpus(text)
    except ValueError:
        assert "-" in text or re.search(r"\d{4}", text)
