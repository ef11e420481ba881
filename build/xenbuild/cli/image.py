"""`xenbuild image`: build images and say where they are."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xenbuild.cli import fastpath, output
from xenbuild.cli.options import declaration_options, options_given, targets_argument
from xenbuild.trust.sums import SIGNATURE

if TYPE_CHECKING:
    from xenbuild.media.results import Image
    from xenbuild.spec.model import Declaration


@click.command()
@targets_argument
@declaration_options
@click.option("--all", "every", is_flag=True, help="Build all targets of the declaration.")
@click.option("-j", "--jobs", type=click.IntRange(1), help="Steps at a time.  [default: processors]")
@click.option("--offline", is_flag=True, help="Use only what is in the store; never the network.")
@click.option("--dry-run", is_flag=True, help="Say what would be done; build nothing.")
@click.option("--sign-with", "sign_with", metavar="KEY", help="Sign: file with an OpenPGP secret key, or env:VARIABLE.")
@click.option("--password-file", type=click.Path(path_type=Path), help="File with the key's password.  [default: ask]")
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
    sign_with: str | None,
    password_file: Path | None,
    as_json: bool,
) -> None:
    """Build the images of TARGETs (of the declaration's default target without any).

    \b
    Examples:
      xenbuild image                      the default target
      xenbuild image arm64/xen            another one
      xenbuild image --all -j1            all of them, one step at a time
      xenbuild image --set release=trixie with another value of a variable
      xenbuild image --sign-with us.key   SHA256SUMS.asc beside it, for xenbuild verify --keyring
    """
    from xenbuild.cli.progress import Progress
    from xenbuild.cli.session import open_session

    with open_session(file, names, profiles, variables, every=every) as session:
        if dry_run:
            print("\n".join(session.plan(jobs, offline)))
            return
        signer = _signer(session.declarations, sign_with, password_file)
        with Progress(as_json=as_json) as progress:
            images = session.build(jobs, offline, progress)
        signatures = signer(images) if signer else []
        if as_json:
            for path, who in signatures:
                print(json.dumps({"signature": {"path": str(path), "by": who}}))
            for image in images:
                fields = {"target": image.target, "name": image.name, "path": str(image.path)}
                print(json.dumps({"image": {**fields, "sha256": image.digest.hash, "size": image.size}}))
            return
        rows = [(i.target, os.path.relpath(i.path), output.size(i.size), i.digest.hash[:12]) for i in images]
        text = output.table(("target", "image", "size", "sha256"), rows, right=frozenset({2}))
        chosen = [*options_given(file, profiles, variables), *([images[0].target] if names else [])]
        text += "".join(f"{os.path.relpath(path)}: signed by {who}\n" for path, who in signatures)
        text += f"\nnext: {shlex.join(['xenbuild', 'run', *chosen])}\n"
        print(text, end="")
        if file == Path("xenbuild.yaml") and not signer:
            call = fastpath.key(names, every, profiles, [f"{k}={v}" for k, v in variables.items()])
            fastpath.remember(call, file.parent, session.inputs(), session.outputs(images), text)


Signer = Callable[[Sequence["Image"]], list[tuple[Path, str]]]  # finished images -> signatures, and whose they are


def _signer(declarations: Sequence[Declaration], given: str | None, password_file: Path | None) -> Signer | None:
    """What signs the results, by option or declaration; its keys are loaded, so that a wrong one stops the build."""
    from xenbuild.cli.sign import ask_password
    from xenbuild.spec.image import Signing

    wanted = {one.target.folder: one.signing for one in declarations if one.signing is not None}
    if given is not None:
        name = given.removeprefix("env:") if given.startswith("env:") else None
        own = Signing(key_=None if name else Path(given), variable=name, password_file=password_file)
        wanted = {one.target.folder: own for one in declarations}
    if not wanted:
        return None
    from xenbuild.trust.sign import Key, is_signed, load_key, load_variable, sign

    def loaded(one: Signing) -> Key:
        if one.variable is not None:
            return load_variable(one.variable, os.environ, lambda: ask_password(f"${one.variable}", one.password_file))
        assert one.key_ is not None, "the declaration was checked"
        path = one.key_
        return load_key(path, lambda: ask_password(path, one.password_file))

    once = {(one.key_, one.variable, one.password_file): one for one in wanted.values()}
    loaded_keys = {name: loaded(one) for name, one in once.items()}
    keys = {folder: loaded_keys[one.key_, one.variable, one.password_file] for folder, one in wanted.items()}

    def sign_all(images: Sequence[Image]) -> list[tuple[Path, str]]:
        made = []
        for folder in dict.fromkeys(image.path.parent for image in images):
            if (key := keys.get(folder.name)) and not is_signed(folder, key):
                sign(folder, key)
            if key:
                made.append((folder / SIGNATURE, key.fingerprint))
        return made

    return sign_all
