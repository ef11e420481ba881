"""How guests end, and what dom0 says of it: guests/xenbuild.yaml, through the command line."""

from __future__ import annotations

import json
import shutil
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
