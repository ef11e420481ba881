"""Debian's GRUB, which knows nothing of hvkernel, as its guest: grub/xenbuild.yaml."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize(
    ("target", "words"),
    [
        pytest.param("x86_64/hvkernel", ()),
        pytest.param("ia32/hvkernel", ()),
        pytest.param("x86_64/hvkernel", ("--profile", "debian"), marks=pytest.mark.slow),
    ],
    ids=["x86_64", "ia32", "debian"],
)
def test_grub_starts_a_kernel_from_a_disk(
    target: str, words: tuple[str, ...], settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("grub"), folder, ignore=shutil.ignore_patterns("out"))
    for name in ("clock", "exercise"):
        shutil.copy(TOP / "recipes" / "examples" / "guests" / name / f"{name}.c", folder)
    outcome = Project(folder, settings.store.root).run("test", target, "--json", *words)
    verdicts = json.loads(outcome.out) if outcome.out else []
    assert outcome.code == 0 and verdicts, outcome.err + json.dumps(verdicts, indent=1)
