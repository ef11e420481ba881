"""`xenbuild show`: the declaration of a target as xenbuild understands it."""

from __future__ import annotations

from pathlib import Path

import click

from xenbuild.cli.options import declaration_options, target_argument


@click.command()
@declaration_options
@target_argument
@click.option("--origin", is_flag=True, help="Say of each value where it was written.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    file: Path, profiles: tuple[str, ...], variables: dict[str, str], name: str | None, origin: bool, as_json: bool
) -> None:
    """Print the declaration of TARGET (the default one if not named): merged, with variables and defaults filled in.

    \b
    Examples:
      xenbuild show
      xenbuild show arm64/xen --origin
      xenbuild show --json | jq .dom0.memory
    """
    from xenbuild.spec.load import load, target_named
    from xenbuild.spec.show import plain, yaml_lines

    if origin and as_json:
        raise click.UsageError("--origin and --json exclude each other")
    made = load(file, target_named(name, file, profiles) if name else None, profiles, variables)
    if as_json:
        import json

        click.echo(json.dumps(plain(made), indent=2))
        return
    for line in yaml_lines(made, origin):
        click.echo(line)
