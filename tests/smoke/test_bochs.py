"""hvkernel on Bochs, which checks what TCG lets pass: the limits of segments, on which IA-32's isolation rests."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hvguest import attacks, build, verdicts
from project import TOP, Project

from xenbuild.media.build import Settings
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.prove.bochs import GROUPS, Bochs, connecting, listen, reason
from xenbuild.prove.console import Console

pytestmark = pytest.mark.smoke

Machine = Callable[[str, str, int, str], str]

DEADLINE = 900.0  # seconds; the suite takes 30 on an idle machine
END = r"\(HV\) (dom0 has shut down, reason \d+|panic.*)"


def profile(settings: Settings, folder: Path, target: str, *names: str) -> list[dict[str, object]]:
    """Verdicts of tests of the showcase's profile for Bochs."""
    project = Project.of(TOP / "xenbuild.yaml", folder / "project", settings.store.root)
    only = [word for name in names for word in ("-k", name)]
    outcome = project.run("test", target, "--profile", "bochs", *only, "--json", "-j", "1")
    found: list[dict[str, object]] = json.loads(outcome.out)
    assert outcome.code == 0, outcome.err + json.dumps(found, indent=1)
    return found


def test_a_pentium_ii_boots_to_the_end_of_the_test(settings: Settings, tmp_path: Path) -> None:
    (verdict,) = profile(settings, tmp_path, "ia32/hvkernel", "pentium2")
    assert verdict["accelerator"] == "bochs" and verdict["passed"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "name"), [("ia32/hvkernel", "pentium3"), ("x86_64/hvkernel", "haswell"), ("x86_64/hvkernel", "skylake")]
)
def test_other_cpus_boot(settings: Settings, tmp_path: Path, target: str, name: str) -> None:
    (verdict,) = profile(settings, tmp_path, target, name)
    assert verdict["passed"]


@pytest.fixture
def machine(settings: Settings, tools_group: Callable[[str], ToolsTree], tmp_path: Path) -> Machine:
    """What hvkernel and its test guest say on a machine: architecture, Bochs's model, CPUs, the guest's words."""

    def said(arch: str, cpu: str, cpus: int, words: str) -> str:
        tools_group("build")  # its packages are there from now on
        hypervisor, guest = build(arch, settings)
        tools = {group: tools_group(group).root for group in GROUPS}
        bochs = Bochs(hypervisor, cpu, cpus, 128 << 20, tools, tmp_path / "machine", ((guest, words), (guest, "")))
        with listen() as listener:
            argv = bochs.argv(connecting(listener), [])
            with Console(argv, log=tmp_path / "log", listener=listener, name="Bochs", reason=reason) as console:
                console.expect(END, time.monotonic() + DEADLINE)
        text = (tmp_path / "log").read_text(errors="replace")
        assert f"{cpus} CPUs run" in text
        assert "HVKERNEL-TEST-OK" in text, text[-3000:]
        return text

    return said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arch", "cpu", "cpus"),
    [("ia32", "p2_klamath", 1), ("ia32", "p3_katmai", 2), ("x86_64", "corei7_haswell_4770", 1)],
)
def test_every_attack_is_judged_and_does_no_harm(machine: Machine, arch: str, cpu: str, cpus: int) -> None:
    said = machine(arch, cpu, cpus, "attacks")
    found = verdicts(said)
    assert {name: verdict for name, verdict in found.items() if verdict not in ("refused", "killed its author")} == {}
    assert set(found) == set(attacks(arch))
    assert "pass nothing is lost" in said


@pytest.mark.slow
@pytest.mark.parametrize(("arch", "cpu"), [("ia32", "p2_klamath"), ("x86_64", "corei7_skylake_x")])
def test_a_guest_gets_what_the_abi_promises(machine: Machine, arch: str, cpu: str) -> None:
    said = machine(arch, cpu, 1, "all")
    assert "pass what cannot be returned to goes to the failsafe callback" in said
    assert "pass they are destroyed as they run" in said
