"""A disk that the build makes for firmware, started by the BIOS of hvm guests (SeaBIOS), without Xen and under it."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings, _bring_about, _sourced
from xenbuild.parts.guest import guests
from xenbuild.parts.requests import part_requests
from xenbuild.plan.action import OutputOf
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.load import load
from xenbuild.spec.recipe import Release, load_recipe

pytestmark = pytest.mark.smoke
DECLARATION = """
version: 1
name: m
release: bookworm
targets: [x86_64/xen]
images: [{name: m}]
domains:
  pc:
    type: hvm
    boot: firmware
    cmdline: [console=ttyS0, quiet, 'proof="of boot"']
    disks: [{filesystem: ext4}]
    command: cat /proc/cmdline
"""


@pytest.fixture
def disk(settings: Settings, tmp_path: Path) -> Path:
    """The image of the guest's disk."""
    (tmp_path / "xenbuild.yaml").write_text(DECLARATION)
    declaration = load(tmp_path / "xenbuild.yaml")
    release = load_recipe(Release, declaration.release)
    asked = part_requests(declaration, release)
    packages = {role: settings.lock.packages(asked[role]) for role in ("dom0", "kernel")}
    tools: dict[LockedPackage, None] = {}
    (guest,) = guests(declaration, release, packages, _sourced(declaration, settings, tools))
    goal = guest.disks["xvda"]
    assert isinstance(goal, OutputOf)
    made = _bring_about([goal], [*packages["dom0"], *packages["kernel"], *tools], settings)
    return settings.store.path(made[goal].digest)


def test_the_bios_starts_grub_and_that_linux(disk: Path, tool: Callable[[str], list[str]], tmp_path: Path) -> None:
    machine = ["-machine", "pc,accel=tcg", "-cpu", "qemu64", "-m", "256M", "-display", "none", "-nic", "none"]
    drive = f"file={disk},format=raw,if=ide,snapshot=on"
    words = [
        *tool("qemu-system-x86_64"),
        *machine,
        "-serial",
        "stdio",
        "-monitor",
        "none",
        "-no-reboot",
        "-drive",
        drive,
    ]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")
    deadline = threading.Timer(240, process.kill)
    deadline.start()
    lines: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if "BOOT_IMAGE" in line:  # what the guest's command prints, after it is ready
                break
    finally:
        deadline.cancel()
        process.kill()
        process.wait()
    said = "".join(lines)
    assert "xenbuild: guest pc ready" in said, said[-2000:]
    assert 'BOOT_IMAGE=/boot/vmlinuz console=ttyS0 quiet "proof=of boot"' in said, said[-2000:]


@pytest.mark.slow
def test_xen_starts_it_too(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(Path(__file__).with_name("firmware"), folder, ignore=shutil.ignore_patterns("out"))
    shutil.copy(TOP / "recipes/examples/hvm/xenbuild.lock", folder)
    outcome = Project(folder, settings.store.root).run("test", "--json")
    assert outcome.code == 0, outcome.out + outcome.err
    (verdict,) = json.loads(outcome.out)
    assert verdict["passed"], verdict
