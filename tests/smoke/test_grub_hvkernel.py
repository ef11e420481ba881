"""Debian's GRUB, which knows nothing of hvkernel, as its guest: grub/xenbuild.yaml."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import Project

from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke


def test_grub_reads_its_configuration_from_a_disk(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("grub"), folder, ignore=shutil.ignore_patterns("out"))
    outcome = Project(folder, settings.store.root).run("test", "x86_64/hvkernel", "--json")
    verdicts = json.loads(outcome.out) if outcome.out else []
    assert outcome.code == 0 and verdicts, outcome.err + json.dumps(verdicts, indent=1)
