"""`xenbuild gc`: make the cache smaller."""

from __future__ import annotations

import re

import click

DAY = 86400  # seconds
_UNITS = {"h": 3600, "d": DAY, "w": 7 * DAY}


def _age(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]+)([hdw])", text)
    if not match:
        raise click.BadParameter(f"{text!r} is not an age such as 12h, 30d or 8w", context, parameter)
    return int(match[1]) * _UNITS[match[2]]


def _size(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    from xenbuild.spec.scalars import parse_size

    size = None if text is None else parse_size(text)
    if text is not None and size is None:
        raise click.BadParameter(f"{text!r} is not a size such as 500M or 5G", context, parameter)
    return size


@click.command()
@click.option("--max-size", metavar="SIZE", callback=_size, help="Remove what was not used for longest, down to SIZE.")
@click.option("--older-than", metavar="AGE", callback=_age, help="Remove what was not used for AGE: 12h, 30d, 8w.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def command(max_size: int | None, older_than: int | None, dry_run: bool, as_json: bool) -> None:
    """Remove from the cache what has not been used for long (30 days, if no limit is given).

    Nothing that something kept still needs is removed, and what is removed is fetched or built again when needed.

    \b
    Examples:
      xenbuild gc --max-size 5G
      xenbuild gc --older-than 8w --dry-run
    """
    import dataclasses
    import json
    import os

    from xenbuild.cli.output import size
    from xenbuild.store.gc import collect
    from xenbuild.store.location import store_root

    root = store_root(os.environ)
    if max_size is None and older_than is None:
        older_than = 30 * DAY
    done = collect(root, max_size=max_size, older_than=older_than, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps({"cache": str(root), "dry_run": dry_run, **dataclasses.asdict(done)}))
        return
    removed = "would be removed" if dry_run else "removed"
    click.echo(f"{removed}: {done.removed} files, {size(done.removed_bytes)}")
    click.echo(f"kept: {done.kept} files, {size(done.kept_bytes)} in {root}")
