"""Trixie boots as bookworm does, by the same declaration with another release; its lock lies beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from project import Project

from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke

TOP = Path(__file__).resolve().parents[2]
TRIXIE = TOP / "tests/image/trixie"


@pytest.mark.parametrize("target", ["x86_64/xen", "arm64/xen"])
def test_trixie_boots(settings: Settings, tmp_path: Path, target: str) -> None:
    project = Project.of(TRIXIE / "xenbuild.yaml", tmp_path / "project", settings.store.root)
    project.replace("../../../xenbuild.yaml", str(TOP / "xenbuild.yaml"))
    outcome = project.run("test", target, "--json")
    assert outcome.code == 0, outcome.out + outcome.err
    (verdict,) = json.loads(outcome.out)
    assert (verdict["target"], verdict["name"], verdict["passed"]) == (target, "dom0", True)
    log = (project.folder / verdict["log"]).read_text(errors="replace")
    assert re.search(r"xen_minor +: 20\b", log)
