"""`xenbuild why`: what made the last build of a target differ from the one before."""

from __future__ import annotations

from pathlib import Path

import click

from xenbuild.cli.options import declaration_options, target_argument


@click.command()
@target_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@declaration_options
def command(name: str | None, as_json: bool, file: Path, profiles: tuple[str, ...], variables: dict[str, str]) -> None:
    """Say which parameters, inputs or code changed between the last two builds of TARGET that differ.

    \b
    Examples:
      xenbuild why
      xenbuild why arm64/xen --json
    """
    import json
    import os

    from xenbuild.errors import DeclarationError
    from xenbuild.plan.history import goal_name, recall
    from xenbuild.plan.why import explain
    from xenbuild.spec.load import targets
    from xenbuild.store.location import store_root
    from xenbuild.store.store import Store

    found, default = targets(file, profiles)
    names = [str(each) for each in found]
    target = name or str(default)
    if target not in names:
        raise DeclarationError(f"{file} has no target {target}", advice=f"its targets: {', '.join(names)}")
    with Store(store_root(os.environ)) as store:
        builds = recall(store, goal_name(file, target))
        changes = explain(store, *builds) if len(builds) == 2 else []
    if as_json:
        listed = [{"label": change.label, "reasons": change.reasons} for change in changes]
        click.echo(json.dumps({"target": target, "builds": len(builds), "changes": listed}, ensure_ascii=False))
    elif not builds:
        click.echo(f"{target} has not been built with this cache yet; `xenbuild image {target}` builds it")
    elif len(builds) == 1:
        click.echo(f"{target} has been the same in every build with this cache")
    for change in changes if not as_json else ():
        click.echo(change.label)
        for reason in change.reasons:
            click.echo(f"  {reason}")
