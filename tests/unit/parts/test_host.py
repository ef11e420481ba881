"""The host's settings in the words of Xen, of dom0's init and of xl."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from xenbuild.parts import guest, host, rootfs
from xenbuild.spec.block import Duration, InputFile, Percent, Size
from xenbuild.spec.data import data_dir
from xenbuild.spec.dom0 import Dom0
from xenbuild.spec.domain import Domain
from xenbuild.spec.hypervisor import Cpupool, Hypervisor, Microcode, Scheduler
from xenbuild.spec.model import Declaration, Target

MIB = 1 << 20


def declaration(arch: str = "x86_64", **blocks: object) -> Declaration:
    return Declaration(  # type: ignore[arg-type]
        target=Target(arch, "xen"), folder=Path(), name="n", release="bookworm", **blocks
    )


def words(**keys: object) -> list[str]:
    return list(host.xen_words(declaration(hypervisor=Hypervisor(**keys))))  # type: ignore[arg-type]


def test_nothing_is_said_about_what_is_not_declared() -> None:
    assert words() == []


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"scheduler": Scheduler(name="null")}, ["sched=null"]),
        (
            {"scheduler": Scheduler(ratelimit=Duration(0.002), timeslice=Duration(0.005), cap_period=Duration(0.02))},
            ["sched_ratelimit_us=2000", "sched_credit_tslice_ms=5", "credit2_cap_period_ms=20"],
        ),
        ({"scheduler": Scheduler(ratelimit=Duration(0))}, ["sched_ratelimit_us=0"]),
        ({"scheduler": Scheduler(granularity="core", runqueue="node")}, ["sched-gran=core", "credit2_runqueue=node"]),
        (
            {"max_cpus": 3, "numa": False, "cpuidle": True, "max_cstate": 0},
            ["maxcpus=3", "numa=off", "cpuidle=on", "max_cstate=0"],
        ),
        ({"cpufreq": "ondemand"}, ["cpufreq=xen:ondemand"]),
        ({"cpufreq": "dom0"}, ["cpufreq=dom0-kernel"]),
        ({"cpufreq": "off"}, ["cpufreq=none"]),
        ({"microcode": Microcode(packages=["amd64-microcode"])}, ["ucode=scan"]),
        ({"xsm_policy": InputFile(Path("p"))}, ["xsm=flask", "flask=enforcing"]),
        ({"xsm_policy": InputFile(Path("p")), "xsm_mode": "permissive"}, ["xsm=flask", "flask=permissive"]),
    ],
)
def test_words_of_xen(keys: dict[str, object], said: list[str]) -> None:
    assert words(**keys) == said


@pytest.mark.parametrize(
    ("arch", "dom0", "said"),
    [
        ("x86_64", Dom0(memory=Size(64 * MIB)), ["dom0_mem=65536K,max:65536K", "dom0_max_vcpus=1"]),
        ("arm64", Dom0(memory=Size(64 * MIB)), ["dom0_mem=65536K", "dom0_max_vcpus=1"]),
        ("x86_64", Dom0(memory=Size(64 * MIB), max_memory=Size(96 * MIB), vcpus=0), ["dom0_mem=65536K,max:98304K"]),
        ("x86_64", Dom0(memory=Size(64 * MIB), memory_share=Percent(25), vcpus=0), ["dom0_mem=25%,min:65536K"]),
        (
            "x86_64",
            Dom0(
                type="pvh",
                memory=Size(64 * MIB),
                memory_share=Percent(5),
                max_memory=Size(1 << 30),
                pin=True,
                nodes=[0, 2],
            ),
            ["dom0_mem=5%,min:65536K,max:1048576K", "dom0_max_vcpus=1", "dom0_vcpus_pin", "dom0_nodes=0,2", "dom0=pvh"],
        ),
        ("arm64", Dom0(enabled=False), []),
    ],
)
def test_words_about_dom0(arch: str, dom0: Dom0, said: list[str]) -> None:
    assert host.dom0_words(declaration(arch, dom0=dom0)) == said


def test_cpupools() -> None:
    pools = {"a": Cpupool(cpus="2-3"), "b": Cpupool(cpus="node:1", scheduler="credit")}
    made = declaration(hypervisor=Hypervisor(scheduler=Scheduler(name="null"), cpupools=pools))
    assert dict(host.cpupools(made)) == {
        "etc/xen/cpupools/a.cfg": "name = 'a'\ncpus = '2-3'\nsched = 'null'\n",
        "etc/xen/cpupools/b.cfg": "name = 'b'\ncpus = 'node:1'\nsched = 'credit'\n",
    }
    assert host.settings(made)["POOLS"] == "a=2-3 b=node:1"


def test_devices_of_guests_are_kept_from_dom0() -> None:
    domains = {"a": Domain(type="pv", pci=["00:04.0"]), "b": Domain(type="hvm", pci=["0001:02:00.1"], autostart=False)}
    made = declaration(domains=domains)
    assert host.devices(made) == ["0000:00:04.0", "0001:02:00.1"]
    assert host.drivers(made)[0] == "passthrough"  # before any driver that might want them
    assert host.drivers(declaration()) == Dom0().drivers
    own = replace(made, dom0=Dom0(drivers=["nics", "passthrough"]))
    assert host.drivers(own) == ["nics", "passthrough"]
    governed = declaration(hypervisor=Hypervisor(cpufreq="performance"))
    assert host.drivers(governed)[-1] == "power"


@pytest.mark.parametrize(
    ("pci", "module", "said"),
    [
        ("", "6.1/kernel/drivers/xen/xen-pciback/xen-pciback.ko", ""),
        (
            "0000:00:04.0 0000:00:05.0",
            "6.1/kernel/drivers/xen/xen-pciback/xen-pciback.ko",
            "hide=(0000:00:04.0)(0000:00:05.0)",
        ),
        ("0000:00:04.0", "6.1/kernel/drivers/net/e1000.ko", ""),
    ],
)
def test_init_tells_pciback_which(pci: str, module: str, said: str) -> None:
    script = (data_dir("dom0-image") / "linux" / "root" / "init").read_text()
    function = script[script.index("options() {") : script.index("\n}\n", script.index("options() {")) + 3]
    command = f"PCI={shlex.quote(pci)}; {function} options {module}"
    assert subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout == said


def test_a_pv_guest_with_devices_gets_what_drives_them() -> None:
    made = guest.settled("m", "g", Domain(type="pv", pci=["00:04.0"], cmdline=["quiet"]))
    assert made.drivers == ["frontends", "pci-frontend"]
    assert made.cmdline == ["console=hvc0", "iommu=soft", "swiotlb=force", "quiet"]
    emulated = guest.settled("m", "g", Domain(type="hvm", pci=["00:04.0"]))
    assert emulated.drivers == ["frontends"] and "swiotlb=force" not in emulated.cmdline
    own = guest.settled("m", "g", Domain(type="pv", pci=["00:04.0"], kernel=InputFile(Path("k"))))
    assert own.cmdline == []


@pytest.mark.parametrize("balloon", [True, False])
def test_ballooning_is_xls(balloon: bool) -> None:
    entries = {one["path"]: one for one in rootfs.config(declaration(dom0=Dom0(balloon=balloon))).params["entries"]}
    assert f'autoballoon="{"on" if balloon else "off"}"\n' in entries["etc/xen/xl.conf"]["content"]
