"""`xenbuild image`: build images and say where they are."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from xenbuild.cli import fastpath, output
from xenbuild.cli.options import declaration_options, options_given, targets_argument


@click.command()
@targets_argument
@declaration_options
@click.option("--all", "every", is_flag=True, help="Build all targets of the declaration.")
@click.option("-j", "--jobs", type=click.IntRange(1), help="Steps at a time.  [default: processors]")
@click.option("--offline", is_flag=True, help="Use only what is in the store; never the network.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; build nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print events and results as JSON, one object a line.")
def command(
    names: Sequence[str],
    file: Path,
    profiles: Sequence[str],
    variables: Mapping[str, str],
    every: bool,
    jobs: int | None,
    offline: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Build the images of TARGETs (of the declaration's default target without any).

    \b
    Examples:
      xenbuild image                      the default target
      xenbuild image arm64/xen            another one
      xenbuild image --all -j1            all of them, one step at a time
      xenbuild image --set release=trixie with another value of a variable
    """
    from xenbuild.cli.progress import Progress
    from xenbuild.cli.session import open_session

    with open_session(file, names, profiles, variables, every=every) as session:
        if dry_run:
            print("\n".join(session.plan(jobs, offline)))
            return
        with Progress(as_json=as_json) as progress:
            images = session.build(jobs, offline, progress)
        if as_json:
            for image in images:
                fields = {"target": image.target, "name": image.name, "path": str(image.path)}
                print(json.dumps({"image": {**fields, "sha256": image.digest.hash, "size": image.size}}))
            return
        rows = [(i.target, os.path.relpath(i.path), output.size(i.size), i.digest.hash[:12]) for i in images]
        text = output.table(("target", "image", "size", "sha256"), rows, right=frozenset({2}))
        chosen = [*options_given(file, profiles, variables), *([images[0].target] if names else [])]
        text += f"\nnext: {shlex.join(['xenbuild', 'run', *chosen])}\n"
        print(text, end="")
        if file == Path("xenbuild.yaml"):
            call = fastpath.key(names, every, profiles, [f"{k}={v}" for k, v in variables.items()])
            fastpath.remember(call, file.parent, session.inputs(), session.outputs(images), text)
