"""`xenbuild image` and what the building verbs share, up to the first byte that would be fetched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from xenbuild.cli import fastpath, group
from xenbuild.cli.session import Session, open_session
from xenbuild.errors import DeclarationError
from xenbuild.media.build import plan
from xenbuild.media.results import Image
from xenbuild.plan.needs import all_actions
from xenbuild.spec.load import load, target_named
from xenbuild.store.digest import Digest
from xenbuild.store.store import Store

TOP = Path(__file__).parents[3]
DECLARATION = """\
version: 1
name: lab
release: bookworm
targets: [x86_64/xen, arm64/xen]
dom0:
  files: [{path: /etc/motd, source: motd}]
images: [{name: lab}]
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A declaration with the repository's lock and an empty store."""
    (tmp_path / "xenbuild.yaml").write_text(DECLARATION)
    (tmp_path / "motd").write_text("welcome\n")
    (tmp_path / "xenbuild.lock").write_bytes((TOP / "xenbuild.lock").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XENBUILD_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str) -> tuple[int, str, str]:
        code = group.run(words)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_help_has_examples_and_every_option(run: Run) -> None:
    code, out, _ = run("image", "--help")
    assert code == 0
    assert out.startswith("Usage: xenbuild image [OPTIONS] [TARGET]...\n")
    assert "xenbuild image --all -j1            all of them, one step at a time\n" in out
    for option in ("--file", "--profile", "--set", "--all", "--jobs", "--offline", "--dry-run", "--json"):
        assert option in out


def test_dry_run_lists_the_steps_in_their_order_and_fetches_nothing(run: Run, folder: Path) -> None:
    code, out, err = run("image", "--dry-run", "--offline")
    steps = out.splitlines()
    assert (code, err) == (0, "")
    assert steps[-1] == "compose x86_64/xen"
    assert steps.index("tools: build") < steps.index("compile the x86_64 loader")
    assert any(step.startswith("unpack xen-hypervisor-4.17-amd64 ") for step in steps)
    assert not (folder / "out").exists()


def test_tools_are_planned_once_however_many_images_want_them(folder: Path) -> None:
    """Each action costs a look into the store, and a tree of tools has dozens behind it."""
    media = "[{name: a, medium: raw}, {name: b, medium: iso}, {name: c, medium: qcow2}, {name: d, medium: pxe}]"
    (folder / "xenbuild.yaml").write_text(DECLARATION.replace("[{name: lab}]", media))
    with open_session(folder / "xenbuild.yaml", [], [], {}) as session:
        goals = plan(session.declarations[0], session.settings()).goals
        labels = [action.label for action in all_actions(goals)]
    assert {label for label in labels if label.startswith("tools: ")} >= {"tools: media", "tools: grub-x86"}
    assert [label for label in labels if label.startswith("tools: ") and labels.count(label) > 1] == []


def test_dry_run_of_all_targets(run: Run) -> None:
    steps = run("image", "--all", "--dry-run")[1].splitlines()
    assert [step for step in steps if step.startswith("compose ")] == ["compose x86_64/xen", "compose arm64/xen"]


def test_offline_with_an_empty_store_says_what_is_missing(run: Run) -> None:
    code, out, err = run("image", "--offline", "--json")
    last = json.loads(err.splitlines()[-1])
    assert (code, out) == (6, "")
    assert (last["error"], last["exit_code"]) == ("NetworkError", 6)


def test_an_unknown_target(run: Run) -> None:
    code, _, err = run("image", "armv7/xen")
    assert code == 3
    advice = "did you mean 'arm64/xen'? targets: arm64/xen, x86_64/xen"
    assert err == f"error: xenbuild.yaml has no target armv7/xen\n  advice: {advice}\n"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Image:
    """Building takes no time and gives this image."""
    path = folder / "out" / "x86_64-xen" / "lab.elf"
    image = Image("x86_64/xen", "lab", path, Digest("ab" * 32, 5 << 20))
    monkeypatch.setattr(Session, "build", lambda self, jobs, offline, events: [image])
    monkeypatch.setattr(fastpath, "remember", lambda *arguments: True)
    return image


def test_the_table(run: Run, built: Image) -> None:
    row = "x86_64/xen  out/x86_64-xen/lab.elf  5.0 MiB  abababababab\n"
    head = "target      image                      size  sha256\n"
    assert run("image")[:2] == (0, f"{head}{row}\nnext: xenbuild run\n")
    assert run("image", "x86_64/xen")[1].endswith("\nnext: xenbuild run x86_64/xen\n")


def test_the_next_command_is_about_the_same_declaration(run: Run, built: Image, folder: Path) -> None:
    (folder / "other.yaml").write_text(DECLARATION + "variables: {x: a}\nprofiles: {debug: {}}\n")
    out = run("image", "-f", "other.yaml", "--profile", "debug", "--set", "x=b c")[1]
    assert out.endswith("\nnext: xenbuild run -f other.yaml --profile debug --set 'x=b c'\n")


def test_json(run: Run, built: Image) -> None:
    fields = {"target": "x86_64/xen", "name": "lab", "path": str(built.path), "sha256": "ab" * 32, "size": 5 << 20}
    assert json.loads(run("image", "--json")[1]) == {"image": fields}


def test_a_session_has_the_named_targets_once_each() -> None:
    file = Path("xenbuild.yaml")
    for names, every, wanted in (
        ([], False, ["x86_64/xen"]),
        (["arm64/xen", "x86_64/xen", "arm64/xen"], False, ["arm64/xen", "x86_64/xen"]),
        ([], True, ["x86_64/xen", "arm64/xen"]),
    ):
        with open_session(file, names, (), {}, every=every) as session:
            assert [str(declaration.target) for declaration in session.declarations] == wanted


def test_a_session_releases_the_store_when_it_fails() -> None:
    with pytest.raises(ZeroDivisionError), open_session(Path("xenbuild.yaml"), [], (), {}) as session:
        raise ZeroDivisionError
    assert session.store._lock == -1


def test_no_declaration() -> None:
    with pytest.raises(DeclarationError), open_session(Path("none.yaml"), [], (), {}):
        pass


def test_own_files_lock_and_code_count_as_inputs(folder: Path) -> None:
    file = folder / "xenbuild.yaml"
    with Store(folder / "cache") as store:
        session = Session(file, (load(file, target_named("arm64/xen", file)),), store)
        inputs = session.inputs()
    assert {file, folder / "motd", folder / "xenbuild.lock", folder / "recipes"} <= set(inputs)
    assert {"recipes", "dom0-image", "pv-drivers", "hvkernel"} <= {path.name for path in inputs}
    assert all(path.is_absolute() for path in inputs)
