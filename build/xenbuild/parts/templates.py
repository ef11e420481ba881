"""Texts by the Jinja2 templates in recipes/templates/; one of the same name beside the declaration goes before ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.errors import DeclarationError
from xenbuild.spec.data import data_dir

if TYPE_CHECKING:
    from jinja2 import Template

_PLAIN = re.compile(r"[\w./:,=+@%^~-]+", re.ASCII)


def source(name: str, folder: Path) -> str:
    """A template's text; one in recipes/templates/ beside the declaration (in `folder`) goes first."""
    places = [folder / "recipes" / "templates", data_dir("recipes") / "templates"]
    return next(place / name for place in places if (place / name).is_file()).read_text("utf-8")


def render(name: str, folder: Path, /, **values: object) -> str:
    """The text of a template; `folder` is the declaration's. Raises DeclarationError for a template that is wrong."""
    return fill(name, source(name, folder), values)


def fill(
    name: str, text: str, values: Mapping[str, object], filters: Mapping[str, Callable[..., str]] | None = None
) -> str:
    """The text of the template `name`, whose source is `text`, with values in it.

    Raises DeclarationError for one that is wrong or does not fit the values.
    """
    from jinja2 import TemplateError

    try:
        return _compiled(text, tuple((filters or {}).items())).render(values)
    except TemplateError as error:
        line = getattr(error, "lineno", None)  # of those that are about syntax
        where = f" (line {line})" if line else ""
        advice = "compare it with the one that xenbuild has in recipes/templates/"
        raise DeclarationError(f"template {name}{where}: {error}", advice=advice) from error


@cache
def _compiled(text: str, filters: tuple[tuple[str, Callable[..., str]], ...]) -> Template:
    """Several media of a build share a template."""
    from jinja2 import Environment, StrictUndefined

    jinja = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    jinja.filters |= {"grub": grub_word, "grub_words": grub_words, **dict(filters)}
    return jinja.from_string(text)


def grub_word(value: str) -> str:
    """A word in the syntax of GRUB's shell, where single quotes keep all but themselves (GRUB manual, "Quoting").

    Double quotes are left out: GRUB puts them around a word with spaces, which means the same to Linux, and a backslash
    before those that are in it (grub-core/lib/cmdline.c).
    """
    value = value.replace('"', "")
    return value if _PLAIN.fullmatch(value) else "'" + value.replace("'", "'\\''") + "'"


def grub_words(values: Sequence[str]) -> str:
    return " ".join(map(grub_word, values))
