"""How the host is shared out, and what Xen is told of security: host/*/xenbuild.yaml, through the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flaskpolicy import flask_project
from project import TOP, Project

from xenbuild.cli.lock import write_lock
from xenbuild.media.build import Settings

pytestmark = pytest.mark.smoke
HERE = Path(__file__).with_name("host")


def project(name: str, settings: Settings, tmp_path: Path) -> Project:
    folder = tmp_path / "project"
    shutil.copytree(HERE / name, folder, ignore=shutil.ignore_patterns("out"))
    shutil.copy(TOP / "xenbuild.lock", folder)
    return Project(folder, settings.store.root)


def passes(made: Project, *words: str) -> None:
    outcome = made.run("test", "--json", *words)
    verdicts = json.loads(outcome.out) if outcome.out else []
    assert outcome.code == 0 and verdicts, outcome.err + json.dumps(verdicts, indent=1)


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("small", "small"),
        pytest.param("nodes", "shares", marks=pytest.mark.slow),
        pytest.param("nodes", "sleep", marks=pytest.mark.slow),
        pytest.param("share", "share", marks=pytest.mark.slow),
        pytest.param("pvh", "pvh-dom0", marks=pytest.mark.slow),
    ],
)
def test_the_host_is_shared_out(name: str, test: str, settings: Settings, tmp_path: Path) -> None:
    passes(project(name, settings, tmp_path), "-k", test)


@pytest.fixture
def flask(tool: Callable[[str], list[str]], settings: Settings, tmp_path: Path) -> Project:
    return flask_project(settings, tool, tmp_path)


def test_a_policy_is_enforced(flask: Project) -> None:
    passes(flask)


@pytest.mark.slow
@pytest.mark.parametrize("medium", ["disk", "cd", "application"])
def test_a_policy_is_enforced_however_xen_is_started(medium: str, flask: Project) -> None:
    passes(flask, "--profile", "media", "-k", medium)


@pytest.mark.slow
def test_xen_finds_the_microcode(settings: Settings, tmp_path: Path) -> None:
    """QEMU's CPU keeps the revision that it has: that Xen tried to load another is what can be seen here."""
    folder = tmp_path / "project"
    shutil.copytree(HERE / "microcode", folder)
    shutil.copy(TOP / "xenbuild.lock", folder)
    write_lock(folder / "xenbuild.yaml")
    passes(Project(folder, settings.store.root))
