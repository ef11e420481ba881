"""However a declaration is damaged, it loads or gives errors of the family with exit code 3."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xenbuild.errors import DeclarationError, Errors, XenbuildError
from xenbuild.spec.load import load, targets
from xenbuild.spec.scalars import resolve

GOOD = Path(__file__).parents[2] / "good" / "declaration"
TEXTS = [file.read_text("utf-8") for file in sorted(GOOD.glob("*.yaml"))]
PIECES = [
    "",
    " ",
    "\n",
    ":",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "${",
    "}",
    "${arch}",
    "null",
    "0",
    "-1",
    "x",
    '"',
    "'",
    "+",
    "#",
]
PIECES += ["name", "dom0", "\n  ", "a" * 300, "~", "1e9", ".inf", "targets: []\n", "when: [{if: {}}]\n", "if", "\u20ac"]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(TEXTS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(PIECES)), min_size=1, max_size=4),
)
def test_damaged_declarations(tmp_path: Path, text: str, edits: list[tuple[float, int, str]]) -> None:
    for where, cut, piece in edits:
        at = int(where * len(text))
        text = text[:at] + piece + text[at + cut :]
    for name in ("recipes", "parts"):
        if not (tmp_path / name).exists():
            (tmp_path / name).symlink_to(GOOD / name)
    file = tmp_path / "x.yaml"
    file.write_text(text, "utf-8")
    try:
        for target in targets(file)[0]:
            load(file, target)
    except XenbuildError as error:
        for one in error.errors if isinstance(error, Errors) else (error,):
            assert one.exit_code == 3
            assert one.message
            assert "\n" not in str(one)


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    file = tmp_path / "x.yaml"
    for line in (f"include: [{'a' * 300}]", "include: [loop]", f"release: {'a' * 300}", "release: ../x"):
        file.write_text(f"name: m\n{line}\n")
        with pytest.raises(XenbuildError, match="there is no"):
            load(file)


def test_loop_as_kernel(tmp_path: Path) -> None:
    (tmp_path / "recipes").symlink_to(GOOD / "recipes")
    (tmp_path / "loop").symlink_to("loop")
    file = tmp_path / "x.yaml"
    file.write_text("name: m\nrelease: bookworm\ndom0: {kernel: loop}\n")
    with pytest.raises(XenbuildError, match=r"dom0\.kernel: there is no file 'loop'"):
        load(file)


@pytest.mark.parametrize("start", ["", "-", "0x", "0o", "."])
def test_a_number_that_nobody_can_mean_is_text(start: str) -> None:
    text = start + "1" * 5000  # Python refuses to read more than 4300 digits
    assert resolve(text) == text


def test_a_file_far_too_long_for_a_declaration(tmp_path: Path) -> None:
    file = tmp_path / "long.yaml"
    file.write_bytes(b"# a comment\n" * 400_000)
    with pytest.raises(DeclarationError) as caught:
        load(file)
    assert str(caught.value) == f"{file}: 4800000 bytes are too many for a declaration, which has at most 4194304"
    assert caught.value.advice == "put long contents into files of their own, and name them by `source`"
