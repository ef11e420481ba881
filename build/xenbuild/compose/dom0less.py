"""Guests that Xen itself starts on Arm: their nodes of the device tree, and what Xen would panic about.

Xen, docs/misc/arm/device-tree/booting.txt. The nodes are a tree of their own whose root's children the loader copies
to /chosen; each `reg` in it is two cells of an offset in the bundle, to which the loader adds where it was loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from xenbuild.compose import policy
from xenbuild.compose.policy import XSM_POLICY
from xenbuild.errors import DeclarationError
from xenbuild.formats.fdt import DeviceTree, Node, cells, strings, write_fdt
from xenbuild.spec.scalars import format_size

if TYPE_CHECKING:
    from xenbuild.parts.guest import Guest
    from xenbuild.plan.action import Input, Json

MIB = 1 << 20
MODULES_MAX = 32 - 2
"""xen/include/xen/bootfdt.h: MAX_MODULES, of which Xen takes one for itself and one for the device tree."""
CMDLINE_MAX = 1023
"""BOOTMOD_MAX_CMDLINE, with its NUL."""
WORDS_ROOM = 128
"""Of the first command line without a dom0, for words that the boot loader adds, such as the nonce of a test."""
TREE_SIZE = 2 * MIB
"""Room that Xen keeps in a guest for its device tree (xen/arch/arm/kernel.c: place_modules)."""
# What a hypervisor was built with shows in the messages that it can print (arch/arm: domain_build.c, static-memory.c).
STATIC_MEMORY = b"Failed to allocate requested static memory for domain"

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

    def to_json(self) -> Json:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Booted:
        return cls(**{one.name: data[one.name] for one in fields(cls)})

    @property
    def total(self) -> int:
        """Bytes of the machine: the guest's memory and its page tables (domain_build.c: domain_p2m_pages)."""
        return self.memory + 4096 * (256 * self.vcpus + self.memory // MIB + 128)


def ranges(texts: Sequence[str]) -> list[list[int]]:
    """Ranges of memory written "ADDRESS SIZE", as numbers."""
    return [[int(number, 0) for number in text.split()] for text in texts]


def planned(guests: Sequence[Guest]) -> tuple[list[Booted], dict[str, Input]]:
    """The guests that Xen starts, and the inputs of the composing action that hold their modules."""
    booted, inputs = [], {}
    for guest in guests:
        domain = guest.domain
        if domain.start != "dom0less":
            continue
        more = domain.dom0less
        made = {"kernel": guest.kernel, "initramfs": guest.initramfs, "device_tree": guest.device_tree}
        inputs.update({f"{guest.name}:{role}": one for role, one in made.items() if one is not None})
        booted.append(
            Booted(
                guest.name, int(domain.memory), domain.vcpus, " ".join(domain.cmdline), more.enhanced, more.vpl011,
                ranges(more.static_memory), more.direct_map,
            )
        )  # fmt: skip
    return booted, inputs


def tree(domains: Sequence[Booted], places: Mapping[str, tuple[int, int]]) -> bytes:
    """Nodes of guests and of a policy as a flattened device tree; `places` has offset and size of each part."""
    nodes = [_node(number, domain, places) for number, domain in enumerate(domains, 1)]
    nodes += [policy.node(*places[XSM_POLICY])] if XSM_POLICY in places else []
    root = Node("", children=nodes)
    return write_fdt(DeviceTree(root))


def _node(number: int, domain: Booted, places: Mapping[str, tuple[int, int]]) -> Node:
    properties = {
        "compatible": strings("xen,domain"),
        "#address-cells": cells(2),
        "#size-cells": cells(2),
        "memory": _wide(domain.memory >> 10),  # KiB
        "cpus": cells(domain.vcpus),
    }
    if domain.vpl011:
        properties["vpl011"] = b""
    if domain.enhanced:
        properties["xen,enhanced"] = strings("enabled")
    if domain.static_memory:
        properties["xen,static-mem"] = b"".join(_wide(n) for one in domain.static_memory for n in one)
    if domain.direct_map:
        properties["direct-map"] = b""
    modules = []
    for role, compatible in ROLES.items():
        if place := places.get(f"{domain.name}:{role}"):
            module = {"compatible": strings(compatible, "multiboot,module"), "reg": _wide(place[0]) + _wide(place[1])}
            if role == "kernel":
                module["bootargs"] = strings(domain.cmdline)
            modules.append(Node(f"module@{place[0]:x}", module))
    return Node(f"domU{number}", properties, modules)


def _wide(number: int) -> bytes:
    return cells(number >> 32, number & 0xFFFFFFFF)


def check(domains: Sequence[Booted], sizes: Mapping[str, int], xen: bytes, *, dom0: bool, modules: int) -> None:
    """Raises DeclarationError for what Xen would panic about.

    `sizes` has the memory that each NAME:ROLE takes in its guest, `xen` is the hypervisor, `modules` counts all that
    Xen is given.
    """
    if modules > MODULES_MAX:
        raise DeclarationError(
            f"Xen is given {modules} kernels, initramfs and device trees, and takes {MODULES_MAX}",
            advice="have fewer guests with start: dom0less, or let them share: equal files count once",
        )
    for number, domain in enumerate(domains):
        what = f"domains.{domain.name}"
        limit = CMDLINE_MAX - (WORDS_ROOM if not dom0 and not number else 0)
        size = len(domain.cmdline.encode())
        if size > limit:
            raise DeclarationError(f"{what}: its command line has {size} bytes", advice=f"shorten it to {limit}")
        if domain.static_memory and STATIC_MEMORY not in xen:
            raise DeclarationError(
                f"{what}: this hypervisor was built without static memory",
                advice="remove static_memory, or set hypervisor.file to a Xen built with CONFIG_STATIC_MEMORY",
            )
        kernel, initramfs = (_whole(sizes.get(f"{domain.name}:{role}", 0)) for role in ("kernel", "initramfs"))
        needed = kernel + initramfs + TREE_SIZE + 2 * MIB
        if domain.memory < needed:
            raise DeclarationError(
                f"{what}: {format_size(domain.memory)} do not hold its kernel and initramfs",
                advice=f"at least {format_size(needed)}, and more for what it unpacks",
            )


def _whole(size: int) -> int:
    """Up to a boundary of 2 MiB, as Xen places modules."""
    return -(-size // (2 * MIB)) * 2 * MIB
