"""`xenbuild completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


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
