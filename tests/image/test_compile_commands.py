"""compile_commands.json beside the images: each command compiles the file where it lies, as the build did its copy."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xenbuild.parts.compiled import COMMANDS
from xenbuild.parts.toolstree import ToolsTree

pytestmark = pytest.mark.image

TOP = Path(__file__).parents[2]
# Files that see nearly all headers of their program, and one of assembly: below the top, and whether both have it.
TRIED = ["hvkernel/common/hypercall.c", "dom0-image/unikernel/guest.c", "recipes/examples/guests/clock/clock.c"]
TRIED += ["pv-drivers/drivers/blkback.c", "hvkernel/arch/x86/{arch}/entry.S"]


@pytest.fixture(params=["ia32", "x86_64"])
def arch(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def entries(arch: str, bundle: Callable[[str], Path]) -> list[dict[str, Any]]:
    found = json.loads(bundle(f"{arch}/hvkernel").with_name(COMMANDS).read_text())
    assert isinstance(found, list)
    return found


def test_every_file_is_there_and_none_is_missing(arch: str, entries: list[dict[str, Any]]) -> None:
    files = {Path(entry["file"]) for entry in entries}
    assert all(file.is_absolute() and file.is_file() for file in files)
    assert all(Path(word[2:]).is_dir() for entry in entries for word in entry["arguments"] if word.startswith("-I"))
    other = "x86_64" if arch == "ia32" else "ia32"
    ours = [path for folder in ("hvkernel", "dom0-image", "pv-drivers") for path in (TOP / folder).rglob("*.[cS]")]
    wanted = {path for path in ours if other not in path.parts and path.parent != TOP / "hvkernel/test"}
    assert files == wanted | {TOP / "recipes/examples/guests/clock/clock.c"}


def test_a_command_compiles_its_file(
    arch: str, entries: list[dict[str, Any]], tools_group: Callable[[str], ToolsTree]
) -> None:
    tools = tools_group("build")
    headers = max((tools.root / "usr/lib").glob("llvm-*/lib/clang/*"))  # which clangd has beside itself
    for name in TRIED:
        entry = next(e for e in entries if e["file"] == str(TOP / name.format(arch=arch)))
        clang, *words = entry["arguments"]
        argv = [*tools.argv(clang), "-resource-dir", str(headers), "-fsyntax-only", *words]
        done = subprocess.run(argv, cwd=entry["directory"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), name
