"""`pip install .` gives a xenbuild that needs nothing of the checkout: built, installed and used in an empty folder."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.image

TOP = Path(__file__).parents[2]
FOLDERS = {"build/xenbuild": "xenbuild"} | {
    name: f"xenbuild/data/{name}" for name in ("recipes", "dom0-image", "pv-drivers", "hvkernel")
}


@pytest.fixture(scope="module")
def wheel(module_folder: Path) -> Path:
    folder = module_folder / "wheel"
    folder.mkdir()
    run([*pip(), "wheel", "--no-deps", "--wheel-dir", str(folder), str(TOP)], folder)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, module_folder: Path) -> Path:
    """A folder with the wheel and nothing else; the libraries are those of this Python."""
    folder = module_folder / "installed"
    folder.mkdir()
    run([*pip(), "install", "--no-deps", "--no-index", "--target", str(folder), str(wheel)], folder)
    return folder


def pip() -> list[str]:
    """This environment's pip; scripts/bootstrap.py leaves its wheel where Python has none of its own."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    (file,) = Path(sys.prefix).glob("pip-*.whl")
    return [sys.executable, str(file / "pip"), "--disable-pip-version-check"]


def run(words: list[str], folder: Path, path: Path | None = None) -> str:
    """What a program prints that runs in `folder`, with only `path` as a place to import from besides Python's own."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_wheel_holds_every_file(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"{inside}/{file.relative_to(TOP / folder).as_posix()}"
        for folder, inside in FOLDERS.items()
        for file in (TOP / folder).rglob("*")
        if file.is_file() and not any(part == "__pycache__" or part.endswith("_cache") for part in file.parts)
    }
    assert len(wanted) > 150
    assert wanted - held == set()


def test_a_machine_is_built_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    shutil.copy(TOP / "xenbuild.lock", tmp_path)  # so that no versions are chosen here
    program = str(installed / "bin" / "xenbuild")
    assert run([program, "init", "--name", "first"], tmp_path, installed).startswith("wrote xenbuild.yaml")
    run([program, "image"], tmp_path, installed)
    bundle = tmp_path / "out" / "x86_64-xen" / "first.elf"
    assert bundle.read_bytes()[:4] == b"\x7fELF"
    where = run([sys.executable, "-c", "import xenbuild; print(xenbuild.__file__)"], tmp_path, installed)
    assert Path(where.strip()).is_relative_to(installed)
