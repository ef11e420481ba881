"""`xenbuild check`: read the declaration for every target and say whether it is sound."""

from __future__ import annotations

from pathlib import Path

import click

from xenbuild.cli.options import declaration_options


@click.command()
@declaration_options
def command(file: Path, profiles: tuple[str, ...], variables: dict[str, str]) -> None:
    """Check the declaration for all its targets, without network or build.

    \b
    Examples:
      xenbuild check
      xenbuild check -f lab.yaml --profile debug
    """
    from xenbuild.errors import XenbuildError
    from xenbuild.spec.load import load, targets
    from xenbuild.spec.problems import Problems

    problems = Problems()
    found, default = targets(file, profiles)
    for target in found:
        try:
            load(file, target, profiles, variables)
        except XenbuildError as error:
            problems.take(error)
    problems.check()
    for target in found:
        click.echo(f"{target}{' (default)' if target == default else ''}: sound")
