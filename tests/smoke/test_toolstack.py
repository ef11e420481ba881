"""Guests of ours that xl saves, restores and copies: toolstack/xenbuild.yaml."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = [pytest.mark.smoke, pytest.mark.slow]


def test_devices_outlive_a_save(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("toolstack"), folder, ignore=shutil.ignore_patterns("out"))
    for name in ("echo", "exercise"):
        shutil.copy(TOP / "recipes/examples/guests" / name / f"{name}.c", folder)
    shutil.copy(Path(__file__).with_name("managed") / "count.c", folder)
    outcome = Project(folder, settings.store.root).run("test", "--json")
    (verdict,) = json.loads(outcome.out)
    assert verdict["error"] is None, verdict
