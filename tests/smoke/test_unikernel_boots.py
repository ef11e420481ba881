"""A dom0 that is a unikernel, on two hypervisors, and a stock Linux as its guest: unikernel/xenbuild.yaml."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = [pytest.mark.smoke, pytest.mark.slow]


@pytest.mark.parametrize("target", ["x86_64/xen", "x86_64/hvkernel"])
def test_linux_runs_and_is_saved_and_restored(target: str, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("unikernel"), folder, ignore=shutil.ignore_patterns("out"))
    shutil.copy(TOP / "recipes/examples/guests/echo/echo.c", folder)
    (folder / "mark.img").write_bytes(b"the mark of this disk\n".ljust(1024, b"\0"))
    outcome = Project(folder, settings.store.root).run("test", target, "--json")
    verdicts = json.loads(outcome.out) if outcome.out else []
    assert outcome.code == 0 and verdicts, outcome.err + json.dumps(verdicts, indent=1)
