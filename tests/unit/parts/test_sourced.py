"""Files that a declaration names as inputs of actions: its own, and those of its sources."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from xenbuild.errors import DeclarationError, HostError, NetworkError
from xenbuild.parts.packages import merged
from xenbuild.parts.sourced import Sourced
from xenbuild.parts.toolstree import ToolsTree, host_programs
from xenbuild.plan.action import Action, File, Input, OutputOf
from xenbuild.plan.run import run
from xenbuild.sources import web
from xenbuild.spec.load import load
from xenbuild.spec.model import Declaration
from xenbuild.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store") as store:
        yield store


def declared(folder: Path, text: str) -> Declaration:
    (folder / "x.yaml").write_text(f"name: m\nrelease: bookworm\n{text}")
    return load(folder / "x.yaml")


def sourced(declaration: Declaration, store: Store) -> Sourced:
    def tools(group: str) -> Input:
        tree = host_programs(declaration, ["git"], store)
        assert group == "git" and tree is not None
        return merged("tools: git", [tree])

    return Sourced(declaration, store, tools)


def content(made: Input, store: Store, **options: Any) -> bytes:
    if isinstance(made, OutputOf):
        made = run([made], store, jobs=1, **options)[made]
    assert isinstance(made, File)
    return store.read(made.digest)


def test_a_file_is_in_the_store_at_once(tmp_path: Path, store: Store) -> None:
    (tmp_path / "own").write_text("own")
    made = declared(tmp_path, "hypervisor: {file: source:xen}\ndom0: {kernel: own}\nsources: {xen: {file: own}}")
    place = sourced(made, store)
    assert made.hypervisor.file and made.dom0.kernel
    assert place.name(made.hypervisor.file) == place.name(made.dom0.kernel) == "own"
    assert content(place.input(made.hypervisor.file), store) == content(place.input(made.dom0.kernel), store) == b"own"


def test_an_address_is_fetched_by_the_plan_and_once(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def download(urls: list[str], part: Path, *rest: Any) -> None:
        asked.extend(urls)
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(b"kernel")

    monkeypatch.setattr(web, "download", download)
    sha256 = hashlib.sha256(b"kernel").hexdigest()
    text = f"dom0: {{kernel: source:k}}\nsources: {{k: {{url: 'http://x/a/vm%20linuz?x=1', sha256: {sha256}}}}}"
    made = declared(tmp_path, text)
    assert made.dom0.kernel
    place = sourced(made, store)
    planned = place.input(made.dom0.kernel, made.dom0.at("kernel"))
    assert place.name(made.dom0.kernel) == "vm linuz"
    assert not asked
    with pytest.raises(NetworkError, match="is not in the store") as caught:
        content(planned, store, offline=True)
    assert caught.value.at and (caught.value.at.line, caught.value.at.column) == (3, 16)
    assert content(planned, store) == b"kernel"
    assert content(place.input(made.dom0.kernel), store, offline=True) == b"kernel"
    assert asked == ["http://x/a/vm%20linuz?x=1"]


@pytest.mark.parametrize("last", ["", "/", "/..", "/%2e%2e", "/a%00b", "/a%0ab"])
def test_an_address_that_ends_in_no_name(last: str, tmp_path: Path, store: Store) -> None:
    text = f"dom0: {{kernel: source:k}}\nsources: {{k: {{url: 'http://x{last}', sha256: {'0' * 64}}}}}"
    made = declared(tmp_path, text)
    assert made.dom0.kernel
    assert sourced(made, store).name(made.dom0.kernel) == "k"


def repository(folder: Path) -> tuple[str, str]:
    """A repository of git with one commit: its address and the commit."""
    if not which("git"):
        pytest.skip("no git")

    def git(*words: str) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        return subprocess.run(["git", "-C", folder, *who, *words], capture_output=True, text=True, check=True).stdout

    (folder / "folder").mkdir(parents=True)
    (folder / "folder" / "a").write_text("one")
    for link, target in {"link": "folder/a", "folder/up": "../folder/a", "outside": "/etc/passwd", "l": "l"}.items():
        (folder / link).symlink_to(target)
    (folder / "above").symlink_to("../x")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "x")
    return folder.as_uri(), git("rev-parse", "HEAD").strip()


def from_git(path: str, folder: Path) -> Declaration:
    origin, commit = repository(folder / "origin")
    source = f"host_tools: [git]\nsources: {{linux: {{git: '{origin}', commit: '{commit}'}}}}"
    return declared(folder, f"hypervisor: {{file: source:linux/{path}}}\n{source}")


@pytest.mark.parametrize("path", ["folder/a", "link", "folder/up"])
def test_a_file_of_a_commit(path: str, tmp_path: Path, store: Store) -> None:
    made = from_git(path, tmp_path)
    assert made.hypervisor.file
    place = sourced(made, store)
    assert place.name(made.hypervisor.file) == Path(path).name
    assert content(place.input(made.hypervisor.file), store) == b"one"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("folder", "folder is a folder"),
        ("b", "b is not in it"),
        ("outside", "outside is not in it"),
        ("above", "above is not in it"),
        ("l", "l is not in it"),
    ],
)
def test_what_a_commit_lacks(path: str, message: str, tmp_path: Path, store: Store) -> None:
    made = from_git(path, tmp_path)
    assert made.hypervisor.file
    with pytest.raises(DeclarationError) as caught:
        content(sourced(made, store).input(made.hypervisor.file, made.hypervisor.at("file")), store)
    assert caught.value.message.endswith(f": {message}")
    assert caught.value.at and (caught.value.at.line, caught.value.at.column) == (3, 20)


def test_programs_of_the_host_are_used_only_when_declared(tmp_path: Path, store: Store) -> None:
    (tmp_path / "x").mkdir()
    assert host_programs(declared(tmp_path, ""), ["git"], store) is None
    made = declared(tmp_path, "host_tools: [git]")
    if not which("git"):
        with pytest.raises(HostError, match="this machine has no program 'git'"):
            host_programs(made, ["git"], store)
        return
    assert host_programs(made, ["clang"], store) is None
    tree = host_programs(made, ["git"], store)
    assert tree is not None
    tools = ToolsTree(store.materialise(tree.digest))
    assert tools.argv("git") == [which("git")]
    assert tools.is_hosts("git") and not tools.is_hosts("clang")


def test_a_program_that_changed_is_another_input(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "git"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    made = declared(tmp_path, "host_tools: [git]")
    before = host_programs(made, ["git"], store)
    program.write_text("#!/bin/sh\nexit 1\n")
    assert host_programs(made, ["git"], store) != before
    program.unlink()
    with pytest.raises(HostError, match="this machine has no program 'git'") as caught:
        host_programs(made, ["git"], store)
    assert caught.value.at and (caught.value.at.line, caught.value.at.column) == (3, 14)


def test_where_an_action_was_asked_for_is_no_part_of_its_key(tmp_path: Path, store: Store) -> None:
    made = declared(tmp_path, "host_tools: []")
    first = Action("a", "xenbuild.parts.toolstree:merge", {}, {}, ("tree",))
    second = Action("b", "xenbuild.parts.toolstree:merge", {}, {}, ("tree",), at=made.at())
    assert (
        run([first.output("tree")], store, jobs=1).actions[0][1]
        == (run([second.output("tree")], store, jobs=1).actions[0][1])
    )
