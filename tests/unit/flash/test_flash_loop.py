"""The whole command on a loop device, as on a real disk; needs root and loop devices."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_disks import MIB, make_image, old_disk

TOP = Path(__file__).parents[3]


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[str]:
    """A loop device of 32 MiB with an old disk on it."""
    losetup = shutil.which("losetup", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if os.geteuid() or not losetup or not Path("/dev/loop-control").exists():
        pytest.skip("loop devices need root, losetup and /dev/loop-control")
    old_disk(tmp_path / "disk", 32 * MIB)
    made = subprocess.run(
        [losetup, "-f", "--show", str(tmp_path / "disk")], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no loop device to be had here: {made.stderr.strip()}")
    yield made.stdout.strip()
    subprocess.run([losetup, "-d", made.stdout.strip()], check=True)


def flash(*words: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "xenbuild.cli.main", "flash", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(TOP / "build")}
    return subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def test_flash_to_a_loop_device(loop: str, tmp_path: Path) -> None:
    wanted = make_image(tmp_path / "lab.raw", 24 * MIB, [(2 * MIB, 9 * MIB), (17 * MIB, 4000)])
    listed = [json.loads(line)["disk"] for line in flash("--list", "--json").stdout.splitlines()]
    ours = next(disk for disk in listed if disk["device"] == loop)
    assert (ours["size"], ours["bus"], ours["holds"], ours["against"]) == (32 * MIB, "loop", "GPT", [])
    words = ("--yes", "--foreign", "--json", "--identity", ours["identity"])
    done = flash(tmp_path / "lab.raw", loop, *words)
    assert done.returncode == 0, done.stderr
    with Path(loop).open("rb") as device:
        assert device.read(24 * MIB) == wanted
    assert not any((tmp_path / "disk").read_bytes()[31 * MIB :])


def test_a_loop_device_in_use_or_changed(loop: str, tmp_path: Path) -> None:
    make_image(tmp_path / "lab.raw", 4 * MIB, [])
    words = (tmp_path / "lab.raw", loop, "--yes", "--foreign")
    fd = os.open(loop, os.O_RDONLY | os.O_EXCL)  # as a mount does
    try:
        done = flash(*words)
    finally:
        os.close(fd)
    assert (done.returncode, f"error: {loop} is in use by the kernel or another program" in done.stderr) == (8, True)
    done = flash(*words, "--identity", "loop0/another//1/1")
    assert (
        done.returncode,
        f"error: {loop} is not the device that was listed: it was loop0/another" in done.stderr,
    ) == (
        8,
        True,
    )
    done = flash(tmp_path / "lab.raw", tmp_path / "disk", "--yes", "--foreign")
    assert (done.returncode, f"disk is attached to {loop}" in done.stderr) == (8, True)


def test_a_mounted_loop_device(loop: str, tmp_path: Path) -> None:
    mkfs = shutil.which("mkfs.ext4", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if not mkfs:
        pytest.skip("no mkfs.ext4 on this machine")
    make_image(tmp_path / "lab.raw", 4 * MIB, [])
    subprocess.run([mkfs, "-q", "-F", loop], check=True, capture_output=True)
    (tmp_path / "mnt").mkdir()
    if subprocess.run(["mount", loop, tmp_path / "mnt"], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        done = flash(tmp_path / "lab.raw", loop, "--yes", "--foreign")
    finally:
        subprocess.run(["umount", tmp_path / "mnt"], check=True)
    assert done.returncode == 8
    assert f"error: {loop} is mounted on {tmp_path}/mnt\n  advice: unmount it: umount {tmp_path}/mnt" in done.stderr
