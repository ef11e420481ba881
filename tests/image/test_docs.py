"""Every command that the documentation shows in a ```console block is run here, or listed with the reason why not.

The guide is followed from its beginning to its end in one folder, and the answers that it shows are compared.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.image

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide.md"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Beginning of a command: why it is not run here.
ELSEWHERE = {
    "pip install": "changes the machine's Python",
    "xenbuild run": "takes over the terminal",
    "xenbuild test": "the smoke tests boot the images",
    "xenbuild lock --update": "changes versions",
    "scripts/test": "is what runs this test",
    "scripts/bench/run": "takes minutes and is judged by its own goals",
}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"`([\w./-]+)`:\n\n$")  # what stands before a block that is a file


def commands(page: Path) -> list[tuple[str, str]]:
    """(command, answer shown) for each line after `$ ` in a page's console blocks."""
    found = []
    for kind, text in BLOCK.findall(page.read_text()):
        for shown in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:] if kind == "console" else ():
            command, _, answer = shown.partition("\n")
            found.append((command.split("  #")[0].strip(), answer))
    return found


def reason(command: str) -> str:
    plain = command.replace("scripts/xenbuild", "xenbuild", 1)
    return next((why for start, why in ELSEWHERE.items() if f"{plain} ".startswith(f"{start} ")), "")


@pytest.fixture(scope="module")
def checkout(module_folder: Path) -> Path:
    """A copy of the checkout in which commands may write; commands `xenbuild` find scripts/xenbuild."""
    copy = module_folder / "checkout"
    ignored = shutil.ignore_patterns("out", ".git", ".venv*", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=ignored)
    return copy


def run(command: str, checkout: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    venv = os.environ.get("XENBUILD_VENV", str(ROOT / ".venv"))
    path = f"{checkout / 'scripts'}:{os.environ['PATH']}"
    environment = {**os.environ, "XENBUILD_VENV": venv, "PATH": path, "LC_ALL": "C.UTF-8"}
    argv = ["bash", "-c", command]
    return subprocess.run(argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("page", "command", "answer"),
    [(page.name, command, answer) for page in PAGES if page != GUIDE for command, answer in commands(page)],
)
def test_a_documented_command_works(page: str, command: str, answer: str, checkout: Path) -> None:
    if why := reason(command):
        pytest.skip(why)
    done = run(command, checkout, checkout)
    assert done.returncode == 0, f"{page}: {command}\n{done.stderr[-2000:]}"
    assert not answer or looks_like(done.stdout, answer), f"{page}: {command}\n{done.stdout[-2000:]}"


def looks_like(answer: str, shown: str) -> bool:
    """Whether an answer is the one shown, in which `…` stands for anything, and a line of it alone for any lines."""
    lines = shown.splitlines(keepends=True)
    parts = [r"(.*\n)*" if line == "…\n" else re.escape(line).replace("…", ".*") for line in lines]
    return re.fullmatch("".join(parts), answer) is not None


def test_the_guide(checkout: Path, tmp_path: Path) -> None:
    page = GUIDE.read_text()
    shutil.copy(ROOT / "xenbuild.lock", tmp_path)  # so that what is pinned here is what the store is warm for
    for block in BLOCK.finditer(page):
        if block[1] != "console":
            name = FILE_NAME.search(page[: block.start()])
            assert name, f"a block without the name of its file:\n{block[2]}"
            (tmp_path / name[1]).parent.mkdir(exist_ok=True)
            (tmp_path / name[1]).write_text(block[2])
            continue
        for shown in re.split(r"^\$ ", block[2], flags=re.MULTILINE)[1:]:
            command, _, answer = shown.partition("\n")
            if reason(command):
                continue
            done = run(command, checkout, tmp_path)
            assert bool(done.returncode) == ('"error"' in answer or "error: " in answer), f"{command}\n{done.stderr}"
            said = done.stdout + (done.stderr if done.returncode else "")  # otherwise that is progress
            assert looks_like(said, answer), f"{command}\nshown:\n{answer}\nsaid:\n{said}"


@pytest.mark.parametrize(
    ("answer", "shown", "same"),
    [
        ("a 1 b\n", "a … b\n", True),
        ("a 1\nb\n", "a … b\n", False),
        ("x\ny\nend\n", "…\nend\n", True),
        ("end\n", "…\nend\n", True),
        ("end\nmore\n", "…\nend\n", False),
        ("start\n1\n2\n", "start\n…\n", True),
        ("", "", True),
        ("said\n", "", False),
    ],
)
def test_answers_are_compared(answer: str, shown: str, same: bool) -> None:
    assert looks_like(answer, shown) is same


def test_every_exception_is_used() -> None:
    shown = [command.replace("scripts/xenbuild", "xenbuild", 1) for page in PAGES for command, _ in commands(page)]
    assert [start for start in ELSEWHERE if not any(f"{line} ".startswith(f"{start} ") for line in shown)] == []
