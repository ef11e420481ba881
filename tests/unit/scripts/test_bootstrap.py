"""The making of the Python environment: what is done when, and what is said when it fails. No network."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import urllib.error
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "bootstrap.py"


@pytest.fixture
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Place:
    """An environment's folder with two lists of requirements; what is done is noted instead of done."""

    def __init__(self, folder: Path, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.venv = folder / "venv"
        self.lists = [folder / "requirements.txt", folder / "requirements-test.txt"]
        for file in self.lists:
            file.write_text(f"{file.stem}==1\n")
        self.done: list[str] = []
        self.works = True
        self.bootstrap = bootstrap
        monkeypatch.setattr(bootstrap, "create", self.create)
        monkeypatch.setattr(bootstrap, "install", self.install)
        monkeypatch.setattr(bootstrap, "runs", lambda folder: self.works and (folder / "requirements.txt").exists())

    def create(self, folder: Path) -> None:
        self.done.append("create")
        for file in self.lists:
            (folder / file.name).unlink(missing_ok=True)
        folder.mkdir(exist_ok=True)
        self.works = True

    def install(self, folder: Path, file: Path) -> None:
        self.done.append(file.name)
        (folder / file.name).write_bytes(file.read_bytes())

    def run(self, *lists: Path) -> list[str]:
        """What main() does for these lists (all of them without)."""
        self.done = []
        assert self.bootstrap.main([str(self.venv), *map(str, lists or self.lists)]) == 0
        return self.done


@pytest.fixture
def place(tmp_path: Path, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, bootstrap, monkeypatch)


ALL = ["create", "requirements.txt", "requirements-test.txt"]


def test_once_only(place: Place) -> None:
    assert place.run() == ALL
    assert place.run() == []


def test_a_second_list_is_added_to_what_is_there(place: Place) -> None:
    assert place.run(place.lists[0]) == ["create", "requirements.txt"]
    assert place.run() == ["requirements-test.txt"]


def test_other_versions_mean_a_new_environment(place: Place) -> None:
    place.run()
    place.lists[1].write_text("other==2\n")
    assert place.run() == ALL


def test_an_environment_whose_python_is_gone_is_made_anew(place: Place) -> None:
    place.run()
    place.works = False
    assert place.run() == ALL


def test_an_interrupted_run_is_begun_again(place: Place) -> None:
    place.venv.mkdir()  # without the stamp of the first list nothing in it counts
    (place.venv / "leftover").touch()
    assert place.run() == ALL


def test_the_stamps_time_is_renewed(place: Place) -> None:
    """The wrapper compares times: a checkout of other branches must not start the script again and again."""
    place.run()
    stamp = place.venv / "requirements.txt"
    os.utime(stamp, (0, 0))
    place.run()
    assert stamp.stat().st_mtime > 0


def test_a_folder_that_cannot_be_made(
    tmp_path: Path, bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert bootstrap.main([str(tmp_path / "file" / "venv")]) == 8
    said = capsys.readouterr().err
    assert said.startswith(f"xenbuild: cannot make the Python environment {tmp_path}/file/venv: ")
    assert said.endswith("\n  advice: set XENBUILD_VENV to a folder\n")


def answers(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, pages: dict[str, bytes]) -> None:
    """A package index at https://index.test/simple."""

    def urlopen(address: str, **_: object) -> io.BytesIO:
        if address not in pages:
            raise urllib.error.URLError("Name or service not known")
        return io.BytesIO(pages[address])

    monkeypatch.setenv("PIP_INDEX_URL", "https://index.test/simple/")
    monkeypatch.setattr(bootstrap.urllib.request, "urlopen", urlopen)


def test_the_pinned_pip(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    page = f'<a href="../../files/{bootstrap.PIP}#sha256=0">{bootstrap.PIP}</a>'.encode()
    files = {"https://index.test/simple/pip/": page, f"https://index.test/files/{bootstrap.PIP}": b"wheel"}
    answers(bootstrap, monkeypatch, files)
    with pytest.raises(bootstrap.Failure, match=f"^.'{bootstrap.PIP} from .* has a wrong SHA-256'"):
        bootstrap.fetch_pip()
    monkeypatch.setattr(bootstrap, "PIP_SHA256", hashlib.sha256(b"wheel").hexdigest())
    assert bootstrap.fetch_pip() == b"wheel"


@pytest.mark.parametrize(
    ("pages", "message"),
    [
        ({}, "cannot fetch {pip} from https://index.test/simple/pip/: Name or service not known"),
        ({"https://index.test/simple/pip/": b"<html>"}, "https://index.test/simple/pip/ does not offer {pip}"),
    ],
)
def test_no_pip(
    pages: dict[str, bytes],
    message: str,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers(place.bootstrap, monkeypatch, pages)
    monkeypatch.setattr(place.bootstrap, "create", lambda folder: place.bootstrap.fetch_pip())
    assert place.bootstrap.main([str(place.venv), str(place.lists[0])]) == 6
    assert f"xenbuild: {message.format(pip=place.bootstrap.PIP)}\n  advice: " in capsys.readouterr().err
