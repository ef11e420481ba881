"""Guests that Xen itself starts, on Arm machines with and without a dom0 (dom0less/*/xenbuild.yaml)."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

pytestmark = [pytest.mark.smoke, pytest.mark.slow]

OWN_XEN = "XENBUILD_TEST_XEN_STATIC"
"""A Xen for arm64, 4.17, built with CONFIG_STATIC_MEMORY, CONFIG_STATIC_SHM and CONFIG_BOOT_TIME_CPUPOOLS."""


@pytest.mark.parametrize("target", ["arm64/xen", "armv7/xen"])
@pytest.mark.parametrize("which", ["alone", "beside"])
def test_guests_that_xen_starts(tmp_path: Path, settings: Settings, which: str, target: str) -> None:
    project = laid(which, tmp_path, settings)
    outcome = project.run("test", "--json", target)
    assert outcome.code == 0 and [v["error"] for v in json.loads(outcome.out)] == [None], outcome.out + outcome.err


def test_a_newer_xen(tmp_path: Path, settings: Settings) -> None:
    project = laid("newer", tmp_path, settings, TOP / "tests" / "image" / "trixie" / "xenbuild.lock")
    shutil.copy(TOP / "recipes" / "examples" / "dom0less" / "clock.dtb", project.folder)
    outcome = project.run("test", "--json")
    assert outcome.code == 0 and [v["error"] for v in json.loads(outcome.out)] == [None], outcome.out + outcome.err


@pytest.mark.skipif(OWN_XEN not in os.environ, reason=f"${OWN_XEN} names no Xen with static memory; Debian's has none")
def test_all_that_is_fixed_before_the_machine_starts(tmp_path: Path, settings: Settings) -> None:
    project = laid("static", tmp_path, settings)
    shutil.copy(os.environ[OWN_XEN], project.folder / "xen")
    outcome = project.run("test", "--json")
    assert outcome.code == 0 and [v["error"] for v in json.loads(outcome.out)] == [None], outcome.out + outcome.err


def laid(which: str, folder: Path, settings: Settings, lock: Path = TOP / "xenbuild.lock") -> Project:
    """The declaration beside a lock that covers it."""
    shutil.copy(Path(__file__).with_name("dom0less") / which / "xenbuild.yaml", folder)
    shutil.copy(lock, folder)
    return Project(folder, settings.store.root)
