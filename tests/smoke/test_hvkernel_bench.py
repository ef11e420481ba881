"""What hvkernel costs its guests, in instructions, which no load of this machine changes: never more than Xen."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke
ROWS = 11


def counts(target: str, settings: Settings, folder: Path) -> dict[str, float]:
    """The test of scripts/bench/machines/hvkernel on a target; what its guest said."""
    shutil.copytree(TOP / "scripts/bench/machines/hvkernel", folder, ignore=shutil.ignore_patterns("out"))
    shutil.copy(TOP / "recipes/examples/guests/xenbuild.lock", folder / "xenbuild.lock")
    outcome = Project(folder, settings.store.root).run("test", target)
    assert outcome.code == 0, outcome.err
    log = (folder / "out" / target.replace("/", "-") / "tests" / "bench.log").read_text(errors="replace")
    return {name: float(count) for name, count in re.findall(r"bench: ([\w, -]+) ([\d.]+)\s", log)}


def test_all_rows_are_counted(settings: Settings, tmp_path: Path) -> None:
    found = counts("ia32/hvkernel", settings, tmp_path / "ia32")
    assert len(found) == ROWS and all(count > 100 for count in found.values())


@pytest.mark.slow
def test_no_row_costs_more_than_on_xen(settings: Settings, tmp_path: Path) -> None:
    ours = counts("x86_64/hvkernel", settings, tmp_path / "ours")
    xen = counts("x86_64/xen", settings, tmp_path / "xen")
    assert len(ours) == ROWS and ours.keys() == xen.keys()
    assert {name: (count, xen[name]) for name, count in ours.items() if count > xen[name]} == {}
