"""Steps about guests, screens and power on a real machine: steps/xenbuild.yaml, through the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.formats.picture import read_picture
from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke


def test_every_kind_of_step(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("steps"), folder)
    shutil.copy(TOP / "xenbuild.lock", folder)
    outcome = Project(folder, settings.store.root).run("test", "--json")
    (verdict,) = json.loads(outcome.out)
    assert verdict["error"] is None, verdict
    log, picture = (folder / name for name in verdict["files"])
    assert log.name == "steps.web.log"
    assert log.read_text(errors="replace").count("xenbuild: guest web ready") == 2
    assert read_picture(picture.read_bytes()).width >= 640
