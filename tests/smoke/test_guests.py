"""How guests end, and what dom0 says of it: guests/xenbuild.yaml, through the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize("test", ["ends", pytest.param("crash", marks=pytest.mark.slow)])
def test_guests_end(test: str, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("guests"), folder, ignore=shutil.ignore_patterns("out"))
    shutil.copy(TOP / "xenbuild.lock", folder)
    outcome = Project(folder, settings.store.root).run("test", "--json", "-k", test)
    (verdict,) = json.loads(outcome.out)
    assert verdict["error"] is None, verdict


@pytest.mark.slow
def test_all_kinds_of_guests_side_by_side(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("kinds"), folder, ignore=shutil.ignore_patterns("out"))
    shutil.copy(TOP / "recipes" / "examples" / "hvm" / "xenbuild.lock", folder)
    outcome = Project(folder, settings.store.root).run("test", "--json", "-j1")
    (verdict,) = json.loads(outcome.out)
    assert verdict["error"] is None, verdict


@pytest.mark.slow
def test_pv_drivers_win_against_emulated_devices(settings: Settings) -> None:
    """The bench's row, which says MISSED where they do not, and gives its reason where they were not measured."""
    program = str(TOP / "scripts" / "bench" / "run")
    argv = [program, "--packages", str(settings.store.root), "devices"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=3600)
    rows = [line for line in done.stdout.splitlines() if " PV " in line]
    assert done.returncode == 0 and len(rows) == 2 and all(" ok " in row for row in rows), done.stdout + done.stderr
