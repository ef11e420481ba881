"""The answer from the stamp: given while nothing changed, and withheld on every kind of change."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from xenbuild.cli import fastpath

CALL = fastpath.key([], False, [], [])
TEXT = "target  size\nx86_64  1\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a declaration, a folder of code and an output, all older than this process, and their stamp."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code" / "deep").mkdir(parents=True)
    for name in ("xenbuild.yaml", "code/a.py", "code/deep/b.py", "result.elf"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, ns=(10**18, 10**18))
    monkeypatch.setattr(fastpath, "_code", lambda: str(tmp_path / "code"))
    assert fastpath.remember(CALL, tmp_path, ["xenbuild.yaml", "absent.lock"], ["result.elf"], TEXT)
    return tmp_path


def test_answers_the_same_call(place: Path) -> None:
    assert fastpath.try_answer(["image"]) == TEXT
    assert fastpath.try_answer(["image", "--all"]) is None


def test_a_folder_whose_name_is_no_text(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(os.fsdecode(os.fsencode(place) + b"/d\xff"))
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "xenbuild.yaml").write_text("name: m")
    os.utime(folder / "xenbuild.yaml", ns=(10**18, 10**18))
    assert fastpath.remember(CALL, folder, ["xenbuild.yaml"], [], TEXT)
    assert fastpath.try_answer(["image"]) == TEXT


def touch(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("changed")


def replace(path: Path) -> None:
    """Another file with the same size and time."""
    new = path.with_suffix(".new")
    new.write_bytes(path.read_bytes())
    os.utime(new, ns=(10**18, 10**18))
    new.replace(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda place: touch(place / "xenbuild.yaml"),
        lambda place: touch(place / "absent.lock"),
        lambda place: touch(place / "code/deep/b.py"),
        lambda place: touch(place / "code/deep/new.py"),
        lambda place: (place / "code/a.py").unlink(),
        lambda place: (place / "result.elf").unlink(),
        lambda place: replace(place / "result.elf"),
        lambda place: (place / "xenbuild.yaml").chmod(0o600),
    ],
)
def test_no_answer_after_a_change(place: Path, change: Callable[[Path], None]) -> None:
    change(place)
    assert fastpath.try_answer(["image"]) is None


def test_pythons_caches_are_no_change(place: Path) -> None:
    touch(place / "code/__pycache__/a.pyc")
    assert fastpath.try_answer(["image"]) == TEXT


def test_another_environment_is_another_call(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XENBUILD_CACHE", "/elsewhere")
    assert fastpath.try_answer(["image"]) is None


def test_a_damaged_stamp_is_no_answer(place: Path) -> None:
    (stamp,) = (place / "out").glob(".stamp-*")
    for content in ("", "{", "[]", "{}", '{"key": 1}'):
        stamp.write_text(content)
        assert fastpath.try_answer(["image"]) is None


def test_what_changed_during_the_build_is_not_remembered(place: Path) -> None:
    (place / "xenbuild.yaml").write_text("edited while building")
    assert not fastpath.remember(CALL, place, ["xenbuild.yaml"], [], TEXT)


def test_spellings_of_a_plain_call() -> None:
    wanted = fastpath.key(["a", "b"], True, ["p"], ["x=1"])
    assert fastpath.plain(["image", "b", "--profile=p", "a", "--all", "--set=x=0", "--set", "x=1"]) == wanted
    for words in ([], ["test"], ["image", "-j1"], ["image", "--json"], ["image", "--set", "x"], ["image", "-h"]):
        assert fastpath.plain(words) is None
