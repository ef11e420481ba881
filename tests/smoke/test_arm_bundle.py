"""Arm bundles boot from `qemu -kernel` alone, and the loader says what is wrong instead of hanging."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from xenbuild.compose.arm import XEN_OFFSET

pytestmark = pytest.mark.smoke

MACHINES = {
    "arm64/xen": ("qemu-system-aarch64", "virt,gic-version=3", "cortex-a57"),
    "armv7/xen": ("qemu-system-arm", "virt,highmem=off", "cortex-a15"),
}
targets = pytest.mark.parametrize("target", MACHINES)
Boot = Callable[..., str]


@pytest.fixture
def boot(tool: Callable[[str], list[str]], tmp_path: Path) -> Boot:
    """Boots an image until the console shows one of the markers; returns all that it said."""

    def run(target: str, image: Path, *markers: str, memory: int = 2048, virtualization: bool = True) -> str:
        program, machine, cpu = MACHINES[target]
        log = tmp_path / "console"
        log.touch()
        argv = [*tool(program), "-accel", "tcg", "-cpu", cpu, "-m", str(memory), "-nic", "none", "-display", "none"]
        argv += ["-machine", f"{machine},virtualization={'on' if virtualization else 'off'}"]
        argv += ["-monitor", "none", "-serial", f"file:{log}", "-kernel", str(image)]
        qemu = subprocess.Popen(argv)
        try:
            deadline = time.monotonic() + 180
            while time.monotonic() < deadline and qemu.poll() is None:
                said = log.read_text(errors="replace").replace("\r", "")
                if any(marker in said for marker in markers):
                    return said
                time.sleep(0.1)
        finally:
            qemu.kill()
            qemu.wait()
        pytest.fail(f"none of {markers} on the console:\n{log.read_text(errors='replace')[-2000:]}")

    return run


@targets
def test_xen_and_dom0_start(bundle: Callable[[str], Path], boot: Boot, target: str) -> None:
    said = boot(target, bundle(target), "Run /init as init process", "Kernel panic", "Panic on CPU")
    assert "xenbuild: entering Xen\n" in said
    assert "(XEN) Xen version" in said
    assert "Run /init as init process" in said


@targets
def test_a_damaged_part_is_named(bundle: Callable[[str], Path], boot: Boot, tmp_path: Path, target: str) -> None:
    image = bytearray(bundle(target).read_bytes())
    image[XEN_OFFSET + 4096] ^= 1
    (tmp_path / "image").write_bytes(image)
    said = boot(target, tmp_path / "image", "xenbuild: stopped", "(XEN)")
    assert "xenbuild: Xen is damaged: its CRC-32 is 0x" in said


@targets
def test_a_machine_without_virtualization(bundle: Callable[[str], Path], boot: Boot, target: str) -> None:
    said = boot(target, bundle(target), "xenbuild: stopped", "(XEN)", virtualization=False)
    mode = "EL2" if target == "arm64/xen" else "HYP mode"
    assert f"xenbuild: Xen must be started in {mode}, but the processor is in mode 0x" in said


@targets
def test_too_little_memory(bundle: Callable[[str], Path], boot: Boot, target: str) -> None:
    said = boot(target, bundle(target), "xenbuild: stopped", "(XEN)", memory=128)
    assert "xenbuild: this machine has 128 MiB of RAM, but this image needs " in said
