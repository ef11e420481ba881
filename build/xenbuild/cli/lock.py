"""`xenbuild lock`: choose versions and pin them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xenbuild.cli.options import declaration_options

if TYPE_CHECKING:
    from xenbuild.sources.request import Request


@click.command()
@declaration_options
@click.option(
    "--update",
    "names",
    multiple=True,
    metavar="NAME",
    is_flag=False,
    flag_value="*",
    help="Take the newest version of this package (a shell pattern; without a name: of all packages).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the changes as JSON.")
def command(
    file: Path, profiles: tuple[str, ...], variables: dict[str, str], names: tuple[str, ...], as_json: bool
) -> None:
    """Pin every package that the declaration needs, for all its targets, in xenbuild.lock beside it.

    What is pinned already stays, unless --update names it. No other command chooses versions.

    \b
    Examples:
      xenbuild lock
      xenbuild lock --update linux-image-*
      xenbuild lock --update
    """
    import json
    from dataclasses import asdict
    from datetime import UTC, datetime

    from xenbuild.sources.lock import Lock, load_lock
    from xenbuild.sources.update import changes, update

    path = file.parent / "xenbuild.lock"
    old = load_lock(path) if path.exists() else Lock(path)
    new = update(old, _requests(file, profiles, variables), names=names, now=datetime.now(UTC), folder=file.parent)
    new.save()
    changed = changes(old, new)
    if as_json:
        click.echo(json.dumps([asdict(change) for change in changed], indent=2))
        return
    for change in changed:
        click.echo(str(change))
    click.echo(f"{path}: {len(new.all_packages())} packages, {len(changed)} changed")


def _requests(file: Path, profiles: tuple[str, ...], variables: dict[str, str]) -> list[Request]:
    """What all targets and the host tools need."""
    from xenbuild.parts.requests import part_requests, tool_requests
    from xenbuild.spec.load import load, targets
    from xenbuild.spec.recipe import Release, load_recipe, load_tools

    found: list[Request] = []
    for target in targets(file, profiles)[0]:
        declaration = load(file, target, profiles, variables)
        release = load_recipe(Release, declaration.release, declaration.folder, declaration.at("release"))
        found += part_requests(declaration, release).values()
    tools = load_tools(file.parent)
    release = load_recipe(Release, tools.release, file.parent)
    found += tool_requests(tools, release, sorted(tools.groups)).values()
    return found
