"""What hvkernel gives, it gets back: domains that come and go by chance, and calls that find no memory half way."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hvguest import CPUS, TOP, Boot, boot, build

from xenbuild.media.build import Settings
from xenbuild.parts.toolstree import ToolsTree

pytestmark = pytest.mark.smoke

PANIC = 3 * 2 + 1  # QEMU's exit status by isa-debug-exit

# Who allocates for the machine, before there is a guest; what for before there is an allocator; and who for dom0.
BOOT_ONLY = {"start", "cpu_prepare", "take_memory", "load_all"}
EARLY = {"page tables", "the frame table", "the machine-to-physical table", "the image's page table"}
DOM0 = {"domain_create", "domain_shared_alloc", "grants_create", "grants_grow", "vcpu_create", "arch_vcpu_create"}


@pytest.fixture
def run(
    settings: Settings, tools_group: Callable[[str], ToolsTree], tool: Callable[[str], list[str]], tmp_path: Path
) -> Callable[..., Boot]:
    tools_group("build")  # its packages are there from now on

    def said(arch: str, words: str, deadline: float = 300.0, memory: int = 64, more: str = "", cpus: int = 1) -> Boot:
        qemu, parts = tool("qemu-system-x86_64"), build(arch, settings)
        return boot(qemu, parts, tmp_path, arch, words, deadline=deadline, memory=memory, more=more, cpus=cpus)

    return said


def allocators(arch: str, how: str = "hv_alloc|domain_hv_alloc|domain_frames_alloc|allocation_fails") -> set[str]:
    """The functions that ask for memory by one of the functions of `how`, a pattern."""
    found: set[str] = set()
    top = TOP / "hvkernel"
    for folder in ("common", "pv", "arch/x86", f"arch/x86/{arch}"):
        for file in (top / folder).glob("*.c"):
            function = ""
            for line in file.read_text().splitlines():
                head = re.match(r"[a-z].*?(\w+)\(", line)
                function = head[1] if head else function
                if re.search(rf"^\s.*\b({how})\((?!wh(?:o|at)\b)", line):
                    found.add(function)
    return found


@pytest.mark.parametrize("arch", CPUS)
def test_what_guests_can_have_allocated_is_charged_to_them(arch: str) -> None:
    """A domain's own frame is the one that is taken before there is anybody to charge."""
    assert allocators(arch, "hv_alloc") == {*BOOT_ONLY, "domain_create"}
    assert len(allocators(arch, "domain_hv_alloc")) >= 8


@pytest.mark.parametrize("arch", CPUS)
def test_every_allocation_fails_once_and_nothing_is_lost(run: Callable[..., Boot], arch: str) -> None:
    done = run(arch, "faults", memory=128, more="fault-injection dom0_max_vcpus=2")
    assert done.passed(), done.console[-3000:]
    assert set(re.findall(r"no memory for (\w+) \(fault injection\)", done.console)) == allocators(arch) - BOOT_ONLY


def test_faults_are_injected_only_where_the_command_line_says_so(run: Callable[..., Boot]) -> None:
    done = run("x86_64", "faults", memory=128, more="dom0_max_vcpus=2")
    assert done.passed(), done.console[-3000:]
    assert "fault injection" not in done.console


@pytest.mark.parametrize("arch", CPUS)
@pytest.mark.parametrize("turns", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_domains_come_and_go_without_a_trace(run: Callable[..., Boot], arch: str, turns: int) -> None:
    done = run(arch, f"cycles {turns}", deadline=300.0 + turns / 4)
    assert done.passed(), done.console[-3000:]
    assert "pass nothing is lost" in done.console
    counts = re.search(r"(\d+) domains came and went: (\d+) ran, (\d+) had pinned tables, (\d+) granted", done.console)
    assert counts is not None
    assert int(counts[1]) >= turns
    assert all(int(count) >= turns // 40 for count in counts.groups()[1:])


def fault_at_boot(done: Boot) -> str:
    """Judges a boot in which an allocation fails: what it was for; "" if none has failed."""
    injected = re.findall(r"^\(HV\) no memory for (.+) \(fault injection\)\r*$", done.console, re.MULTILINE)
    panics = re.findall(r"^\(HV\) hvkernel panic: (.+?)\r*$", done.console, re.MULTILINE)
    assert len(injected) <= 1
    if done.status == PANIC:  # neither a triple fault nor a NULL dereference, which are panics of another kind
        assert len(panics) == len(injected) == 1, done.console
        assert panics[0].startswith("no memory for "), done.console
    else:
        assert done.passed(), done.console
        assert not panics
    if injected and injected[0] in ("start", "cpu_prepare") and done.passed():
        assert "no memory for cpu 1 (APIC 1): it stays off" in done.console
        assert "1 CPUs run" in done.console
    if not injected:
        assert "2 CPUs run" in done.console
    return injected[0] if injected else ""


@pytest.mark.parametrize("arch", CPUS)
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_a_boot_that_finds_no_memory_says_for_what_or_goes_without(
    run: Callable[..., Boot], arch: str, step: int
) -> None:
    failed: list[str] = []
    while not failed or failed[-1]:
        more = f"fault-injection={1 + step * len(failed)} dom0_max_vcpus=2"
        failed.append(fault_at_boot(run(arch, "nothing", deadline=120.0, more=more, cpus=2)))
    assert len(failed) > 30 / step
    if step == 1:
        assert set(failed) == {*BOOT_ONLY, *EARLY, *DOM0, ""}
