"""hvkernel's security boundary on the host: page types and frames under random requests, by the sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[3] / "hvkernel"
HERE = Path(__file__).parent / "c"
WIDTHS = {"pae": "ia32", "four levels": "x86_64"}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_request_makes_a_table_writable_or_loses_a_frame(tmp_path: Path, width: str, seed: int) -> None:
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler is installed")
    program = tmp_path / "pagetype"
    folders = [HERE, TOP / "include", TOP / "pv", TOP / "arch/x86/include", TOP / "arch/x86/x86_64/include"]
    geometry = TOP / f"arch/x86/{WIDTHS[width]}/include/asm/geometry.h"  # its guard keeps the other one out
    argv = [compiler, "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined"]
    argv += ["-fno-sanitize-recover=all", *(f"-I{folder}" for folder in folders)]
    argv += ["-include", str(HERE / "hv_world.h"), "-include", str(geometry)]
    sources = [HERE / "hv_pagetype.c", TOP / "pv/pagetype.c", TOP / "common/frame.c"]
    made = subprocess.run([*argv, *sources, "-o", program], capture_output=True, text=True, check=False)
    if "cannot find" in made.stderr and "san" in made.stderr:
        pytest.skip("the compiler has no sanitizers")
    assert made.returncode == 0, made.stderr
    done = subprocess.run([program, str(seed)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
