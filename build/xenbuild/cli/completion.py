"""`xenbuild completion SHELL`, and the completion of what only the declaration knows."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class


def targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Targets of the declaration in this folder, for `shell_complete=` of an argument; none if it cannot be read."""
    from xenbuild.errors import XenbuildError
    from xenbuild.spec.load import targets as declared

    try:
        names = [str(target) for target in declared(Path("xenbuild.yaml"))]
    except (XenbuildError, OSError):
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  eval "$(xenbuild completion bash)"        in ~/.bashrc
    zsh:   eval "$(xenbuild completion zsh)"         in ~/.zshrc, after compinit
    fish:  xenbuild completion fish | source         in ~/.config/fish/config.fish
    """
    from xenbuild.cli.group import cli

    template = get_completion_class(shell)
    assert template is not None  # the choices above are click's own
    completion = template(cli, {}, "xenbuild", "_XENBUILD_COMPLETE")
    click.echo(completion.source_template % completion.source_vars())
