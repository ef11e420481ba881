"""Guests of ours that dom0 manages through xenstore: managed/xenbuild.yaml."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke

OTHER_TARGETS = [pytest.param(target, marks=pytest.mark.slow) for target in ("x86_64/hvkernel", "x86_64/xen")]


@pytest.fixture
def project(settings: Settings, tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("managed"), folder, ignore=shutil.ignore_patterns("out"))
    for name in ("clock", "echo", "exercise", "paint"):
        shutil.copy(TOP / "recipes" / "examples" / "guests" / name / f"{name}.c", folder)
    shutil.copy(TOP / "xenbuild.lock", folder)
    (folder / "slow.img").write_bytes(bytes(1 << 20))
    with (folder / "count.img").open("wb") as image:
        image.truncate(64 << 20)
    (folder / "foreign.img").write_bytes(b"not ours".ljust(1 << 20, b"\0"))
    return Project(folder, settings.store.root)


def passes(project: Project, target: str, test: str) -> None:
    outcome = project.run("test", target, "-k", test, "--json")
    verdicts = json.loads(outcome.out) if outcome.out else []
    assert outcome.code == 0 and verdicts, outcome.err + json.dumps(verdicts, indent=1)
    records = (project.folder / "count.img").read_bytes()
    lines = records.replace(b"\0", b"").split()
    assert len(lines) >= 200 and lines == [b"%d" % number for number in range(len(lines))]
    assert all(records.startswith(line + b"\n\0", 512 * number) for number, line in enumerate(lines))


@pytest.mark.parametrize("target", ["ia32/hvkernel", *OTHER_TARGETS])
def test_guests_obey(target: str, project: Project) -> None:
    passes(project, target, "managed")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["ia32/hvkernel", "x86_64/hvkernel", "x86_64/xen"])
def test_a_saved_guest_outlives_the_machine(target: str, project: Project) -> None:
    passes(project, target, "reset")
