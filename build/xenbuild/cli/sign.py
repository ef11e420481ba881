"""`xenbuild sign`: sign what was built, with a key that only its owner can read."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]...")
@click.option("--key", type=click.Path(path_type=Path), required=True, help="File with an OpenPGP secret key.")
@click.option("--password-file", type=click.Path(path_type=Path), help="File with the key's password.  [default: ask]")
def command(folders: tuple[Path, ...], key: Path, password_file: Path | None) -> None:
    """Sign SHA256SUMS in each FOLDER (in all below out/ without any), so that `xenbuild verify` knows whose they are.

    The signature is SHA256SUMS.asc, which `gpg --verify` and `sqv` take as well. Files that are not what SHA256SUMS
    says are not signed. An image that is built anew needs a new signature: the old one is removed with it.

    \b
    Examples:
      xenbuild sign --key signing.key
      xenbuild sign --key signing.key --password-file password out/x86_64-xen
    """
    import os

    from xenbuild.errors import HostError
    from xenbuild.trust.sign import load_key, sign
    from xenbuild.trust.sums import SUMS

    chosen = list(folders) or sorted(path.parent for path in Path("out").glob(f"*/{SUMS}"))
    if not chosen:
        raise HostError("there is nothing to sign: out/ holds no images", advice="run `xenbuild image`")
    loaded = load_key(key, lambda: ask_password(key, password_file))
    for folder in chosen:
        print(f"{os.path.relpath(sign(folder, loaded))}: signed by {loaded.fingerprint}")


def ask_password(key: Path | str, file: Path | None) -> str:
    """The password of a key, from a file or from the terminal. Raises HostError if there is neither."""
    import sys
    from getpass import getpass

    from xenbuild.errors import HostError
    from xenbuild.store.files import in_words

    if file is not None:
        with in_words(file):
            return file.read_text("utf-8").rstrip("\n")
    if not sys.stdin.isatty():
        raise HostError(
            f"{key} is locked, and there is no terminal to ask for its password", advice="give --password-file"
        )
    return getpass(f"Password of {key}: ")
