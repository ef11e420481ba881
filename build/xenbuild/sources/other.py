"""Sources that are pinned in the declaration itself: a file beside it, a URL with its SHA-256, a commit of git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from shutil import which
from urllib.parse import unquote, urlsplit

from xenbuild.errors import DeclarationError, HostError, LockError, NetworkError
from xenbuild.sources import web
from xenbuild.sources.fetch import partial_folder
from xenbuild.spec.inputs import Use, refers, with_files
from xenbuild.spec.model import Declaration, Source
from xenbuild.store.digest import Digest
from xenbuild.store.events import Event
from xenbuild.store.store import Store
from xenbuild.store.tree import FileEntry, Tree

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


def with_sources(
    declaration: Declaration,
    store: Store,
    *,
    offline: bool = False,
    events: Callable[[Event], None] = lambda event: None,
) -> Declaration:
    """The declaration with real files where it names sources ("source:NAME/PATH"); what is used is fetched.

    This comes before planning: the size of what is behind an address, or in a commit, is known only then.
    Raises DeclarationError for a path that a commit lacks, and what url_source() and git_source() raise.
    """

    def place(use: Use) -> Path:
        if not refers(use.file):
            return use.file
        source = declaration.sources[use.name]
        if source.file is not None:
            return source.file
        if source.url is not None:
            digest = url_source(source, store, offline=offline, events=events)
            name = _file_name(source.url) or use.name
            return store.materialise(store.put_tree(Tree({name: FileEntry(digest, False)}))) / name
        return _in_tree(use, source, store.materialise(git_source(source, store, offline=offline)))

    return with_files(declaration, place)


def _file_name(url: str) -> str:
    """What messages call the file behind an address; empty if its last part can be no file's name."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    return name if name.isprintable() and name != ".." else ""


def _in_tree(use: Use, source: Source, tree: Path) -> Path:
    file = tree / use.inside
    if file.is_file() and file.resolve().is_relative_to(tree.resolve()):
        return file
    what = "is a folder" if file.is_dir() else "is not in it"
    raise DeclarationError(f"{source.git} at {source.commit}: {use.inside} {what}", at=use.at, advice="name a file")


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
    inherited = {name: value for name, value in os.environ.items() if name not in _REPOSITORY}
    quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    done = subprocess.run(
        ["git", *words], env={**inherited, **quiet}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NetworkError(
            f"{source.git}: git cannot get commit {source.commit}: {last}",
            at=source.at("git"),
            advice="check the address and the commit; the server must allow to fetch it",
        )
