"""Guests that Xen starts: their nodes, how the loader merges them into /chosen, and what is refused."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_arm import loader, part
from test_arm_loader import FEW, NAMES, PROPERTIES, ROOTS, Run, driver, machine, unique

from xenbuild.compose import arm, dom0less, nodes
from xenbuild.compose.dom0less import Booted, Partition
from xenbuild.compose.inspect import inspect
from xenbuild.errors import DeclarationError, FormatError
from xenbuild.formats.fdt import DeviceTree, Node, cells, parse_fdt, strings, walk, write_fdt

__all__ = ["driver"]  # the fixture

ONE = Booted("one", 192 << 20, 2, "console=ttyAMA0 a=b")
TWO = Booted("two", 5 << 30, 1, "", True, False, [[0x1_5000_0000, 5 << 30]], True)
PLACES = {"one:kernel": (0x200000, 7), "one:initramfs": (0x300000, 8), "two:kernel": (0x200000, 7)}
BASE = 0x1_4000_0000
SOURCE = """/dts-v1/;
/ {
    domU1 {
        compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>;
        memory = <0 0x30000>; cpus = <2>; vpl011;
        module@200000 { compatible = "multiboot,kernel", "multiboot,module"; reg = <0 0x200000 0 7>;
            bootargs = "console=ttyAMA0 a=b"; };
        module@300000 { compatible = "multiboot,ramdisk", "multiboot,module"; reg = <0 0x300000 0 8>; };
    };
    domU2 {
        compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>;
        memory = <0 0x500000>; cpus = <1>; xen,enhanced = "enabled";
        xen,static-mem = <1 0x50000000 1 0x40000000>; direct-map;
        module@200000 { compatible = "multiboot,kernel", "multiboot,module"; reg = <0 0x200000 0 7>; bootargs = ""; };
    };
};
"""


def test_the_nodes_are_what_dtc_makes_of_the_source(tool: Callable[[str], list[str]]) -> None:
    argv = [*tool("dtc"), "-q", "-I", "dts", "-O", "dtb"]
    theirs = subprocess.run(argv, input=SOURCE.encode(), capture_output=True, check=True).stdout
    assert parse_fdt(nodes.tree(Partition([ONE, TWO]), PLACES)).root == parse_fdt(theirs).root


def merged(
    driver: Run, tree: bytes, guests: bytes, *, dom0: bool = False, room: int = 1 << 16, base: int = BASE, end: str = ""
) -> bytes:
    """What the loader makes of both trees; with `end`, of an image that reaches from `base` to there."""
    kernel = (0x48000000, 5) if dom0 else (0, 0)
    more = [end] if end else []
    return driver(tree, "write", room, "xen", "dom0", *kernel, 0, 0, guests.hex(), base, *more)


RING = {"id": "ring", "address": 0x6000_0000, "size": 8192, "host_address": 0x5000_0000, "role": "owner"}
PARTITION = Partition(
    [
        Booted(
            "a", 64 << 20, 2, "", vpl011=False, cpus="1,2", cpupool="rt", nr_spis=64, max_grant_frames=32,
            max_maptrack_frames=7, event_channels=[{"port": 10, "to": "b", "to_port": 11}],
            shared_memory=[RING],
        ),
        Booted(
            "b", 64 << 20, 1, "", True, event_channels=[{"port": 12, "to": "dom0", "to_port": 700}],
            shared_memory=[{**RING, "address": 0x7000_0000, "host_address": None, "role": None}],
        ),
    ],
    [[0x6000_0000, 0x1000_0000]],
    {"rt": {"cpus": [2, 1], "scheduler": "null"}, "rest": {"cpus": [0], "scheduler": None}},
)  # fmt: skip
PARTITION_SOURCE = """/dts-v1/;
/ {
    xen,static-heap = <0 0x60000000 0 0x10000000>;
    cpupool_rt { compatible = "xen,cpupool"; cpupool-cpus = <2 1>; cpupool-sched = "null"; phandle = <0x78620000>; };
    cpupool_rest { compatible = "xen,cpupool"; cpupool-cpus = <0>; phandle = <0x78620001>; };
    evtchn@2bc { compatible = "xen,evtchn-v1"; xen,evtchn = <700 0x78620004>; phandle = <0x78620005>; };
    domU1 {
        compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>; memory = <0 0x10000>; cpus = <2>;
        nr_spis = <64>; max_grant_frames = <32>; max_maptrack_frames = <7>; domain-cpupool = <0x78620000>;
        xenbuild,passthrough = "/rtc", "/soc/can@0"; xen,enhanced = "no-xenstore";
        shared-memory-0 { compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "ring"; role = "owner";
            xen,shared-mem = <0 0x50000000 0 0x60000000 0 8192>; };
        vcpu0 { compatible = "xen,vcpu"; id = <0>; hard-affinity = "1,2"; };
        vcpu1 { compatible = "xen,vcpu"; id = <1>; hard-affinity = "1,2"; };
        evtchn@a { compatible = "xen,evtchn-v1"; xen,evtchn = <10 0x78620003>; phandle = <0x78620002>; };
    };
    domU2 {
        compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>; memory = <0 0x10000>; cpus = <1>; vpl011;
        xen,enhanced = "enabled";
        shared-memory-0 { compatible = "xen,domain-shared-memory-v1"; xen,shm-id = "ring";
            xen,shared-mem = <0 0x70000000 0 8192>; };
        evtchn@b { compatible = "xen,evtchn-v1"; xen,evtchn = <11 0x78620002>; phandle = <0x78620003>; };
        evtchn@c { compatible = "xen,evtchn-v1"; xen,evtchn = <12 0x78620005>; phandle = <0x78620004>; };
    };
};
"""
DEVICES = {"a": ["/rtc", "/soc/can@0"], "b": []}
CPUS = [Node(f"cpu@{n}", {"device_type": strings("cpu"), "phandle": cells(0x8000 + n)}) for n in range(3)]
PARTITIONED = (
    Node("cpus", {}, [Node("cpu-map"), *CPUS]),
    Node("rtc", {"compatible": strings("arm,pl031")}),
    Node("soc", {}, [Node("can@0"), Node("can@00")]),
)


def test_partitions_are_what_dtc_makes_of_the_source(tool: Callable[[str], list[str]]) -> None:
    argv = [*tool("dtc"), "-q", "-I", "dts", "-O", "dtb"]
    theirs = subprocess.run(argv, input=PARTITION_SOURCE.encode(), capture_output=True, check=True).stdout
    ours = parse_fdt(nodes.tree(PARTITION, {}, DEVICES)).root
    assert in_order(ours) == in_order(parse_fdt(theirs).root)


def in_order(node: Node) -> tuple[object, ...]:
    return node.name, sorted(node.properties.items()), [in_order(child) for child in node.children]


def test_the_loader_puts_the_machine_into_partitions(driver: Run) -> None:
    tree = parse_fdt(merged(driver, machine(None, *PARTITIONED), nodes.tree(PARTITION, {}, DEVICES), dom0=True)).root
    chosen = tree.child("chosen")
    assert chosen is not None
    assert chosen.properties["xen,static-heap"] == cells(0, 0x60000000, 0, 0x10000000)
    pools = [node.cells("cpupool-cpus") for node in chosen.children if node.name.startswith("cpupool_")]
    assert pools == [[0x8002, 0x8001], [0x8000]]
    marked = [path for path, node in walk(tree) if "xen,passthrough" in node.properties]
    assert marked == ["/rtc", "/soc/can@0"]
    rtc = tree.child("rtc")
    assert rtc is not None and rtc.strings("compatible") == ["arm,pl031"]


@pytest.mark.parametrize(
    ("partition", "devices", "problem"),
    [
        (Partition((), [[0x7000_0000, 0x2000_0000]]), {}, "hypervisor.static_heap is not all RAM that is free here"),
        (Partition((), [[0x4040_0000, 0x10_0000]]), {}, "hypervisor.static_heap is not all RAM that is free here"),
        (Partition((), [[0x4000_0000, 0x20_0000]]), {}, ""),
        (
            Partition([Booted("a", 1 << 20, 1, static_memory=[[0x4010_0000, 0x20_0000]])]),
            {},
            "static_memory of a guest is not all RAM that is free here",
        ),
        (
            Partition([Booted("a", 1 << 20, 1, shared_memory=[{**RING, "host_address": 0x3000_0000}])]),
            {},
            "shared_memory of a guest is not all RAM that is free here",
        ),
        (Partition([Booted("a", 1 << 20, 1, shared_memory=[{**RING, "host_address": None}])]), {}, ""),
        (
            Partition((), (), {"p": {"cpus": [3], "scheduler": None}}),
            {},
            "hypervisor.cpupools names a CPU that this machine does not have",
        ),
        (
            Partition([Booted("a", 1 << 20, 1)]),
            {"a": ["/rtc", "/soc/can"]},
            "device_tree of a guest names a device that this machine does not have (xen,path)",
        ),
    ],
)
def test_what_a_machine_lacks_is_told_before_xen_panics(
    driver: Run, partition: Partition, devices: dict[str, list[str]], problem: str
) -> None:
    guests = nodes.tree(partition, {}, devices)
    said = merged(driver, machine(None, *PARTITIONED), guests, base=0x4020_0000, end="0x40500000")
    assert said.startswith(b"\xd0\x0d\xfe\xed") if not problem else said == b"problem: " + problem.encode()


def test_a_static_heap_needs_two_cells(driver: Run) -> None:
    tree = parse_fdt(machine())
    tree.root.properties["#size-cells"] = cells(1)
    guests = nodes.tree(Partition((), [[0x6000_0000, 0x100_0000]]), {})
    said = merged(driver, write_fdt(tree), guests, end="0x40500000")
    assert said == b"problem: hypervisor.static_heap needs a device tree of two cells each"


def device(**properties: bytes) -> bytes:
    """A partial device tree with one device; names of properties are written with _ for "," and "-"."""
    named = {name.replace("__", "-").replace("_", ","): value for name, value in properties.items()}
    top = Node("passthrough", {"#address-cells": cells(2), "#size-cells": cells(1)}, [Node("rtc@0", named)])
    return write_fdt(DeviceTree(Node("", {}, [top])))


REGISTERS = cells(0, 0x9010000, 0x1000, 0, 0x9010000)
WHERE = "domains.g.dom0less.device_tree: /passthrough/rtc@0"


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"xen_path": b"/r\0"}, "has xen,path without xen,reg"),
        ({"xen_reg": REGISTERS}, "has xen,reg without xen,path"),
        ({"xen_reg": REGISTERS[4:], "xen_path": b"/r\0"}, "has a xen,reg that does not fit its cells"),
        ({"xen_reg": cells(0, 1, 4096, 0, 0), "xen_path": b"/r\0"}, "has a xen,reg that is not made of pages"),
        ({"xen_reg": cells(0, 0, 512, 0, 0), "xen_path": b"/r\0"}, "has a xen,reg that is not made of pages"),
        ({"xen_reg": cells(0, 0, 0, 0, 8), "xen_path": b"/r\0"}, "has a xen,reg that is not made of pages"),
    ],
)
def test_a_partial_device_tree_that_xen_would_panic_about(properties: dict[str, bytes], problem: str) -> None:
    with pytest.raises(DeclarationError) as error:
        dom0less.passed_through(device(**properties), "g")
    assert error.value.message == f"{WHERE} {problem}"
    assert error.value.advice


def test_partial_device_trees() -> None:
    assert dom0less.passed_through(device(xen_reg=REGISTERS, xen_path=b"/rtc\0"), "g") == ["/rtc"]
    forced = device(xen_reg=REGISTERS, xen_force__assign__without__iommu=b"")
    assert dom0less.passed_through(forced, "g") == []
    with pytest.raises(DeclarationError, match=r"^domains\.g\.dom0less\.device_tree: it has no node /passthrough$"):
        dom0less.passed_through(write_fdt(DeviceTree(Node(""))), "g")
    with pytest.raises(FormatError, match=r"^domains\.g\.dom0less\.device_tree: not a flattened device tree$"):
        dom0less.passed_through(b"/dts-v1/;" + bytes(40), "g")


def moved(guests: bytes) -> list[Node]:
    """What the loader is to make of the nodes."""
    root = parse_fdt(guests).root

    def move(node: Node) -> None:
        reg = node.properties.get("reg", b"")
        if len(reg) >= 8:
            (offset,) = struct.unpack_from(">Q", reg)
            node.properties["reg"] = struct.pack(">Q", (offset + BASE) & (1 << 64) - 1) + reg[8:]
        for child in node.children:
            move(child)

    move(root)
    return root.children


def test_modules_lie_where_the_bundle_was_loaded(driver: Run) -> None:
    tree = parse_fdt(merged(driver, machine(), nodes.tree(Partition([ONE]), PLACES)))
    chosen = tree.root.child("chosen")
    assert chosen is not None
    assert "xen,dom0-bootargs" not in chosen.properties
    (guest,) = chosen.children
    assert guest.children[0].properties["reg"] == cells(1, 0x40200000, 0, 7)
    assert guest.children[1].properties["reg"] == cells(1, 0x40300000, 0, 8)
    assert guest.strings("compatible") == ["xen,domain"]


@pytest.mark.parametrize("dom0", [True, False])
def test_words_behind_two_dashes_go_to_dom0_or_else_to_the_first_guest(driver: Run, dom0: bool) -> None:
    old = machine(Node("chosen", {"bootargs": b"more -- nonce=1\0"}))
    tree = parse_fdt(merged(driver, old, nodes.tree(Partition([ONE, TWO]), PLACES), dom0=dom0))
    chosen = tree.root.child("chosen")
    assert chosen is not None
    assert chosen.strings("xen,xen-bootargs") == ["xen more"]
    guests = [node for node in chosen.children if node.name.startswith("domU")]
    words = [guest.children[0].strings("bootargs")[0] for guest in guests]
    first = "console=ttyAMA0 a=b"
    assert words == [first if dom0 else f"{first} nonce=1", ""]
    assert chosen.strings("xen,dom0-bootargs") == (["dom0 nonce=1"] if dom0 else [])


def test_static_memory_needs_the_cells_that_it_was_written_with(driver: Run) -> None:
    one_cell = machine(Node("chosen", {"#address-cells": cells(1), "#size-cells": cells(1)}))
    said = merged(driver, one_cell, nodes.tree(Partition([TWO]), PLACES))
    assert said == b"problem: /chosen has cells that cannot hold the address of a module"
    assert parse_fdt(merged(driver, one_cell, nodes.tree(Partition([ONE]), PLACES))).root.child("chosen")


FRAGMENTS = st.builds(
    Node,
    st.just(""),
    st.just({}),
    st.lists(
        st.builds(Node, NAMES, PROPERTIES, st.lists(st.builds(Node, NAMES, PROPERTIES), max_size=3).map(unique)),
        max_size=4,
    ).map(unique),
)


@FEW
@given(ROOTS, FRAGMENTS)
def test_any_nodes_are_merged(driver: Run, root: Node, fragment: Node) -> None:
    root.children = [child for child in root.children if child.name != "chosen"]
    guests = write_fdt(DeviceTree(fragment))
    chosen = parse_fdt(merged(driver, write_fdt(DeviceTree(root)), guests)).root.child("chosen")
    assert chosen is not None and chosen.children == moved(guests)


def test_too_little_room_for_guests_at_every_size(driver: Run) -> None:
    guests = nodes.tree(Partition([ONE, TWO]), PLACES)
    size = len(merged(driver, machine(), guests))
    for room in range(40, size, 97):
        assert merged(driver, machine(), guests, room=room) == b"problem: there is no room for the device tree"


def compose(
    tmp_path: Path,
    domains: list[Booted],
    *,
    dom0: bool = False,
    xen: bytes = b"",
    rooms: int = 30000,
    **more: Any,
) -> Path:
    words = "x"
    contents = [arm.Content("xen", part("arm64", 5000, 9000) + xen, 9000 + len(xen), words)]
    if dom0:
        contents.append(arm.read_kernel(part("arm64", 20000, 30000), "arm64", "console=hvc0"))
    for domain in domains:
        contents.append(arm.Content(f"{domain.name}:kernel", part("arm64", 20000, rooms), rooms, domain.cmdline))
        contents.append(arm.Content(f"{domain.name}:initramfs", domain.name.encode(), len(domain.name)))
    arm.write_bundle(tmp_path / "bundle", loader("arm64"), contents, "arm64/xen", "", Partition(domains, **more))
    return tmp_path / "bundle"


def small(name: str, **changes: object) -> Booted:
    return Booted(**{"name": name, "memory": 64 << 20, "vcpus": 1, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("dom0", [True, False])
def test_a_bundle_of_guests(tmp_path: Path, dom0: bool) -> None:
    path = compose(tmp_path, [small("one"), small("two", cmdline="a b")], dom0=dom0)
    facts = inspect(path).facts
    assert not inspect(path).damage
    listed = {one["name"]: one for one in facts["parts"]}
    assert list(listed) == [
        "xen", *(["kernel"] if dom0 else []), "one:kernel", "one:initramfs", "two:kernel", "two:initramfs",
    ]  # fmt: skip
    assert listed["two:kernel"]["cmdline"] == "a b"
    assert listed["two:initramfs"]["role"] == "guest initramfs"
    assert listed["one:kernel"]["offset"] == listed["two:kernel"]["offset"]  # equal files once
    data = path.read_bytes()
    _, _, _, total, needed, *rest = arm.TABLE.unpack_from(data, 64)
    _, _, _, _, nodes, rows, _, kernel, _ = zip(rest[0::2], rest[1::2], strict=True)
    assert (kernel != (0, 0)) == dom0
    table = list(arm.ROW.iter_unpack(data[rows[0] :][: rows[1]]))
    titles = [data[row[2] :][: row[3]].decode() for row in table]
    assert titles[0] == "the device tree of the guests" and titles[-1] == "the initramfs of guest two"
    assert len(table) == 5 and ("the dom0 kernel" in titles) == dom0  # dom0 and the guests share it
    root = parse_fdt(data[nodes[0] :][: nodes[1]]).root
    module = root.children[1].children[1]
    offset, size = struct.unpack(">QQ", module.properties["reg"])
    assert data[offset:][:size] == b"two"
    tables = 2 * 4096 * (256 + 64 + 128)
    assert needed == -(-(total + (64 << 20) + (512 << 20 if dom0 else 0) + (128 << 20) + tables) // (1 << 20))


def refused(tmp_path: Path, domains: list[Booted], **how: object) -> str:
    with pytest.raises(DeclarationError) as error:
        compose(tmp_path, domains, **how)  # type: ignore[arg-type]
    assert error.value.advice
    assert not (tmp_path / "bundle").exists()
    return error.value.message


def test_what_xen_would_panic_about(tmp_path: Path) -> None:
    many = [small(f"g{number}") for number in range(30)]
    assert refused(tmp_path, many) == "Xen is given 31 kernels, initramfs and device trees, and takes 30"
    assert compose(tmp_path, many[:29]).exists()
    (tmp_path / "bundle").unlink()
    long = [small("a"), small("b", cmdline="x" * 1024)]
    assert refused(tmp_path, long) == "domains.b: its command line has 1024 bytes"
    first = [small("a", cmdline="x" * 1000)]
    assert refused(tmp_path, first) == "domains.a: its command line has 1000 bytes"
    needs = [{"where": "domains.a.dom0less.static_memory", "marker": "static words", "option": "CONFIG_STATIC_MEMORY"}]
    static = [small("a", static_memory=[[0, 64 << 20]])]
    said = "domains.a.dom0less.static_memory: this hypervisor was built without it"
    assert refused(tmp_path, static, needs=needs) == said
    wide = [small("a", vcpus=40)]
    said = "domains.a: Xen has no room for its device tree: 40 virtual CPUs and 0 bytes of command line"
    assert refused(tmp_path, wide) == said
    tiny = [small("a", memory=15 << 20)]
    assert refused(tmp_path, tiny, rooms=9 << 20) == "domains.a: 15M do not hold its kernel and initramfs"
    assert compose(tmp_path, static, xen=b"some static words", needs=needs).exists()
    assert compose(tmp_path, first, dom0=True).exists()


def test_booted_survives_json() -> None:
    whole = Partition([ONE, TWO], [[1 << 32, 65536]], {"p": {"cpus": [1], "scheduler": None}}, [])
    assert Partition.from_json(json.loads(json.dumps(whole.to_json()))) == whole
    assert strings("x") == b"x\0"
