"""Every example under recipes/examples/ builds and passes its own tests, as its user would run them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke
EXAMPLES = TOP / "recipes" / "examples"
# Example and target; `slow` is left to scripts/test --all.
RUNS = [
    pytest.param("appliance", "x86_64/xen"),
    pytest.param("appliance", "arm64/xen", marks=pytest.mark.slow),
    pytest.param("appliance", "armv7/xen", marks=pytest.mark.slow),
    pytest.param("debian", "x86_64/xen", marks=pytest.mark.slow),
    pytest.param("grub", "x86_64/xen"),
    pytest.param("dom0less", "arm64/xen"),
    pytest.param("dom0less", "armv7/xen", marks=pytest.mark.slow),
    pytest.param("guests", "ia32/hvkernel"),
    pytest.param("guests", "x86_64/hvkernel"),
    pytest.param("guests", "x86_64/xen"),
    pytest.param("hvm", "x86_64/xen"),
    pytest.param("migration", "x86_64/xen"),
    pytest.param("packages", "x86_64/xen", marks=pytest.mark.slow),
    pytest.param("packages", "arm64/xen", marks=pytest.mark.slow),
    pytest.param("passthrough", "x86_64/xen", marks=pytest.mark.slow),
    pytest.param("unikernels", "x86_64/xen"),
]


def test_every_example_is_run() -> None:
    there = {path.parent.name for path in EXAMPLES.glob("*/xenbuild.yaml")}
    assert there == {str(run.values[0]) for run in RUNS}


@pytest.mark.parametrize(("name", "target"), RUNS)
def test_an_example_passes_its_own_tests(name: str, target: str, settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder, ignore=shutil.ignore_patterns("out"))
    outcome = Project(folder, settings.store.root).run("test", target, "--json", "-j1")
    verdicts = json.loads(outcome.out) if outcome.out else []
    failures = [verdict for verdict in verdicts if not verdict["passed"]]
    assert outcome.code == 0 and verdicts and not failures, outcome.err + json.dumps(failures, indent=1)
