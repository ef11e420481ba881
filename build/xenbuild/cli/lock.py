"""`xenbuild lock`: choose versions and pin them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xenbuild.cli.options import declaration_options

if TYPE_CHECKING:
    from xenbuild.sources.request import Request
    from xenbuild.sources.update import Change


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

    path, count, changed = write_lock(file, profiles, variables, names)
    if as_json:
        click.echo(json.dumps([asdict(change) for change in changed], indent=2))
        return
    for change in changed:
        click.echo(str(change))
    click.echo(f"{path}: {count} packages, {len(changed)} changed")


def write_lock(
    file: Path, profiles: Sequence[str] = (), variables: Mapping[str, str] | None = None, names: Sequence[str] = ()
) -> tuple[Path, int, list[Change]]:
    """Make or renew the lock of a declaration: its path, the number of its packages, and what changed."""
    from datetime import UTC, datetime

    from xenbuild.sources.lock import Lock, load_lock
    from xenbuild.sources.update import changes, update

    path = file.parent / "xenbuild.lock"
    old = load_lock(path) if path.exists() else Lock(path)
    new = update(old, _requests(file, profiles, variables or {}), names=names, now=datetime.now(UTC))
    new.save()
    return path, len(new.all_packages()), changes(old, new)


def _requests(file: Path, profiles: Sequence[str], variables: Mapping[str, str]) -> list[Request]:
    """What all targets need, and the tools on every machine that may build them."""
    from xenbuild.parts.requests import needed_groups, part_requests, tool_requests
    from xenbuild.spec.load import load, targets
    from xenbuild.spec.recipe import Release, load_recipe, load_tools

    found: list[Request] = []
    every, emulators = targets(file, profiles)[0], set()
    for target in every:
        declaration = load(file, target, profiles, variables)
        release = load_recipe(Release, declaration.release, declaration.folder, declaration.at("release"))
        found += part_requests(declaration, release).values()
        emulators |= {test.machine.emulator for test in declaration.tests}
    folder = file.parent.absolute()
    tools = load_tools(folder)
    for host in tools.hosts:
        groups = needed_groups(tools, {target.arch for target in every}, host, folder, emulators)
        found += tool_requests(tools, groups, folder, host).values()
    return found
