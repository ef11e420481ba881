"""Sources that are pinned in the declaration itself: a file beside it, a URL with its SHA-256, a commit of git."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from xenbuild.errors import DeclarationError, LockError, NetworkError
from xenbuild.sources.fetch import partial_folder
from xenbuild.spec.model import Source
from xenbuild.store.digest import Digest
from xenbuild.store.events import Event
from xenbuild.store.store import Store

Git = Callable[[str], list[str]]  # the words that start a program of git

_GIT = "git"
_PARTS = (_GIT, "git-upload-pack", "git-remote-http", "git-remote-https")
_OFFLINE = "run again with a network, or leave out --offline"
# What git sets while it runs a hook, and what would lead it from the repository that is meant here.
_REPOSITORY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
)


def file_name(url: str) -> str:
    """What messages call the file behind an address; empty if its last part can be no file's name."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return name if name.isprintable() and name != ".." else ""


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

    from xenbuild.sources import web

    try:
        web.download([source.url], part, None, source.sha256, progress)
    except web.Gone as error:
        raise LockError(str(error), at=source.at("url"), advice="the file is gone: name another address") from None
    digest = store.put_file(part, move=True)
    store.put_note(note, str(digest).encode())
    return digest


def git_source(source: Source, store: Store, git: Git, *, offline: bool = False, own_parts: bool = True) -> Digest:
    """The tree of the pinned `commit`, without history. git itself checks every object against the commit's name.

    `own_parts`: git has to be told how to start its parts, since it is not where it was made for.
    Raises DeclarationError without a commit, NetworkError.
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
    with store.scratch() as scratch:
        bare, tree, programs = scratch / "bare", scratch / "tree", scratch / "programs"
        tree.mkdir()
        environment = _environment() | (_parts(git, programs) if own_parts else {})

        def run(*words: str) -> None:
            _git(source, [*git(_GIT), *words], environment)

        run("init", "--quiet", "--bare", str(bare))
        run(f"--git-dir={bare}", "fetch", "--quiet", "--depth=1", "--", source.git, source.commit)
        run(f"--git-dir={bare}", f"--work-tree={tree}", "checkout", "--quiet", "--force", source.commit, "--", ".")
        digest = store.take_folder(tree)
    store.put_note(note, str(digest).encode())
    return digest


def _environment() -> dict[str, str]:
    """git reads neither the user's nor the system's configuration and asks nothing; proxies are the user's."""
    from ssl import get_default_verify_paths

    inherited = {name: value for name, value in os.environ.items() if name not in _REPOSITORY}
    trusted = get_default_verify_paths().cafile  # as for our own downloads
    certificates = {"GIT_SSL_CAINFO": trusted} if trusted else {}
    quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    return {**certificates, **inherited, "GIT_TEMPLATE_DIR": "", **quiet}


def _parts(git: Git, programs: Path) -> dict[str, str]:
    """git starts parts of itself by name: each is a script in `programs` that starts it the way `git` does."""
    programs.mkdir()
    for name in _PARTS:
        script = programs / name
        words = git(name) if name.startswith("git-remote-") else [*git(_GIT), *name.split("-", 1)[1:]]
        script.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        script.chmod(0o755)
    return {"GIT_EXEC_PATH": str(programs)}


def _git(source: Source, argv: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NetworkError(
            f"{source.git}: git cannot get commit {source.commit}: {last}",
            at=source.at("git"),
            advice="check the address and the commit; the server must allow to fetch it",
        )
