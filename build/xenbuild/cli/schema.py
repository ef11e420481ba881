"""`xenbuild schema`: the JSON Schema of a declaration, or its reference."""

from __future__ import annotations

import click


@click.command()
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the reference (docs/reference.md) instead.")
def command(as_markdown: bool) -> None:
    """Print the JSON Schema (draft 2020-12) of a declaration, for editors.

    \b
    Examples:
      xenbuild schema > xenbuild.schema.json
      xenbuild schema --markdown > docs/reference.md
    """
    if as_markdown:
        from xenbuild.spec.reference import markdown

        click.echo(markdown(), nl=False)
        return
    import json

    from xenbuild.spec.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
