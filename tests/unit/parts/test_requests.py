"""Which packages a declaration asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenbuild.parts.requests import emulated_cards, needed_groups, needs_device_model, part_requests
from xenbuild.spec.block import Size
from xenbuild.spec.domain import Disk, Domain, Framebuffer, Network
from xenbuild.spec.model import Declaration, Target
from xenbuild.spec.recipe import Release, load_recipe, load_tools


def machine(*domains: Domain, arch: str = "x86_64", release: str = "bookworm") -> Declaration:
    guests = {f"g{number}": domain for number, domain in enumerate(domains)}
    return Declaration(target=Target(arch, "xen"), folder=Path(), name="m", release=release, domains=guests)


@pytest.mark.parametrize(
    ("domain", "needed"),
    [
        (Domain(type="pv", disks=[Disk(size=Size(4096))]), False),
        (Domain(type="pvh"), False),
        (Domain(type="hvm"), True),
        (Domain(type="pv", framebuffer=Framebuffer()), True),
        (Domain(type="pv", disks=[Disk(path="/a", format="qcow2")]), True),
        (Domain(type="pvh", start="dom0less"), False),
    ],
)
def test_a_device_model_is_there_for_guests_that_need_one(domain: Domain, needed: bool) -> None:
    made = machine(domain)
    assert needs_device_model(made) == needed
    for release in ("bookworm", "trixie"):
        asked = part_requests(made, load_recipe(Release, release))
        assert ("device model" in asked) == needed
        assert "qemu-system-xen" not in asked["dom0"].roots


def test_option_roms_are_there_for_guests_that_name_a_card() -> None:
    cards = [Network(model="e1000"), Network(), Network(model="rtl8139"), Network(model="e1000")]
    made = machine(Domain(type="hvm", networks=cards))
    assert emulated_cards(made) == ["e1000", "rtl8139"]
    assert part_requests(made, load_recipe(Release, "bookworm"))["cards"].roots == ("ipxe-qemu",)
    made = machine(Domain(type="hvm", networks=[Network()]))
    assert "cards" not in part_requests(made, load_recipe(Release, "bookworm"))


def test_arm_has_none() -> None:
    made = machine(Domain(type="pvh", disks=[Disk(path="/a", format="qcow2")]), arch="arm64")
    assert "device model" not in part_requests(made, load_recipe(Release, "bookworm"))


def test_tools_of_tests_are_the_projects_own(tmp_path: Path) -> None:
    tools = load_tools()
    ours = needed_groups(tools, ["x86_64"], "amd64", tools.file.parent.parent, [])
    theirs = needed_groups(tools, ["x86_64"], "amd64", tmp_path, [None])
    assert {"test", "test-media", "bochs"} <= set(ours) and "uboot-arm64" not in ours
    assert {"build", "run-x86"} <= set(theirs) and not [group for group in theirs if group.startswith("test")]
    assert "bochs" not in theirs and "bochs" in needed_groups(tools, ["ia32"], "arm64", tmp_path, ["qemu", "bochs"])
