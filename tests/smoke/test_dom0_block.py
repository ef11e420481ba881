"""dom0's block of the declaration on a running machine: dom0/xenbuild.yaml, through the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.smoke

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(module_folder: Path) -> Path:
    """The declaration beside the repository's lock, whose packages it needs."""
    folder = module_folder / "dom0"
    shutil.copytree(Path(__file__).with_name("dom0"), folder)
    shutil.copy(TOP / "xenbuild.lock", folder)
    return folder


def xenbuild_test(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(TOP / "build")}
    argv = [sys.executable, "-m", "xenbuild.cli.main", "test", *words]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)


def test_every_key_of_dom0_is_seen_in_dom0(folder: Path) -> None:
    done = xenbuild_test(folder, "--json")
    verdicts: list[dict[str, Any]] = json.loads(done.stdout)
    assert [(v["name"], v["error"], v["console"]) for v in verdicts] == [("dom0", None, []), ("xen", None, [])]
    assert done.returncode == 0, done.stderr


def test_a_dom0_that_does_not_become_ready(folder: Path) -> None:
    done = xenbuild_test(folder, "--profile", "broken", "-k", "not-ready")
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("FAILED  x86_64/xen not-ready ")
    reason = "xenbuild: dom0 is not ready, it failed to set up the bridge"
    step = r"  xenbuild\.yaml:\d+:\d+: expect 'xenbuild: dom0 ready [0-9a-f]{16}'"
    assert re.fullmatch(rf"{step}: the console said '{reason}', which .*", lines[1])
    console = [line.removeprefix("    | ") for line in lines if line.startswith("    | ")]
    assert console[-3:] == [
        "xenbuild: eth9 cannot join guests0",
        "xenbuild: dom0 FAILED to set up the bridge",
        reason,
    ]
    again = lines.index("  to see it yourself:")
    assert lines[again + 1] == "    xenbuild run --profile broken --test not-ready x86_64/xen"
    assert "qemu-system-x86_64" in lines[again + 2] and "-kernel" in lines[again + 2]
    assert lines[-1] == "0 of 1 tests passed"


def test_poweroff_ends_qemu(folder: Path) -> None:
    """Even of a dom0 that is not ready, where `poweroff` has no guests to wait for."""
    done = xenbuild_test(folder, "--profile", "broken", "-k", "switched-off", "--json")
    (verdict,) = json.loads(done.stdout)
    assert verdict["error"].endswith(
        "expect 'what nobody says': the machine switched itself off before the console said 'what nobody says'"
    ), verdict
    assert verdict["console"][-1] == "(XEN) Entering ACPI S5 state."
    assert done.returncode == 1
