"""What a cap leaves a domain, within 5 % of the cap: of one or more vcpus, on one or more CPUs, idle and busy ones.

The machine's time is the instructions that all its CPUs have executed, so no load of this machine changes a figure: a
host that does not run a CPU of the machine for a while would take from a domain what hvkernel has to charge it for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hvguest import CPUS, boot, build

from xenbuild.media.build import Settings
from xenbuild.parts.toolstree import ToolsTree

pytestmark = pytest.mark.smoke

COUNTED = ("-icount", "shift=3,sleep=off")  # 8 ns an instruction
CHANGES = 4  # of the cap of a domain that runs

# Architecture, CPUs, the test guest's words, and how many figures it is to judge.
CASES = [
    ("ia32", 2, "caps-short 1000", 6 + CHANGES),
    ("x86_64", 8, "caps-short 1000", 6 + CHANGES),
    *(
        pytest.param(arch, cpus, "caps 2000", 2 * rows + CHANGES, marks=pytest.mark.slow)
        for arch in CPUS
        for cpus, rows in ((1, 5), (2, 7), (4, 8), (8, 8))
    ),
]


@pytest.mark.parametrize(("arch", "cpus", "words", "figures"), CASES)
def test_a_cap_is_what_a_domain_gets(
    settings: Settings,
    tools_group: Callable[[str], ToolsTree],
    tool: Callable[[str], list[str]],
    tmp_path: Path,
    arch: str,
    cpus: int,
    words: str,
    figures: int,
) -> None:
    tools_group("build")  # its packages are there from now on
    qemu, parts = tool("qemu-system-x86_64"), build(arch, settings)
    done = boot(qemu, parts, tmp_path, arch, words, cpus=cpus, memory=128, arguments=COUNTED, deadline=600.0)
    wrong = [line for line in done.console.splitlines() if line.startswith("FAIL")]
    assert not wrong, wrong
    assert done.passed(), done.console[-3000:]
    assert f"{cpus} CPUs run" in done.console
    assert len(re.findall(r"^pass .*% of a CPU for a cap of \d+", done.console, re.MULTILINE)) == figures
