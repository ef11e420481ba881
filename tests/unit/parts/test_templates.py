"""Texts by templates: one beside the declaration goes first, a wrong one is an error of the user's, words survive."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import DeclarationError
from xenbuild.parts.templates import fill, grub_word, grub_words, render, source


@pytest.mark.parametrize(
    ("word", "written"),
    [("console=hvc0", "console=hvc0"), ("a=$b", "'a=$b'"), ("a='b'", "'a='\\''b'\\'''"), ('a="b c"', "'a=b c'")],
)
def test_words_for_grub(word: str, written: str) -> None:
    assert grub_word(word) == written


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"'), min_size=1)))
def test_words_survive_a_script(words: list[str]) -> None:
    assert shlex.split(grub_words(words)) == words


def test_a_template_beside_the_declaration_goes_first(tmp_path: Path) -> None:
    ours = source("grub.cfg", tmp_path)
    (tmp_path / "recipes/templates").mkdir(parents=True)
    (tmp_path / "recipes/templates/grub.cfg").write_text("mine {{ timeout }}\n")
    assert source("grub.cfg", tmp_path) != ours
    assert render("grub.cfg", tmp_path, timeout=3) == "mine 3\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine {{ wrong }}", "template x.cfg: 'wrong' is undefined"),
        ("one\n{% if %}", "template x.cfg (line 2): Expected an expression, got 'end of statement block'"),
    ],
)
def test_a_wrong_template(text: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=re.escape(message)):
        fill("x.cfg", text, {})
