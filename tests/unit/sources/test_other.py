"""Sources of kind file, url and git."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from signed_repository import Server

from xenbuild.errors import DeclarationError, HostError, IntegrityError, LockError, NetworkError
from xenbuild.sources import web
from xenbuild.sources.other import file_source, git_source, url_source
from xenbuild.spec.model import Source
from xenbuild.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store") as store:
        yield store


def test_file(tmp_path: Path, store: Store) -> None:
    (tmp_path / "a").write_bytes(b"content")
    assert store.read(file_source(Source(file=Path("a")), tmp_path, store)) == b"content"
    with pytest.raises(DeclarationError) as caught:
        file_source(Source(file=Path("b")), tmp_path, store)
    assert caught.value.message == f"there is no file {tmp_path / 'b'}"


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


def test_git(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    if not which("git"):
        pytest.skip("no git")
    origin = tmp_path / "origin"

    def git(*words: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        return subprocess.run(["git", "-C", origin, *who, *words], capture_output=True, text=True, check=True).stdout

    origin.mkdir()
    git("init", "--quiet")
    (origin / "a").write_text("one")
    git("add", "a")
    git("commit", "--quiet", "-m", "x")
    commit = git("rev-parse", "HEAD").strip()
    source = Source(git=origin.as_uri(), commit=commit)
    digest = git_source(source, store)
    assert list(store.get_tree(digest)) == ["a"]
    with pytest.raises(NetworkError, match=f"git cannot get commit {'0' * 40}: "):
        git_source(Source(git=origin.as_uri(), commit="0" * 40), store)
    monkeypatch.setenv("PATH", "")
    assert git_source(source, store, offline=True) == digest
    with pytest.raises(HostError) as caught:
        git_source(Source(git=origin.as_uri(), commit="0" * 40), store)
    assert caught.value.message == "the declaration uses git, which this machine lacks"
