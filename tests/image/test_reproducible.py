"""The same declaration and lock make the same bytes, wherever, whenever and however they are built; and a change
costs no more than what it changes."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest
from project import Project, share_packages

from xenbuild.media.build import Settings

pytestmark = pytest.mark.image

TOP = Path(__file__).resolve().parents[2]
SHOWCASE = TOP / "xenbuild.yaml"
PAPERS = ("manifest.json", "report.txt", "sbom.spdx.json", "sbom.cdx.json", "provenance.json", "SHA256SUMS")
RESULTS = ("showcase.elf", *PAPERS)
NEW = secrets.token_hex(8)  # what no store has seen


@pytest.fixture(scope="module")
def warm(settings: Settings, module_folder: Path) -> Project:
    """The showcase, built in the session's store."""
    project = Project.of(SHOWCASE, module_folder / "project", settings.store.root)
    assert project.run("image").code == 0
    return project


def test_two_empty_stores_make_the_same_bytes(settings: Settings, warm: Project, tmp_path: Path) -> None:
    here = Project.of(SHOWCASE, tmp_path / "here", tmp_path / "store")
    there = Project.of(SHOWCASE, tmp_path / "a longer name, with spaces" / "ünd more", tmp_path / "other store")
    there.environment = {
        "TZ": "Pacific/Kiritimati",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "C",
        "HOME": str(tmp_path / "nobody"),
        "USER": "somebody",
        "PYTHONHASHSEED": "7",
        "XDG_CONFIG_HOME": "/nonexistent",
    }
    for project in (here, there):
        share_packages(settings.store, project.store)
    assert here.run("image").code == 0
    outcome = there.run("image", "-j1", "--json", before=lambda: os.umask(0o077))
    assert outcome.code == 0
    assert len(outcome.steps()) == len({i["label"] for i in outcome.objects() if "kind" in i})  # all ran, none cached
    for name in RESULTS:
        one, other = (project.image(f"x86_64-xen/{name}").read_bytes() for project in (here, there))
        assert one == other, f"{name} differs"


def test_a_word_of_dom0s_kernel_only_composes_anew(warm: Project) -> None:
    warm.replace("cmdline: [quiet]", f"cmdline: [quiet, w.w={NEW}]")
    assert warm.run("image", "--json").steps() == {"compose x86_64/xen"}
    assert f"quiet w.w={NEW}".encode() in warm.image().read_bytes()


def test_a_host_name_packs_only_the_configuration_anew(warm: Project) -> None:
    warm.replace("hostname: xen-${arch}", f"hostname: another-{NEW}")
    wanted = {"pack dom0's configuration", "join dom0's initramfs", "compose x86_64/xen"}
    assert warm.run("image", "--json").steps() == wanted


def test_an_added_file_packs_only_the_configuration_anew(warm: Project) -> None:
    (warm.folder / "motd").write_text(f"one {NEW}\n")
    warm.replace("  memory: 512M\n", "  memory: 512M\n  files: [{path: /etc/motd, source: motd}]\n")
    wanted = {"pack dom0's configuration", "join dom0's initramfs", "compose x86_64/xen"}
    assert warm.run("image", "--json").steps() == wanted
    (warm.folder / "motd").write_text(f"two {NEW}\n")
    assert warm.run("image", "--json").steps() == wanted


def test_nothing_changed_runs_nothing(warm: Project) -> None:
    assert warm.run("image", "--json").steps() == set()
