"""Sources that are pinned in the declaration itself: a file beside it, a URL with its SHA-256, a commit of git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which

from xenbuild.errors import DeclarationError, HostError, LockError, NetworkError
from xenbuild.sources import web
from xenbuild.sources.fetch import partial_folder
from xenbuild.spec.model import Source
from xenbuild.store.digest import Digest
from xenbuild.store.events import Event
from xenbuild.store.store import Store

_OFFLINE = "run again with a network, or leave out --offline"


def file_source(source: Source, folder: Path, store: Store) -> Digest:
    """The content of `file`, relative to the declaration's folder. Raises DeclarationError if it is missing."""
    assert source.file is not None
    path = folder / source.file
    if not path.is_file():
        raise DeclarationError(f"there is no file {path}", at=source.at("file"))
    return store.put_file(path)


def url_source(
    source: Source, store: Store, *, offline: bool = False, events: Callable[[Event], None] = lambda event: None
) -> Digest:
    """The content behind `url`, which must have the declared `sha256`.

    Raises DeclarationError without a digest, LockError if it is gone, IntegrityError, NetworkError.
    """
    assert source.url is not None
    if source.sha256 is None:
        raise DeclarationError("a `url` needs its `sha256`", at=source.at("url"), advice="add the line `sha256: …`")
    note = f"url-{source.sha256}"
    known = store.get_note(note)
    if known and store.has(digest := Digest.parse(known.decode())):
        return digest
    if offline:
        raise NetworkError(f"{source.url} is not in the store", at=source.at("url"), advice=_OFFLINE)
    part = partial_folder(store) / f"{source.sha256}.part"
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        events(Event("progress", f"fetch {source.url}", done=done))

    try:
        web.download([source.url], part, None, source.sha256, progress)
    except web.Gone as error:
        raise LockError(str(error), at=source.at("url"), advice="the file is gone: name another address") from None
    digest = store.put_file(part, move=True)
    store.put_note(note, str(digest).encode())
    return digest


def git_source(source: Source, store: Store, *, offline: bool = False) -> Digest:
    """The tree of the pinned `commit`, without history. git itself checks every object against the commit's name.

    Raises DeclarationError without a commit, HostError without git, NetworkError.
    """
    assert source.git is not None
    if source.commit is None:
        raise DeclarationError("a `git` source needs its `commit`", at=source.at("git"), advice="pin all 40 digits")
    note = f"git-{source.commit}"
    known = store.get_note(note)
    if known and store.has_tree(digest := Digest.parse(known.decode())):
        return digest
    if offline:
        raise NetworkError(f"{source.git} at {source.commit} is not in the store", at=source.at("git"), advice=_OFFLINE)
    if which("git") is None:
        raise HostError("the declaration uses git, which this machine lacks", at=source.at("git"), advice="install git")
    with store.scratch() as scratch:
        bare, tree = scratch / "bare", scratch / "tree"
        tree.mkdir()
        _git(source, "init", "--quiet", "--bare", str(bare))
        _git(source, f"--git-dir={bare}", "fetch", "--quiet", "--depth=1", "--", source.git, source.commit)
        _git(
            source,
            f"--git-dir={bare}",
            f"--work-tree={tree}",
            "checkout",
            "--quiet",
            "--force",
            source.commit,
            "--",
            ".",
        )
        digest = store.take_folder(tree)
    store.put_note(note, str(digest).encode())
    return digest


def _git(source: Source, *words: str) -> None:
    """Run git without the user's and the system's configuration, and without questions."""
    quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    done = subprocess.run(
        ["git", *words], env={**os.environ, **quiet}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NetworkError(
            f"{source.git}: git cannot get commit {source.commit}: {last}",
            at=source.at("git"),
            advice="check the address and the commit; the server must allow to fetch it",
        )
