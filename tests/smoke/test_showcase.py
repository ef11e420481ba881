"""The README's promise: the showcase's bundles boot, each to a dom0 in which `xl list` answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize("target", ["x86_64/xen", "arm64/xen", "armv7/xen"])
def test_the_showcase_boots(settings: Settings, tmp_path: Path, target: str) -> None:
    project = Project.of(TOP / "xenbuild.yaml", tmp_path / "project", settings.store.root)
    outcome = project.run("test", target, "--json")
    assert outcome.code == 0, outcome.out + outcome.err
    (verdict,) = json.loads(outcome.out)
    assert (verdict["target"], verdict["name"], verdict["passed"]) == (target, "dom0", True)
    log = (project.folder / verdict["log"]).read_text(errors="replace")
    assert "Domain-0" in log


@pytest.mark.parametrize("target", ["x86_64/hvkernel", "ia32/hvkernel"])
def test_our_own_hypervisor_boots(settings: Settings, tmp_path: Path, target: str) -> None:
    project = Project.of(TOP / "xenbuild.yaml", tmp_path / "project", settings.store.root)
    outcome = project.run("test", target, "--json")
    assert outcome.code == 0, outcome.out + outcome.err
    (verdict,) = json.loads(outcome.out)
    assert (verdict["target"], verdict["passed"]) == (target, True)


def test_a_machine_that_is_not_what_was_asserted_fails(settings: Settings, tmp_path: Path) -> None:
    project = Project.of(TOP / "xenbuild.yaml", tmp_path / "project", settings.store.root)
    project.replace('expect: "Domain-0 +0 "', 'expect: "Domain-0 +7 "')
    outcome = project.run("test", "x86_64/xen")
    assert outcome.code == 1
    assert "run 'xl list': the command's output does not match 'Domain-0 +7 '" in outcome.out
    assert "0 of 1 tests passed" in outcome.out
