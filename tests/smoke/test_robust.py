"""What a machine survives, and what dom0 says of it: robust/xenbuild.yaml, through the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import Project

from xenbuild.media.build import Settings

pytestmark = [pytest.mark.smoke, pytest.mark.slow]


@pytest.mark.parametrize("test", ["save", "full", "xenstored", "restart", "storm", "flood"])
def test_the_machine_goes_on(test: str, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("robust"), folder, ignore=shutil.ignore_patterns("out"))
    outcome = Project(folder, settings.store.root).run("test", "--json", "-j1", "-k", test)
    (verdict,) = json.loads(outcome.out)
    assert verdict["error"] is None, verdict
