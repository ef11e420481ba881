"""Guests that Xen itself starts, on Arm machines with and without a dom0 (dom0less/*/xenbuild.yaml)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.smoke, pytest.mark.slow]

TOP = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("target", ["arm64/xen", "armv7/xen"])
@pytest.mark.parametrize("which", ["alone", "beside"])
def test_guests_that_xen_starts(tmp_path: Path, which: str, target: str) -> None:
    shutil.copy(Path(__file__).with_name("dom0less") / which / "xenbuild.yaml", tmp_path)
    shutil.copy(TOP / "xenbuild.lock", tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(TOP / "build")}
    argv = [sys.executable, "-m", "xenbuild.cli.main", "test", "--json", target]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
    assert done.stdout, done.stderr
    verdicts = json.loads(done.stdout)
    assert [(v["name"], v["error"], v["console"]) for v in verdicts] == [("boots", None, [])]
    assert done.returncode == 0, done.stderr
