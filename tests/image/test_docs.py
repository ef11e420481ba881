"""Every command that the documentation shows in a ```console block is run here, or listed with the reason why not."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.image

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

# Beginning of a command: why it is not run here.
ELSEWHERE = {
    "pip install": "changes the machine's Python",
    "xenbuild image --all": "the smoke tests build and boot every target",
    "xenbuild run": "takes over the terminal",
    "xenbuild test": "the smoke tests boot the images",
    "xenbuild lock": "changes versions",
    "scripts/test": "is what runs this test",
    "scripts/bench/run": "takes minutes and is judged by its own goals",
}


def commands() -> list[tuple[str, str]]:
    """(page, command) for each line after `$ ` in a console block."""
    found = []
    for page in PAGES:
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            found += [(page.name, line[2:].split("  #")[0].strip()) for line in block.splitlines() if line[:2] == "$ "]
    return found


def reason(command: str) -> str:
    plain = command.replace("scripts/xenbuild", "xenbuild", 1)
    return next((why for start, why in ELSEWHERE.items() if f"{plain} ".startswith(f"{start} ")), "")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout in which commands may write; commands `xenbuild` find scripts/xenbuild."""
    copy = tmp_path_factory.mktemp("docs") / "checkout"
    ignored = shutil.ignore_patterns("out", ".git", ".venv*", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, copy, symlinks=True, ignore=ignored)
    return copy


@pytest.mark.parametrize(("page", "command"), commands())
def test_a_documented_command_works(page: str, command: str, checkout: Path) -> None:
    if why := reason(command):
        pytest.skip(why)
    venv = os.environ.get("XENBUILD_VENV", str(ROOT / ".venv"))
    path = f"{checkout / 'scripts'}:{os.environ['PATH']}"
    environment = {**os.environ, "XENBUILD_VENV": venv, "PATH": path}
    done = subprocess.run(
        command, shell=True, cwd=checkout, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{page}: {command}\n{done.stderr[-2000:]}"


def test_every_exception_is_used() -> None:
    shown = [command.replace("scripts/xenbuild", "xenbuild", 1) for _, command in commands()]
    assert [start for start in ELSEWHERE if not any(f"{line} ".startswith(f"{start} ") for line in shown)] == []
