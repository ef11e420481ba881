"""Properties of the scalar parser, the units, the reader, interpolation and merging."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import Position, XenbuildError
from xenbuild.spec.merge import merge
from xenbuild.spec.nodes import Mapping, Scalar, Sequence, Tree
from xenbuild.spec.problems import Problems
from xenbuild.spec.reader import parse_yaml
from xenbuild.spec.scalars import (
    format_duration,
    format_size,
    parse_duration,
    parse_mode,
    parse_size,
    resolve,
)
from xenbuild.spec.variables import Variables

AT = Position(Path("x"), 1, 1)
NAMES = st.sampled_from(["a", "b", "c", "d"])
PLAIN = st.recursive(
    st.text(alphabet="xyz", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
BLOCKS = st.dictionaries(NAMES, PLAIN, max_size=4)


def tree(value: object) -> Tree:
    if isinstance(value, dict):
        return Mapping({key: tree(item) for key, item in value.items()}, AT)
    if isinstance(value, list):
        return Sequence([tree(item) for item in value], AT)
    return Scalar(str(value), AT, plain=False)


def plain(value: Tree) -> object:
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items.items()}
    return [plain(item) for item in value.items] if isinstance(value, Sequence) else value.text


def block(value: object) -> Mapping:
    made = tree(value)
    assert isinstance(made, Mapping)
    return made


@given(st.integers(min_value=0, max_value=1 << 60))
def test_sizes_round_trip(size: int) -> None:
    assert parse_size(format_size(size)) == size


@given(st.integers(min_value=0, max_value=10**9))
def test_durations_round_trip_to_the_millisecond(milliseconds: int) -> None:
    parsed = parse_duration(format_duration(milliseconds / 1000))
    assert parsed is not None
    assert round(parsed * 1000) == milliseconds


@given(st.integers(min_value=0, max_value=0o7777))
def test_modes(mode: int) -> None:
    assert parse_mode(f"{mode:04o}") == mode
    assert parse_mode(f"{mode:o}8") is None


@given(st.integers(min_value=-(10**30), max_value=10**30))
def test_integers(number: int) -> None:
    assert resolve(str(number)) == number
    if number >= 0:
        assert resolve(f"0{number}") == number
        assert resolve(f"0o{number:o}") == number
        assert resolve(f"0x{number:x}") == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats(number: float) -> None:
    assert resolve(repr(number)) == number


@pytest.mark.parametrize("text", ["no", "yes", "On", "y", "1:30", "0b1", "1_000", "0o8", "2026-11-23", "=", "NULLl"])
def test_text_of_yaml_1_1_that_is_text(text: str) -> None:
    assert resolve(text) == text


@given(st.text())
def test_units_never_raise(text: str) -> None:
    for parse in (parse_size, parse_duration, parse_mode, resolve):
        parse(text)


@given(PLAIN)
def test_json_is_read_as_it_is(value: object) -> None:
    if value != "":
        assert plain(parse_yaml(json.dumps(value).encode(), Path("x"))) == value


@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>%@`'\"#?,\n \t$", max_size=60).map(str.encode))
def test_reader_gives_a_tree_or_an_error_of_the_family(data: bytes) -> None:
    try:
        parse_yaml(data, Path("x"))
    except XenbuildError as error:
        assert error.exit_code == 3


@given(BLOCKS)
def test_merging_nothing_changes_nothing(value: dict[str, object]) -> None:
    empty = Mapping({}, AT)
    assert plain(merge(block(value), empty, Problems())) == value
    assert plain(merge(empty, block(value), Problems())) == value
    assert plain(merge(block(value), block(value), Problems())) == value


@given(BLOCKS, BLOCKS, BLOCKS)
def test_merging_is_associative(a: dict[str, object], b: dict[str, object], c: dict[str, object]) -> None:
    one, two, three = block(a), block(b), block(c)
    left = merge(merge(one, two, Problems()), three, Problems())
    right = merge(one, merge(two, three, Problems()), Problems())
    assert plain(left) == plain(right) or _scalar_between(a, b, c)


def _scalar_between(a: object, b: object, c: object) -> bool:
    """Whether some key is a block above and below, and none in the middle, which cuts the lower one off."""
    if isinstance(a, dict) and isinstance(b, dict) and isinstance(c, dict):
        return any(_scalar_between(a.get(key), b[key], c.get(key)) for key in b)
    return isinstance(a, dict) and not isinstance(b, dict) and isinstance(c, dict)


@given(BLOCKS, BLOCKS)
def test_merging_leaves_its_inputs_alone(a: dict[str, object], b: dict[str, object]) -> None:
    one, two = block(a), block(b)
    merge(one, two, Problems())
    assert (plain(one), plain(two)) == (a, b)


@given(st.lists(NAMES), st.lists(NAMES), st.lists(NAMES))
def test_appending(a: list[str], b: list[str], c: list[str]) -> None:
    merged = merge(merge(block({"x": a}), block({"x+": b}), Problems()), block({"x+": c}), Problems())
    assert plain(merged) == {"x": a + b + c}
    pending = merge(block({"x+": b}), block({"x+": c}), Problems())
    assert plain(merge(block({"x": a}), pending, Problems())) == {"x": a + b + c}
    assert plain(merge(pending, block({"x": a}), Problems())) == {"x": a}


@given(st.text())
def test_text_without_references_is_left_alone(text: str) -> None:
    if "${" not in text:
        scalar = Scalar(text, AT)
        assert Variables({}, Problems()).expand(scalar) is scalar


@given(st.text(alphabet="ab${} "), st.text(alphabet="ab${} "))
def test_expansion_puts_values_in_literally(value: str, around: str) -> None:
    escaped = {name: Scalar(text.replace("${", "$${"), AT, False) for name, text in (("v", value),)}
    problems = Problems()
    text = around.replace("${", "$${")
    if not text.endswith("$") and "$$$" not in text and "$$$" not in escaped["v"].text:
        made = Variables(escaped, problems).expand(Scalar(f"{text}${{v}}", AT, False))
        assert not problems
        assert made.text == f"{around}{value}"
