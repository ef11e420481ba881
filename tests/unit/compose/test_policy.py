"""A FLASK policy in bundles: a module more on x86, a node of /chosen on Arm, and what is refused."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import x86_files as files
from test_arm import loader, part
from test_arm_loader import Run, driver, machine
from test_dom0less import merged, small

from xenbuild.compose import arm, nodes, policy, x86
from xenbuild.compose.dom0less import Partition
from xenbuild.compose.inspect import inspect
from xenbuild.compose.policy import XSM_POLICY
from xenbuild.errors import DeclarationError, FormatError
from xenbuild.formats.fdt import Node, cells, parse_fdt

__all__ = ["driver"]  # the fixture

POLICY = struct.pack("<II", 0xF97CFF8C, 8) + b"XenFlask" + bytes(100)


def test_it_is_the_module_behind_the_initramfs(tmp_path: Path) -> None:
    contents = [
        x86.Content("xen", "hypervisor", memoryview(files.hypervisor())),
        x86.Content("kernel", "kernel", memoryview(files.bzimage())),
        x86.Content("initramfs", "initramfs", memoryview(b"initramfs")),
        x86.Content(XSM_POLICY, policy.ROLE, memoryview(POLICY)),
    ]
    assert [content.name for content in contents[1:]] == list(x86.MODULES)
    manifest = x86.write_bundle(tmp_path / "b.elf", files.loader(), contents, "x86_64/xen")
    last = manifest.parts[-1]
    assert (last.name, last.role, last.size) == ("xsm_policy", "xsm policy", len(POLICY))
    assert (tmp_path / "b.elf").read_bytes()[last.offset :][: last.size] == POLICY
    assert not inspect(tmp_path / "b.elf").damage


def test_xen_must_know_it() -> None:
    policy.check(POLICY, b"... XenFlask ...")
    with pytest.raises(DeclarationError, match="this Xen is built without FLASK"):
        policy.check(POLICY, files.hypervisor())
    with pytest.raises(FormatError, match=r"^hypervisor\.xsm_policy is no compiled FLASK policy"):
        policy.check(b"class xen", b"... XenFlask ...")


@pytest.mark.parametrize("dom0", [True, False])
def test_it_is_a_node_of_chosen(driver: Run, dom0: bool) -> None:
    domains = [] if dom0 else [small("one")]
    places = {"one:kernel": (0x200000, 7)} if domains else {}
    tree = nodes.tree(Partition(domains), places | {XSM_POLICY: (0x500000, len(POLICY))})
    chosen = parse_fdt(merged(driver, machine(), tree, dom0=dom0)).root.child("chosen")
    assert chosen is not None
    found = [node for node in chosen.children if "xen,xsm-policy" in node.strings("compatible")]
    assert [node.strings("compatible") for node in found] == [["xen,xsm-policy", "multiboot,module"]]
    assert found[0].properties["reg"] == cells(1, 0x40500000, 0, len(POLICY))


def test_it_needs_the_cells_that_it_was_written_with(driver: Run) -> None:
    one_cell = machine(Node("chosen", {"#address-cells": cells(1), "#size-cells": cells(1)}))
    said = merged(driver, one_cell, nodes.tree(Partition(), {XSM_POLICY: (0x500000, 1)}), dom0=True)
    assert said == b"problem: /chosen has cells that cannot hold the address of a module"


def test_an_arm_bundle_has_it(tmp_path: Path) -> None:
    contents = [
        arm.Content("xen", part("arm64", 5000, 9000), 9000, "x"),
        arm.read_kernel(part("arm64", 20000, 30000), "arm64", "console=hvc0"),
        arm.Content(XSM_POLICY, POLICY, len(POLICY)),
    ]
    manifest = arm.write_bundle(tmp_path / "bundle", loader("arm64"), contents, "arm64/xen")
    last = manifest.parts[-1]
    data = (tmp_path / "bundle").read_bytes()
    assert (last.role, data[last.offset :][: last.size]) == ("xsm policy", POLICY)
    rest = arm.TABLE.unpack_from(data, 64)[5:]
    nodes, rows = (rest[8], rest[9]), (rest[10], rest[11])
    (node,) = parse_fdt(data[nodes[0] :][: nodes[1]]).root.children
    assert node.properties["reg"] == cells(0, last.offset, 0, last.size)
    titles = [data[row[2] :][: row[3]] for row in arm.ROW.iter_unpack(data[rows[0] :][: rows[1]])]
    assert policy.TITLE.encode() in titles  # its CRC is checked before Xen starts
