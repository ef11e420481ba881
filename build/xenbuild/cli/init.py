"""`xenbuild init`: a first declaration in the current folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--name", default="machine", show_default=True, help="Name of the machine.")
def command(name: str) -> None:
    """Write a first xenbuild.yaml into the current folder.

    \b
    Examples:
      xenbuild init && xenbuild image
      xenbuild init --name lab
    """
    import re

    from xenbuild.errors import HostError
    from xenbuild.spec.data import data_dir
    from xenbuild.spec.keys import keys
    from xenbuild.spec.model import Declaration

    if not re.fullmatch(keys(Declaration)["name"].pattern, name):
        raise click.BadParameter("use letters, digits, dots, underscores and hyphens", param_hint="--name")
    text = (data_dir("recipes") / "init" / "xenbuild.yaml").read_text("utf-8")
    file = Path("xenbuild.yaml")
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text.replace("@NAME@", name))
    except FileExistsError:
        raise HostError(f"{file} is there already", advice="remove it, or run `xenbuild check` on it") from None
    except OSError as error:
        raise HostError(f"cannot write {file}: {error.strerror}") from None
    click.echo(f"wrote {file}; next: xenbuild image")
