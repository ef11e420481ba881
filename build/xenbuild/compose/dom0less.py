"""Guests that Xen itself starts on Arm, as the composing action knows them, and what Xen would panic about.

Xen, docs/misc/arm/device-tree/booting.txt. Their nodes of the device tree are written by compose/nodes.py; rules that
need no file are in spec/partition.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from xenbuild.errors import DeclarationError, FormatError
from xenbuild.formats.fdt import Node, parse_fdt, walk
from xenbuild.spec.scalars import format_size

if TYPE_CHECKING:
    from xenbuild.plan.action import Json

MIB = 1 << 20
PAGE = 4096
MODULES_MAX = 32 - 2
"""xen/include/xen/bootfdt.h: MAX_MODULES, of which Xen takes one for itself and one for the device tree."""
CMDLINE_MAX = 1023
"""BOOTMOD_MAX_CMDLINE, with its NUL."""
WORDS_ROOM = 128
"""Of the first command line without a dom0, for words that the boot loader adds, such as the nonce of a test."""
TREE_SIZE = 2 * MIB
"""Room that Xen keeps in a guest for its device tree (xen/arch/arm/kernel.c: place_modules)."""
# Bytes of the device tree that Xen makes for a guest, of which a page is there. Seen: 31 CPUs fit into that of 4.20,
# 23 with 800 bytes of command line; 4.17 takes one more.
TREE_BASE, TREE_CPU, TREE_REGION, TREE_ENHANCED = 1000, 100, 240, 250
RAM_SIZE = 0xC0000000
"""Of a guest's first bank of memory (xen/include/public/arch-arm.h: GUEST_RAM0_SIZE)."""

ROLES = {"kernel": "multiboot,kernel", "initramfs": "multiboot,ramdisk", "device_tree": "multiboot,device-tree"}


@dataclass(frozen=True, slots=True)
class Booted:
    """A guest of the bundle. `memory` and the ranges (address, size) count bytes; inputs are called NAME:ROLE."""

    name: str
    memory: int
    vcpus: int
    cmdline: str = ""
    enhanced: bool = False
    vpl011: bool = True
    static_memory: Sequence[Sequence[int]] = field(default_factory=tuple)
    direct_map: bool = False
    cpus: str | None = None
    cpupool: str | None = None
    nr_spis: int | None = None
    max_grant_frames: int | None = None
    max_maptrack_frames: int | None = None
    shared_memory: Sequence[Json] = field(default_factory=tuple)  # id, address, size, host_address, role
    event_channels: Sequence[Json] = field(default_factory=tuple)  # port, to, to_port

    def to_json(self) -> Json:
        return {key: value for key, value in asdict(self).items() if value not in (None, (), [])}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Booted:
        return cls(**{one.name: data[one.name] for one in fields(cls) if one.name in data})

    @property
    def total(self) -> int:
        """Bytes of the machine: the guest's memory and its page tables (domain_build.c: domain_p2m_pages)."""
        return self.memory + 4096 * (256 * self.vcpus + self.memory // MIB + 128)

    @property
    def first_bank(self) -> int:
        """Bytes of its first bank of memory, in which Xen puts the kernel and all modules."""
        return self.static_memory[0][1] if self.direct_map else min(self.memory, RAM_SIZE)


@dataclass(frozen=True, slots=True)
class Partition:
    """Everything of a bundle that Xen itself starts or sets apart."""

    domains: Sequence[Booted] = ()
    static_heap: Sequence[Sequence[int]] = ()
    cpupools: Mapping[str, Json] = field(default_factory=dict)  # name -> cpus (numbers), scheduler or None
    needs: Sequence[Json] = ()  # where, marker, option: what the hypervisor must be able to do

    def to_json(self) -> Json:
        return {**asdict(self), "domains": [domain.to_json() for domain in self.domains]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Partition:
        values = {one.name: data[one.name] for one in fields(cls) if one.name in data}
        return cls(**{**values, "domains": [Booted.from_json(one) for one in data.get("domains", ())]})

    def __bool__(self) -> bool:
        return bool(self.domains or self.static_heap or self.cpupools)


def check(partition: Partition, sizes: Mapping[str, int], xen: bytes, *, dom0: bool, modules: int) -> None:
    """Raises DeclarationError for what Xen would panic about.

    `sizes` has the memory that each NAME:ROLE takes in its guest, `xen` is the hypervisor, `modules` counts all that
    Xen is given.
    """
    for need in partition.needs:
        if need["marker"].encode() not in xen:
            raise DeclarationError(
                f"{need['where']}: this hypervisor was built without it",
                advice=f"remove it, or set hypervisor.file to a Xen that has it: {need['option']}",
            )
    if modules > MODULES_MAX:
        raise DeclarationError(
            f"Xen is given {modules} kernels, initramfs and device trees, and takes {MODULES_MAX}",
            advice="have fewer guests with start: dom0less, or let them share: equal files count once",
        )
    for number, domain in enumerate(partition.domains):
        room = WORDS_ROOM if not dom0 and not number else 0
        _check_cmdline(domain, CMDLINE_MAX - room)
        _check_tree(domain, room)
        _check_memory(domain, sizes)


def _check_cmdline(domain: Booted, limit: int) -> None:
    size = len(domain.cmdline.encode())
    if size > limit:
        message = f"domains.{domain.name}: its command line has {size} bytes"
        raise DeclarationError(message, advice=f"shorten it to {limit}")


def _check_tree(domain: Booted, words: int) -> None:
    """Xen makes the guest's device tree in a page, beside what is passed through (prepare_dtb_domU)."""
    size = TREE_BASE + TREE_CPU * domain.vcpus + TREE_REGION * len(domain.shared_memory)
    size += TREE_ENHANCED * bool(domain.enhanced or domain.event_channels) + words + len(domain.cmdline.encode())
    if size > PAGE:
        raise DeclarationError(
            f"domains.{domain.name}: Xen has no room for its device tree: {domain.vcpus} virtual CPUs and"
            f" {len(domain.cmdline.encode())} bytes of command line",
            advice=f"about {size - PAGE} bytes less: each CPU takes {TREE_CPU}",
        )


def _check_memory(domain: Booted, sizes: Mapping[str, int]) -> None:
    kernel, initramfs = (_whole(sizes.get(f"{domain.name}:{role}", 0)) for role in ("kernel", "initramfs"))
    needed = kernel + initramfs + TREE_SIZE + 2 * MIB
    if domain.first_bank < needed:
        where = " of its first static_memory" if domain.first_bank < domain.memory else ""
        raise DeclarationError(
            f"domains.{domain.name}: {format_size(domain.first_bank)}{where} do not hold its kernel and initramfs",
            advice=f"at least {format_size(needed)}, and more for what it unpacks",
        )


def passed_through(data: bytes, name: str) -> list[str]:
    """The machine's devices in a partial device tree, by their paths (docs/misc/arm/passthrough.txt).

    Raises FormatError, or DeclarationError for what Xen would panic about; `name` is the guest's.
    """
    what = f"domains.{name}.dom0less.device_tree"
    try:
        root = parse_fdt(data).root
    except FormatError as error:
        raise FormatError(f"{what}: {error.message}", advice="make it by `dtc -O dtb`") from error
    top = root.child("passthrough")
    if top is None:
        raise DeclarationError(f"{what}: it has no node /passthrough", advice="that is what Xen gives to the guest")
    parents = {id(child): (path, node) for path, node in walk(top, "/passthrough") for child in node.children}
    paths = []
    for path, node in walk(top, "/passthrough"):
        parent = parents[id(node)][1] if id(node) in parents else root
        _check_device(node, parent, f"{what}: {path}")
        paths += node.strings("xen,path")
    return paths


def _check_device(node: Node, parent: Node, what: str) -> None:
    """dom0less-build.c: handle_prop_pfdt, handle_passthrough_prop."""
    registers, force = node.properties.get("xen,reg"), "xen,force-assign-without-iommu" in node.properties
    if registers is None:
        if "xen,path" in node.properties:
            raise DeclarationError(f"{what} has xen,path without xen,reg", advice="add xen,reg")
        return
    if "xen,path" not in node.properties and not force:
        advice = "add xen,path, or xen,force-assign-without-iommu where there is no device behind it"
        raise DeclarationError(f"{what} has xen,reg without xen,path", advice=advice)
    address, size = (
        (parent.cells(name) or [otherwise])[0] for name, otherwise in (("#address-cells", 2), ("#size-cells", 1))
    )
    entry = 2 * address + size
    if not 1 <= address <= 2 or not 1 <= size <= 2 or len(registers) % (4 * entry):
        advice = "xen,reg is <machine's address, size, guest's address>, with the cells of the node above"
        raise DeclarationError(f"{what} has a xen,reg that does not fit its cells", advice=advice)
    numbers = node.cells("xen,reg")
    for start in range(0, len(numbers), entry):
        low = [numbers[start + at - 1] for at in (address, address + size, entry)]
        if any(number % PAGE for number in low):
            raise DeclarationError(f"{what} has a xen,reg that is not made of pages", advice="use multiples of 0x1000")


def _whole(size: int) -> int:
    """Up to a boundary of 2 MiB, as Xen places modules."""
    return -(-size // (2 * MIB)) * 2 * MIB
