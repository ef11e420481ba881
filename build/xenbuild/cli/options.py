"""What several commands share: the targets as arguments; which declaration, which profiles, which variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from xenbuild.cli import complete

DEFAULT_FILE = Path("xenbuild.yaml")
F = TypeVar("F", bound=Callable[..., Any])


# One target, by default the declaration's default one: `name: str | None`.
target_argument = click.argument("name", required=False, metavar="[TARGET]", shell_complete=complete.targets)
# Any number of them: `names: tuple[str, ...]`.
targets_argument = click.argument("names", nargs=-1, metavar="[TARGET]...", shell_complete=complete.targets)


def declaration_options(function: F) -> F:
    """-f, --profile, --set; the function gets `file: Path`, `profiles: tuple[str, ...]`, `variables: dict`."""
    for option in reversed(
        (
            click.option(
                "-f",
                "--file",
                type=click.Path(path_type=Path),
                default=DEFAULT_FILE,
                show_default=True,
                help="The declaration.",
            ),
            click.option(
                "--profile",
                "profiles",
                multiple=True,
                metavar="NAME",
                shell_complete=complete.profiles,
                help="Lay this profile over it.",
            ),
            click.option(
                "--set",
                "variables",
                multiple=True,
                metavar="NAME=VALUE",
                callback=_assignments,
                help="Give a variable of the declaration another value.",
            ),
        )
    ):
        function = option(function)
    return function


def options_given(file: Path, profiles: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """The words that give these values to declaration_options(), for commands that the user is told of."""
    words = ["-f", str(file)] if file != DEFAULT_FILE else []
    words += [word for name in profiles for word in ("--profile", name)]
    return words + [word for name, value in variables.items() for word in ("--set", f"{name}={value}")]


def _assignments(context: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{word!r} is not of the form NAME=VALUE", context, parameter)
        found[name] = value
    return found
