"""C sources look as .clang-format says."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.image

TOP = Path(__file__).parents[2]


def test_c_sources_are_formatted(tool: Callable[[str], list[str]]) -> None:
    argv = ["git", "ls-files", "-z", "*.c", "*.h"]
    listed = subprocess.run(argv, cwd=TOP, capture_output=True, check=True, text=True)
    files = [name for name in listed.stdout.split("\0") if name and (TOP / name).exists()]
    assert len(files) > 20
    argv = [*tool("clang-format-19"), "--dry-run", "-Werror", *files]
    done = subprocess.run(argv, cwd=TOP, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
