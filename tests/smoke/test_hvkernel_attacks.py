"""The suite of attacks on hvkernel: each is refused or kills only its author, and its neighbours go on unharmed."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
from hvguest import CPUS, Boot, attacks, boot, build, needs_limits, verdicts

from xenbuild.media.build import Settings
from xenbuild.parts.toolstree import ToolsTree

pytestmark = pytest.mark.smoke

# Frames of the hypervisor's that a domain with two vcpus may cause to be taken (hvkernel/common/domain.c): itself 3,
# vcpus 2 * 2, ports 2 or 8, a context 2, a grant table 32 with 49 or 97 pages of counts.
BUDGET = {"ia32": 92, "x86_64": 146}

CASES = [pytest.param(arch, name, id=f"{arch}-{name.replace(' ', '-')}") for arch in CPUS for name in attacks(arch)]


@pytest.fixture(scope="module")
def suite(
    settings: Settings,
    tools_group: Callable[[str], ToolsTree],
    tool: Callable[[str], list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Boot]:
    """What a boot of the suite says, once for each architecture and number of CPUs."""
    tools_group("build")  # its packages are there from now on

    @cache
    def said(arch: str, cpus: int = 1, prefix: str = "") -> Boot:
        folder = tmp_path_factory.mktemp(arch)
        parts = build(arch, settings)
        # QEMU's CPUs wait for each other when the machine has fewer.
        words, deadline = f"attacks {prefix}".strip(), 300.0 * cpus * cpus
        return boot(tool("qemu-system-x86_64"), parts, folder, arch, words, cpus=cpus, deadline=deadline)

    return said


def possible(name: str) -> tuple[str, ...]:
    """What may be said of an attack under QEMU; test_bochs.py has the others judged."""
    return ("not judged on this machine",) if name in needs_limits() else ("refused", "killed its author")


@pytest.mark.parametrize(("arch", "name"), CASES)
def test_attack_does_no_harm(suite: Callable[..., Boot], arch: str, name: str) -> None:
    console = suite(arch).console
    assert verdicts(console).get(name) in possible(name), console[-3000:]


@pytest.mark.parametrize("arch", CPUS)
def test_all_attacks_of_the_sources_are_made(suite: Callable[..., Boot], arch: str) -> None:
    done = suite(arch)
    assert set(verdicts(done.console)) == set(attacks(arch))
    assert len([name for name in attacks(arch) if not name.endswith(" by dom0")]) >= 250
    assert "pass nothing is lost" in done.console
    assert done.passed(), done.console[-3000:]


@pytest.mark.parametrize("arch", CPUS)
def test_no_domain_takes_more_of_the_hypervisors_memory_than_its_budget(suite: Callable[..., Boot], arch: str) -> None:
    console = suite(arch).console
    said = re.findall(r"domain (\d+):.*\s+\(HV\) +of the hypervisor's memory: (\d+) of (\d+) frames", console)
    accounts = [(int(used), int(most)) for number, used, most in said if number != "0"]
    assert all(used <= most for used, most in accounts)
    assert [most for used, most in accounts if used == most] == [BUDGET[arch]]  # the attacker
    assert len(accounts) >= 3


@pytest.mark.parametrize(
    ("cpus", "prefix"),
    [(4, "race"), pytest.param(2, "race", marks=pytest.mark.slow), pytest.param(4, "", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("arch", CPUS)
def test_attacks_do_no_harm_on_several_cpus(suite: Callable[..., Boot], arch: str, cpus: int, prefix: str) -> None:
    done = suite(arch, cpus, prefix)
    bad = {name: said for name, said in verdicts(done.console).items() if said not in possible(name)}
    assert not bad
    assert set(verdicts(done.console)) == {name for name in attacks(arch) if name.startswith(prefix)}
    assert done.passed(), done.console[-3000:]
