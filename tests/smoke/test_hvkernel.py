"""hvkernel under its own test guest: as dom0 it makes the hypercalls, and builds domUs that come and go."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from xenbuild.media.build import Settings, _tools
from xenbuild.parts import hvkernel
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.plan.run import run
from xenbuild.spec.load import load

TOP = Path(__file__).parents[2]

pytestmark = pytest.mark.smoke

CPUS = {"ia32": "pentium2", "x86_64": "qemu64"}
EXIT = 0xF4  # QEMU's isa-debug-exit; hvkernel writes 0 there when dom0 has powered off
DEADLINE = 120.0  # seconds


@pytest.fixture(scope="module")
def built(settings: Settings, tools_group: Callable[[str], ToolsTree]) -> Callable[[str], tuple[Path, Path]]:
    """hvkernel and the test guest of an architecture."""
    tools_group("build")  # its packages are there from now on
    tools, _ = _tools(load(TOP / "xenbuild.yaml"), settings, "build")

    def made(arch: str) -> tuple[Path, Path]:
        parts = (hvkernel.hypervisor, hvkernel.test_guest)
        goals = [part(arch, settings.store, tools) for part in parts]
        results = run(goals, settings.store, jobs=os.cpu_count() or 1)
        image, guest = (settings.store.path(results[goal].digest) for goal in goals)
        return image, guest

    return made


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("arch", CPUS)
def test_hypercalls_do_as_the_abi_says_and_domains_come_and_go(
    built: Callable[[str], tuple[Path, Path]], tool: Callable[[str], list[str]], tmp_path: Path, arch: str, cpus: int
) -> None:
    image, guest = built(arch)
    log, kernel, module = tmp_path / "log", tmp_path / "hvkernel", tmp_path / "guest"
    shutil.copy(image, kernel)
    shutil.copy(guest, module)
    argv = [*tool("qemu-system-x86_64"), "-accel", "tcg", "-cpu", CPUS[arch], "-smp", str(cpus), "-m", "128"]
    argv += ["-display", "none", "-no-reboot", "-nic", "none", "-serial", f"file:{log}", "-kernel", str(kernel)]
    argv += ["-device", f"isa-debug-exit,iobase={EXIT:#x}", "-append", f"isa-debug-exit={EXIT:#x}"]
    argv += ["-initrd", f"{module} all,{module}"]
    done = subprocess.run(argv, capture_output=True, timeout=DEADLINE, check=False)
    console = log.read_text(errors="replace")
    wrong = [line for line in console.splitlines() if re.match(r"(\(d\d+\) )?FAIL", line)]
    assert not wrong, wrong
    assert "HVKERNEL-TEST-OK" in console, console[-3000:]
    assert f"{cpus} CPUs run" in console
    assert done.returncode == 1  # 0 * 2 + 1
