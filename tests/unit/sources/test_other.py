"""Sources of kind file, url and git."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from signed_repository import Server

from xenbuild.errors import DeclarationError, IntegrityError, LockError, NetworkError
from xenbuild.sources import web
from xenbuild.sources.other import git_source, url_source
from xenbuild.spec.model import Source
from xenbuild.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store") as store:
        yield store


def repository(folder: Path) -> tuple[str, str]:
    """A repository of git with one commit: its address and the commit."""
    if not which("git"):
        pytest.skip("no git")

    def git(*words: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        return subprocess.run(["git", "-C", folder, *who, *words], capture_output=True, text=True, check=True).stdout

    (folder / "folder").mkdir(parents=True)
    (folder / "folder" / "a").write_text("one")
    (folder / "link").symlink_to("folder/a")
    (folder / "outside").symlink_to("/etc/passwd")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "x")
    return folder.as_uri(), git("rev-parse", "HEAD").strip()


def test_url(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAUSES", (0.0,))
    server = Server()
    server.files["/f"] = b"content" * 100
    server.cut["/f"] = 50
    source = Source(url=f"{server.url}/f", sha256=hashlib.sha256(b"content" * 100).hexdigest())
    with pytest.raises(NetworkError) as missing:
        url_source(source, store, offline=True)
    assert missing.value.message == f"{server.url}/f is not in the store"
    digest = url_source(source, store)
    assert store.read(digest) == b"content" * 100
    with pytest.raises(IntegrityError, match=f"it should be {'0' * 64}"):
        url_source(Source(url=f"{server.url}/f", sha256="0" * 64), store)
    with pytest.raises(LockError, match="/g: HTTP 404"):
        url_source(Source(url=f"{server.url}/g", sha256="0" * 64), store)
    with pytest.raises(DeclarationError) as unpinned:
        url_source(Source(url=f"{server.url}/f"), store)
    assert unpinned.value.message == "a `url` needs its `sha256`"
    server.close()
    assert url_source(source, store, offline=True) == digest


def host_git(name: str) -> list[str]:
    """git of this machine, of which each part is started as those of the tools tree are."""
    if name == "git":
        return [str(which("git"))]
    found = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    return [f"{found}/{name}"]


def test_git(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    origin, commit = repository(tmp_path / "origin")
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as in a hook of git
    source = Source(git=origin, commit=commit)
    digest = git_source(source, store, host_git)
    assert list(store.get_tree(digest)) == ["folder/a", "link", "outside"]
    with pytest.raises(NetworkError, match=f"git cannot get commit {'0' * 40}: "):
        git_source(Source(git=origin, commit="0" * 40), store, host_git)
    assert git_source(source, store, host_git, offline=True) == digest
    with pytest.raises(NetworkError, match="is not in the store"):
        git_source(Source(git=origin, commit="0" * 40), store, host_git, offline=True)
