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
from xenbuild.sources.other import git_source, url_source, with_sources
from xenbuild.spec.load import load
from xenbuild.spec.model import Source
from xenbuild.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store") as store:
        yield store


DECLARATION = """
name: m
release: bookworm
variables: {tree: linux}
dom0:
  kernel: source:image
  files:
    - {path: /a, source: "source:${tree}/folder/a"}
    - {path: /b, source: "source:linux/link"}
    - {path: /c, source: own}
domains: {g: {type: pv, kernel: source:local}}
sources:
  image: {url: "%(server)s/dir/vm%%20linuz?x=1", sha256: %(sha256)s}
  linux: {git: "%(git)s", commit: "%(commit)s"}
  local: {file: own}
"""


def test_sources_stand_for_files(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    origin, commit = repository(tmp_path / "origin")
    server = Server()
    server.files["/dir/vm%20linuz?x=1"] = b"kernel"
    (tmp_path / "own").write_text("own")
    values = {"server": server.url, "sha256": hashlib.sha256(b"kernel").hexdigest(), "git": origin, "commit": commit}
    (tmp_path / "x.yaml").write_text(DECLARATION % values)
    written = load(tmp_path / "x.yaml")
    assert str(written.dom0.kernel) == "source:image"
    monkeypatch.setenv("GIT_DIR", "/nowhere")  # as in a hook of git
    made = with_sources(written, store)
    server.close()
    assert with_sources(written, store, offline=True) == made
    assert made.dom0.kernel is not None
    assert (made.dom0.kernel.name, made.dom0.kernel.read_bytes()) == ("vm linuz", b"kernel")
    files = [file.source for file in made.dom0.files]
    assert [file.read_text() for file in files if file] == ["one", "one", "own"]
    assert made.domains["g"].kernel == tmp_path / "own"
    assert written.dom0.files[0].source == Path("source:linux/folder/a")


@pytest.mark.parametrize("last", ["", "/", "/..", "/%2e%2e", "/a%00b", "/a%0ab"])
def test_an_address_that_ends_in_no_name(last: str, tmp_path: Path, store: Store) -> None:
    server = Server()
    server.files[f"{last or '/'}"] = b"content"
    sha256 = hashlib.sha256(b"content").hexdigest()
    (tmp_path / "x.yaml").write_text(
        f"name: m\nrelease: bookworm\nhypervisor: {{file: source:xen}}\n"
        f"sources: {{xen: {{url: '{server.url}{last}', sha256: {sha256}}}}}\n"
    )
    file = with_sources(load(tmp_path / "x.yaml"), store).hypervisor.file
    server.close()
    assert file is not None
    assert (file.name, file.read_bytes()) == ("xen", b"content")


@pytest.mark.parametrize(
    ("path", "message"),
    [("folder", "folder is a folder"), ("b", "b is not in it"), ("outside", "outside is not in it")],
)
def test_what_a_commit_lacks(path: str, message: str, tmp_path: Path, store: Store) -> None:
    origin, commit = repository(tmp_path / "origin")
    source = f"sources: {{linux: {{git: '{origin}', commit: '{commit}'}}}}"
    (tmp_path / "x.yaml").write_text(f"name: m\nrelease: bookworm\nhypervisor: {{file: source:linux/{path}}}\n{source}")
    with pytest.raises(DeclarationError) as caught:
        with_sources(load(tmp_path / "x.yaml"), store)
    assert caught.value.message == f"{origin} at {commit}: {message}"
    assert caught.value.at and (caught.value.at.line, caught.value.at.column) == (3, 20)


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


def test_git(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    origin, commit = repository(tmp_path / "origin")
    source = Source(git=origin, commit=commit)
    digest = git_source(source, store)
    assert list(store.get_tree(digest)) == ["folder/a", "link", "outside"]
    with pytest.raises(NetworkError, match=f"git cannot get commit {'0' * 40}: "):
        git_source(Source(git=origin, commit="0" * 40), store)
    monkeypatch.setenv("PATH", "")
    assert git_source(source, store, offline=True) == digest
    with pytest.raises(HostError) as caught:
        git_source(Source(git=origin, commit="0" * 40), store)
    assert caught.value.message == "the declaration uses git, which this machine lacks"
