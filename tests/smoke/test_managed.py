"""Guests of ours that dom0 manages through xenstore: managed/xenbuild.yaml."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize(
    "target",
    [
        "ia32/hvkernel",
        pytest.param("x86_64/hvkernel", marks=pytest.mark.slow),
        pytest.param("x86_64/xen", marks=pytest.mark.slow),
    ],
)
def test_guests_obey(target: str, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("managed"), folder, ignore=shutil.ignore_patterns("out"))
    for name in ("clock", "echo", "exercise", "paint"):
        shutil.copy(TOP / "recipes" / "examples" / "guests" / name / f"{name}.c", folder)
    shutil.copy(TOP / "xenbuild.lock", folder)
    (folder / "slow.img").write_bytes(bytes(1 << 20))
    (folder / "foreign.img").write_bytes(b"not ours".ljust(1 << 20, b"\0"))
    outcome = Project(folder, settings.store.root).run("test", target, "--json")
    verdicts = json.loads(outcome.out) if outcome.out else []
    assert outcome.code == 0 and verdicts, outcome.err + json.dumps(verdicts, indent=1)
