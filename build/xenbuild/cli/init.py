"""`xenbuild init`: a first declaration in the current folder, with its lock."""

from __future__ import annotations

from pathlib import Path

import click

FILE = Path("xenbuild.yaml")


@click.command()
@click.option("--name", default="machine", show_default=True, help="Name of the machine.")
@click.option("--no-lock", is_flag=True, help="Leave the choice of package versions to a later `xenbuild lock`.")
def command(name: str, no_lock: bool) -> None:
    """Write a first xenbuild.yaml into the current folder, and xenbuild.lock with the newest packages.

    \b
    Examples:
      xenbuild init && xenbuild image
      xenbuild init --name lab --no-lock
    """
    from xenbuild.cli.lock import write_lock
    from xenbuild.errors import NetworkError

    _write(name)
    if no_lock:
        click.echo(f"wrote {FILE}; next: xenbuild lock")
        return
    click.echo(f"wrote {FILE}; choosing packages")
    try:
        lock, count, _ = write_lock(FILE)
    except NetworkError as error:
        advice = f"{FILE} is there; run `xenbuild lock` once the network is"
        raise NetworkError(error.message, at=error.at, advice=advice) from None
    click.echo(f"wrote {lock}, {count} packages; next: xenbuild image")


def _write(name: str) -> None:
    """The declaration from its template. Raises HostError if there is one, or if it cannot be written."""
    import re

    from xenbuild.errors import HostError
    from xenbuild.spec.data import data_dir
    from xenbuild.spec.keys import keys
    from xenbuild.spec.model import Declaration

    if not re.fullmatch(keys(Declaration)["name"].pattern, name):
        raise click.BadParameter("use letters, digits, dots, underscores and hyphens", param_hint="--name")
    text = (data_dir("recipes") / "init" / "xenbuild.yaml").read_text("utf-8")
    try:
        with FILE.open("x", encoding="utf-8") as out:
            out.write(text.replace("@NAME@", name))
    except FileExistsError:
        raise HostError(f"{FILE} is there already", advice="remove it, or run `xenbuild check` on it") from None
    except OSError as error:
        raise HostError(f"cannot write {FILE}: {error.strerror}") from None
