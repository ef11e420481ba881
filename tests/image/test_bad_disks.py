"""Guests that cannot be built: disks that are none or too small, roots without init, kernels without a driver or of
another kind of guest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = pytest.mark.image
BAD = TOP / "tests/bad/disk"
CASES = sorted(file.stem for file in BAD.glob("*.yaml"))


@pytest.mark.parametrize("case", CASES)
def test_bad_disk(case: str, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(BAD, folder)
    shutil.copyfile(folder / f"{case}.yaml", folder / "xenbuild.yaml")
    emulated = "type: hvm" in (folder / "xenbuild.yaml").read_text()  # these need packages that the showcase has not
    lock = TOP / "recipes" / "examples" / "hvm" if emulated else TOP
    shutil.copyfile(lock / "xenbuild.lock", folder / "xenbuild.lock")
    outcome = Project(folder, settings.store.root).run("image")
    assert (outcome.code, outcome.complaint) == (7, (BAD / f"{case}.txt").read_text())
    assert not (folder / "out").exists()


def test_there_are_cases() -> None:
    assert len(CASES) >= 14
    assert set(CASES) == {file.stem for file in BAD.glob("*.txt")}
