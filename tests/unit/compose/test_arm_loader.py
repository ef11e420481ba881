"""The Arm loader's C code on the host, under the address and undefined behaviour sanitizers."""

from __future__ import annotations

import zlib

import armdriver
import pytest
from armdriver import Run, machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xenbuild.formats.fdt import DeviceTree, Node, cells, parse_fdt, strings, walk, write_fdt

FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return armdriver.build(tmp_path_factory.mktemp("arm"))


def rewritten(driver: Run, tree: bytes, room: int = 65536) -> DeviceTree:
    return parse_fdt(driver(tree, "write", room, "xen words", "dom0 words", 0x140200000, 5000, 0x48000000, 77))


def test_a_tree_without_chosen_gets_one(driver: Run) -> None:
    tree = rewritten(driver, machine(reserved=((1, 2), (3, 4))))
    chosen = tree.root.child("chosen")
    assert chosen == Node(
        "chosen",
        {
            "#address-cells": cells(2),
            "#size-cells": cells(2),
            "xen,xen-bootargs": b"xen words\0",
            "xen,dom0-bootargs": b"dom0 words\0",
        },
        [
            Node(
                "module@140200000",
                {"compatible": strings("multiboot,kernel", "multiboot,module"), "reg": cells(1, 0x40200000, 0, 5000)},
            ),
            Node(
                "module@48000000",
                {"compatible": strings("multiboot,ramdisk", "multiboot,module"), "reg": cells(0, 0x48000000, 0, 77)},
            ),
        ],
    )
    assert tree.reserved == [(1, 2), (3, 4)]
    assert tree.boot_cpu == 3


@pytest.mark.parametrize(
    ("words", "xen", "dom0"),
    [
        ("loglvl=all", "xen words loglvl=all", "dom0 words"),
        ("loglvl=all -- nonce=1 b", "xen words loglvl=all", "dom0 words nonce=1 b"),
        ("-- nonce=1", "xen words", "dom0 words nonce=1"),
        ("a --", "xen words a", "dom0 words"),
        ("a=--b --c -- d -- e", "xen words a=--b --c", "dom0 words d -- e"),
        ("--", "xen words", "dom0 words"),
        ("-", "xen words -", "dom0 words"),
        ("", "xen words", "dom0 words"),
    ],
)
def test_words_behind_two_dashes_go_to_dom0(driver: Run, words: str, xen: str, dom0: str) -> None:
    chosen = rewritten(driver, machine(Node("chosen", {"bootargs": words.encode() + b"\0"}))).root.child("chosen")
    assert chosen is not None
    properties = chosen.properties
    assert properties["xen,xen-bootargs"] == xen.encode() + b"\0"
    assert properties["xen,dom0-bootargs"] == dom0.encode() + b"\0"


def test_the_boot_loaders_words_follow_ours_and_its_modules_go(driver: Run) -> None:
    old = {
        "bootargs": b"more words\0",
        "xen,xen-bootargs": b"old\0",
        "linux,initrd-start": cells(1),
        "linux,initrd-end": cells(2),
        "stdout-path": b"/pl011@9000000\0",
        "#size-cells": cells(1),
    }
    module = Node("module@1", {"compatible": strings("multiboot,kernel", "multiboot,module"), "reg": cells(0, 1, 1)})
    kept = Node("framebuffer@1", {"compatible": strings("simple-framebuffer")})
    chosen = rewritten(driver, machine(Node("chosen", old, [module, kept]), Node("last"))).root.child("chosen")
    assert chosen is not None
    assert chosen.properties["xen,xen-bootargs"] == b"xen words more words\0"
    assert chosen.properties["bootargs"] == b"more words\0"
    assert chosen.properties["stdout-path"] == b"/pl011@9000000\0"
    assert not [name for name in chosen.properties if name.startswith("linux,")]
    assert [c.name for c in chosen.children] == ["framebuffer@1", "module@140200000", "module@48000000"]
    assert chosen.children[1].properties["reg"] == cells(1, 0x40200000, 5000)


def test_cells_that_cannot_hold_an_address(driver: Run) -> None:
    tree = machine(Node("chosen", {"#address-cells": cells(1)}))
    said = driver(tree, "write", 65536, "", "", 0x140200000, 1, 0, 0)
    assert said == b"problem: /chosen has cells that cannot hold the address of a module"


def test_no_initramfs_no_module(driver: Run) -> None:
    chosen = parse_fdt(driver(machine(), "write", 65536, "", "", 0x40000000, 1, 0, 0)).root.child("chosen")
    assert chosen is not None and [c.name for c in chosen.children] == ["module@40000000"]


def test_too_little_room_at_every_size(driver: Run) -> None:
    size = len(driver(machine(), "write", 65536, "", "", 1, 1, 2, 1))
    for room in (0, 39, 40, 100, size // 2, size - 1):
        assert driver(machine(), "write", room, "", "", 1, 1, 2, 1) == b"problem: there is no room for the device tree"
    assert len(driver(machine(), "write", size, "", "", 1, 1, 2, 1)) == size


NODES_OF_USE = ["chosen", "aliases", "memory", "reserved-memory", "b@1"]
NAMES = st.sampled_from([*NODES_OF_USE, "compatible", "reg", "ranges", "bootargs"])
PROPERTIES = st.dictionaries(NAMES, st.binary(max_size=24), max_size=4)


def unique(found: list[Node]) -> list[Node]:
    return list({n.name: n for n in found}.values())


NODES = st.recursive(
    st.builds(Node, NAMES, PROPERTIES),
    lambda below: st.builds(Node, NAMES, PROPERTIES, st.lists(below, max_size=4).map(unique)),
    max_leaves=10,
)
ROOTS = st.builds(Node, st.just(""), PROPERTIES, st.lists(NODES, max_size=5).map(unique))


@FEW
@given(ROOTS)
def test_all_but_chosen_stays_as_it_was(driver: Run, root: Node) -> None:
    after = rewritten(driver, write_fdt(DeviceTree(root))).root

    def others(node: Node) -> dict[str, dict[str, bytes]]:
        return {path: n.properties for path, n in walk(node) if not path.startswith("/chosen")}

    assert others(after) == others(root)
    before, now = root.child("chosen"), after.child("chosen")
    assert now is not None
    assert now.children[: len(before.children) if before else 0] == (before.children if before else [])
    for name, value in (before.properties if before else {}).items():
        assert now.properties[name] == value


@FEW
@given(ROOTS, st.data())
def test_damaged_trees_do_no_harm(driver: Run, root: Node, data: st.DataObject) -> None:
    blob = bytearray(write_fdt(DeviceTree(root)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(8, len(blob) - 1))
        blob[at] = data.draw(st.sampled_from([0, 1, 2, 3, 4, 9, 0x7F, 0xFF]))
    driver(bytes(blob), "write", 65536, "x", "y", 1, 1, 2, 1)
    driver(bytes(blob), "memory", 0, 1 << 32)
    driver(bytes(blob), "uart")


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (0x40200000, 0x50000000, b"1073741824 1 -"),
        (0x70000000, 0x80000000, b"1073741824 1 fw@7f000000"),
        (0x70000000, 0x80000001, b"1073741824 0 fw@7f000000"),
        (0x3FFFFFFF, 0x40000001, b"1073741824 0 -"),
        (0x60000FFF, 0x60002000, b"1073741824 1 /memreserve/"),
        (0x60001000, 0x60002000, b"1073741824 1 -"),
    ],
)
def test_memory(driver: Run, start: int, end: int, said: bytes) -> None:
    firmware = Node("fw@7f000000", {"reg": cells(0, 0x7F000000, 0, 4096)})
    reserved = Node("reserved-memory", {"#address-cells": cells(2), "#size-cells": cells(2)}, [firmware])
    tree = machine(None, reserved, reserved=((0x60000000, 4096),))
    assert driver(tree, "memory", start, end) == said


def test_banks_that_touch_count_as_one(driver: Run) -> None:
    banks = cells(0x100000, 0x100000, 0x200000, 0x100000)
    memory = Node("memory", {"device_type": strings("memory"), "reg": banks})
    tree = write_fdt(DeviceTree(Node("", {"#address-cells": cells(1), "#size-cells": cells(1)}, [memory])))
    assert driver(tree, "memory", 0x180000, 0x280000) == b"2097152 1 -"


UART_8250 = {
    "compatible": strings("snps,dw-apb-uart"), "reg": cells(0x1000, 0x100),
    "reg-shift": cells(2), "reg-io-width": cells(4),
}  # fmt: skip
UART_PI = {"compatible": strings("brcm,bcm2835-aux-uart"), "reg": cells(0x3000, 0x40)}
SOC = Node(
    "soc",
    {"#address-cells": cells(1), "#size-cells": cells(1), "ranges": cells(0, 0, 0xFE000000, 0x10000)},
    [
        Node("serial@1000", UART_8250),
        Node("serial@3000", UART_PI),
        Node("odd@2000", {"compatible": strings("vendor,uart"), "reg": cells(0, 1)}),
    ],
)
ALIASES = Node("aliases", {"serial0": b"/soc/serial@1000\0"})


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (b"/pl011@9000000\0", b"pl011 0x9000000 0 1"),
        (b"serial0:115200n8\0", b"8250 0xfe001000 2 4"),
        (b"/soc/serial@1000:9600\0", b"8250 0xfe001000 2 4"),
        (b"/soc/serial@3000\0", b"8250 0xfe003000 2 4"),
        (b"serial1\0", b"none"),
        (b"/soc/odd@2000\0", b"none"),
        (b"/nowhere\0", b"none"),
        (b"/", b"none"),
        (b"", b"none"),
    ],
)
def test_the_console(driver: Run, path: bytes, said: bytes) -> None:
    assert driver(machine(Node("chosen", {"stdout-path": path}), SOC, ALIASES), "uart") == said


@FEW
@given(st.binary(max_size=99))
def test_crc32_is_zlibs(driver: Run, data: bytes) -> None:
    assert int(driver(data, "crc32")) == zlib.crc32(data)
