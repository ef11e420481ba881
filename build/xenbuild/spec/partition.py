"""Rules of guests that Xen starts on Arm: all that a declaration can say and that Xen would stop at when it boots.

Sources: xen/arch/arm/domain_build.c, dom0less-build.c, static-evtchn.c, static-shmem.c, static-memory.c, vgic.c,
xen/common/device-tree/bootfdt.c, xen/common/sched/boot-cpupool.c and xen/common/grant_table.c of 4.17 and 4.20. What
depends on the files is judged when the bundle is composed (compose/dom0less.py), what depends on the machine by the
loader when it boots (compose/loader/arm/claims.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from xenbuild.errors import Position
from xenbuild.spec.block import Node
from xenbuild.spec.cpus import parse_cpus
from xenbuild.spec.dom0less import EventChannel, SharedMemory, ranges
from xenbuild.spec.domain import Domain
from xenbuild.spec.model import Declaration
from xenbuild.spec.problems import Problems, nearest
from xenbuild.spec.scalars import format_size, quote

Rule = tuple[bool, Node, str, str, str]  # broken, node, key, message, advice

PAGE = 4096
PLAIN = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
"""CPUs as Xen's device tree and command line name them."""
HEAP_PAGE = 64 << 10
"""What xen,static-heap must be aligned to (booting.txt)."""
VCPUS = {"arm64": 128, "armv7": 8}
"""xen/arch/arm/include/asm/config.h: MAX_VIRT_CPUS. A machine with GICv2 has 8 on either."""
SPIS = 960
"""xen/arch/arm/vgic.c: 1020 - 32, in whole groups of 32."""
PORTS = 1023
"""dom0less-build.c: max_evtchn_port of a guest."""
GRANT_FRAMES = 2**31 - 1
REGIONS = 32
"""bootfdt.h: NR_SHMEM_BANKS."""
# What a guest that is not mapped directly has at these addresses (xen/include/public/arch-arm.h).
LAYOUT = (
    ("the interrupt controller", 0x03001000, 0x04020000),
    ("the serial port", 0x22000000, 0x22001000),
    ("the grant table", 0x38000000, 0x39000000),
    ("Xen's pages", 0x39000000, 0x3A000000),
)
RAM, RAM_SIZE, MORE_RAM = 0x40000000, 0xC0000000, 0x200000000
# Keys that only a toolstack obeys, with their defaults.
TOOLSTACK: dict[str, object] = {
    "max_memory": None, "max_vcpus": None, "weight": None, "cap": None, "after": [], "autostart": True,
    "restart": "never", "on_shutdown": "shutdown", "settings": {},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Need:
    """Something of the declaration that not every Xen was built with (recipes/hypervisors/xen.yaml: features)."""

    feature: str
    where: str  # the key's full name
    at: Position | None


def needs(made: Declaration) -> Iterator[Need]:
    """What the declaration asks of the hypervisor beyond what all have."""
    if made.hypervisor.static_heap:
        yield Need("static_heap", "hypervisor.static_heap", made.hypervisor.at("static_heap"))
    if boot_pools(made):
        name, domain = next(one for one in _by_xen(made) if one[1].cpupool is not None)
        yield Need("cpupools", f"domains.{name}.cpupool", domain.at("cpupool"))
    for name, domain in _by_xen(made):
        more = domain.dom0less
        for key in ("static_memory", "shared_memory", "event_channels", "nr_spis", "device_tree"):
            if getattr(more, key) not in (None, []):
                yield Need(key, f"domains.{name}.dom0less.{key}", more.at(key))
        for key in ("max_grant_frames", "max_maptrack_frames"):
            if getattr(more, key) is not None:
                yield Need("grant_limits", f"domains.{name}.dom0less.{key}", more.at(key))
        for region in more.shared_memory:
            if region.host_address is None:
                where = f"domains.{name}.dom0less.shared_memory without host_address"
                yield Need("shared_memory_anywhere", where, region.at())
        if domain.cpus is not None:
            yield Need("affinity", f"domains.{name}.cpus", domain.at("cpus"))


def guest_rules(made: Declaration, domain: Domain) -> Iterator[Rule]:
    """What a guest that Xen starts cannot have."""
    more = domain.dom0less
    most = VCPUS.get(made.target.arch, 8)
    attach = "remove them; dom0 can attach them to an enhanced guest: xl block-attach, xl network-attach"
    yield domain.memory % PAGE != 0, domain, "memory", f"memory of {domain.memory} bytes", "a multiple of 4K"
    yield domain.vcpus > most, domain, "vcpus", f"{domain.vcpus} virtual CPUs", f"Xen gives a guest {most} at most"
    yield bool(domain.disks), domain, "disks", "Xen gives a guest no disks", attach
    yield bool(domain.networks), domain, "networks", "Xen gives a guest no networks", attach
    yield domain.boot != "kernel", domain, "boot", "Xen starts kernels only", "write boot: kernel"
    for key, default in TOOLSTACK.items():
        yield (
            getattr(domain, key) != default, domain, key, f"{key} is for the toolstack, and Xen starts this guest",
            f"remove {key}, or write start: toolstack",
        )  # fmt: skip
    yield (
        domain.cpus is not None and not PLAIN.fullmatch(domain.cpus), domain, "cpus",
        f"Xen reads no {quote(str(domain.cpus))} for a guest that it starts",
        "write CPUs as numbers, such as 0-1 or 2,3",
    )  # fmt: skip
    yield (
        more.enhanced and not made.dom0.enabled, more, "enhanced", "xenstore is in dom0, and there is none",
        "remove enhanced",
    )  # fmt: skip
    yield (
        more.nr_spis is not None and not (1 if more.vpl011 else 0) <= more.nr_spis <= SPIS, more, "nr_spis",
        f"nr_spis {more.nr_spis} is out of range",
        f"use {1 if more.vpl011 else 0} to {SPIS}" + (": vpl011 takes one" if more.vpl011 else ""),
    )  # fmt: skip
    for key, least in (("max_grant_frames", 1), ("max_maptrack_frames", 0)):
        value = getattr(more, key)
        broken = value is not None and not least <= value <= GRANT_FRAMES
        yield broken, more, key, f"{key} {value} is out of range", f"use {least} to {GRANT_FRAMES}"
    yield from _static_rules(domain)


def _static_rules(domain: Domain) -> Iterator[Rule]:
    more = domain.dom0less
    own = ranges(more.static_memory)
    total = sum(size for _, size in own)
    yield more.direct_map and not own, more, "direct_map", "direct_map without static_memory", "add static_memory"
    yield (
        bool(own) and total != domain.memory, more, "static_memory",
        f"static_memory has {format_size(total)}, memory {format_size(domain.memory)}", "make them the same",
    )  # fmt: skip
    yield (
        any(address % PAGE or size % PAGE or not size for address, size in own), more, "static_memory",
        "a range of static_memory is not made of pages", "use multiples of 0x1000",
    )  # fmt: skip
    yield (
        more.direct_map and bool(own) and own[0][0] % (2 << 20) != 0, more, "static_memory",
        "direct_map: the guest's memory begins at no multiple of 2M, where Linux must lie",
        "use multiples of 0x200000",
    )  # fmt: skip
    for region in more.shared_memory:
        yield from _region_rules(domain, region)


def _region_rules(domain: Domain, region: SharedMemory) -> Iterator[Rule]:
    """What one guest says of a region."""
    start, size = int(region.address, 0), int(region.size)
    what = f"shared memory {region.id}"
    host = region.host_address
    yield not size or size % PAGE != 0, region, "size", f"{what}: {size} bytes", "use a multiple of 4K"
    yield start % PAGE != 0, region, "address", f"{what}: {region.address} is no page", "use a multiple of 0x1000"
    yield (
        host is not None and int(host, 0) % PAGE != 0, region, "host_address", f"{what}: {host} is no page",
        "use a multiple of 0x1000",
    )  # fmt: skip
    if domain.dom0less.direct_map:
        yield (
            host is None or int(host, 0) != start, region, "address",
            f"{what}: guest addresses are host addresses by direct_map", "write the same address and host_address",
        )  # fmt: skip
        return
    for owner, first, end in (*LAYOUT, *_memory(int(domain.memory))):
        yield (
            start < end and first < start + size, region, "address", f"{what}: the guest has {owner} there",
            "choose an address that is free, such as behind its memory, which begins at 0x40000000",
        )  # fmt: skip


def _memory(size: int) -> Iterator[tuple[str, int, int]]:
    """Where a guest has its memory."""
    yield "its memory", RAM, RAM + min(size, RAM_SIZE)
    if size > RAM_SIZE:
        yield "its memory", MORE_RAM, MORE_RAM + size - RAM_SIZE


def check_partition(made: Declaration, problems: Problems) -> None:
    """What guests that Xen starts claim of the machine together, and of each other."""
    if made.target.arch == "x86_64":
        if made.hypervisor.static_heap:
            problems.add(made.hypervisor.at("static_heap"), "hypervisor.static_heap is for Arm", "remove it")
        return
    _check_pools(made, problems)
    _check_heap(made, problems)
    _check_claims(made, problems)
    _check_regions(made, problems)
    _check_channels(made, problems)


def _by_xen(made: Declaration) -> Iterator[tuple[str, Domain]]:
    return ((name, domain) for name, domain in made.domains.items() if domain.start == "dom0less")


def boot_pools(made: Declaration) -> dict[str, list[int]]:
    """The cpupools with their CPUs, where Xen makes them when it boots: where it starts a guest that is in one."""
    if not any(domain.cpupool in made.hypervisor.cpupools for _, domain in _by_xen(made)):
        return {}
    return {name: sorted(parse_cpus(pool.cpus) or ()) for name, pool in made.hypervisor.cpupools.items()}


def pool_numbers(made: Declaration) -> dict[str, int]:
    """The number of each cpupool that Xen makes (boot-cpupool.c): by their order, but CPU 0 is always in number 0.

    CPUs that are in none get a pool of their own behind all others.
    """
    pools = boot_pools(made)
    numbers = {name: number for number, name in enumerate(pools)}
    with_cpu_0 = next((number for number, cpus in enumerate(pools.values()) if 0 in cpus), len(pools))
    swapped = {0: with_cpu_0, with_cpu_0: 0}
    return {name: swapped.get(number, number) for name, number in numbers.items()}


def _check_pools(made: Declaration, problems: Problems) -> None:
    """Xen knows no nodes when it makes cpupools."""
    for name, cpus in boot_pools(made).items():
        if not cpus:
            pool = made.hypervisor.cpupools[name]
            message = f"hypervisor.cpupools.{name}: Xen makes it when it boots, and reads no {quote(pool.cpus)}"
            problems.add(pool.at("cpus"), message, "write CPUs as numbers, such as 0-1 or 2,3")


def _check_heap(made: Declaration, problems: Problems) -> None:
    heap = made.hypervisor.static_heap
    for number, (address, size) in enumerate(ranges(heap)):
        if address % HEAP_PAGE or size % HEAP_PAGE or not size:
            message = f"hypervisor.static_heap: {heap[number]} does not begin and end at 64K"
            problems.add(made.hypervisor.at(f"static_heap[{number}]"), message, "use multiples of 0x10000")
    if not heap:
        return
    static = {name for name, domain in _by_xen(made) if domain.dom0less.static_memory}
    guests = {name: int(domain.memory) for name, domain in _by_xen(made) if name not in static}
    dom0 = {"dom0": int(made.dom0.memory)} if made.dom0.enabled else {}
    needed, there = sum({**dom0, **guests}.values()), sum(size for _, size in ranges(heap))
    if there < needed:
        message = f"hypervisor.static_heap: {format_size(there)} are not enough for what Xen gives out"
        each = ", ".join(f"{name} {format_size(size)}" for name, size in {**dom0, **guests}.items())
        problems.add(made.hypervisor.at("static_heap"), message, f"more than {format_size(needed)}: {each}")


def _check_claims(made: Declaration, problems: Problems) -> None:
    """Ranges of host memory that only one can have (bootfdt.c: check_reserved_regions_overlap)."""
    seen: list[tuple[int, int, str]] = []
    for name, start, size, at in _claims(made):
        for other_start, other_size, other in seen:
            if start < other_start + other_size and other_start < start + size and name != other:
                message = f"{name} and {other} have host memory in common, at {max(start, other_start):#x}"
                problems.add(at, message, "move one of them")
        seen.append((start, size, name))


def _claims(made: Declaration) -> Iterator[tuple[str, int, int, Position | None]]:
    for number, (start, size) in enumerate(ranges(made.hypervisor.static_heap)):
        at = made.hypervisor.at(f"static_heap[{number}]")
        yield "hypervisor.static_heap" + (f"[{number}]" if number else ""), start, size, at
    for name, domain in _by_xen(made):
        more = domain.dom0less
        for number, (start, size) in enumerate(ranges(more.static_memory)):
            what = f"domains.{name}.dom0less.static_memory" + (f"[{number}]" if number else "")
            yield what, start, size, more.at(f"static_memory[{number}]")
        for region in more.shared_memory:
            if region.host_address is not None:
                start = int(region.host_address, 0)
                yield f"shared memory {region.id}", start, int(region.size), region.at("host_address")


def _check_regions(made: Declaration, problems: Problems) -> None:
    """static-shmem.c: process_shm_node. All guests must say the same of a region."""
    regions: dict[str, list[tuple[str, SharedMemory]]] = {}
    for name, domain in _by_xen(made):
        for region in domain.dom0less.shared_memory:
            regions.setdefault(region.id, []).append((name, region))
    for users in regions.values():
        _check_region(users, problems)
    if len(regions) > REGIONS:
        name, region = list(regions.values())[REGIONS][0]
        message = f"domains.{name}: {len(regions)} regions of shared memory"
        problems.add(region.at("id"), message, f"Xen takes {REGIONS} at most")


def _check_region(users: list[tuple[str, SharedMemory]], problems: Problems) -> None:
    first_name, first = users[0]
    for number, (name, region) in enumerate(users[1:], 1):
        what = f"domains.{name}: shared memory {region.id}"
        if name in [user for user, _ in users[:number]]:
            problems.add(region.at("id"), f"{what} is there twice", "remove one, or give it another id")
        for key in ("size", "host_address"):
            if getattr(region, key) != getattr(first, key):
                message = f"{what} has another {key} than in guest {first_name}"
                problems.add(region.at(key), message, "make them the same")
    owners = [(name, region) for name, region in users if region.role == "owner"]
    if len(owners) > 1:
        name, region = owners[1]
        message = f"domains.{name}: shared memory {region.id} is {owners[0][0]}'s already"
        problems.add(region.at("role"), message, "write role: borrower")
    for name, region in users:
        if owners and region.role is None:
            message = f"domains.{name}: shared memory {region.id} has an owner, {owners[0][0]}"
            problems.add(region.at("id"), message, "write role: borrower")
        elif not owners and region.role == "borrower":
            message = f"domains.{name}: shared memory {region.id} has no owner"
            problems.add(region.at("role"), message, "write role: owner in one guest, or no role in any")


def _check_channels(made: Declaration, problems: Problems) -> None:
    """static-evtchn.c: alloc_domain_evtchn."""
    taken: dict[tuple[str, int], str] = {}
    by_xen = dict(_by_xen(made))
    for name, domain in by_xen.items():
        if domain.dom0less.enhanced:
            taken[name, 1] = "xenstore's"
    for name, domain in by_xen.items():
        for channel in domain.dom0less.event_channels:
            if _peer(made, name, channel, problems):
                for end, key, port in ((name, "port", channel.port), (channel.to, "to_port", channel.to_port)):
                    _check_port(channel, (end, key, port), taken, problems)


def _peer(made: Declaration, name: str, channel: EventChannel, problems: Problems) -> bool:
    """Whether the other end is there."""
    known = [other for other, _ in _by_xen(made) if other != name]
    known += ["dom0"] if made.dom0.enabled and "dom0" not in made.domains else []
    if channel.to in known:
        return True
    message = f"domains.{name}: an event channel to {quote(channel.to)}, which Xen does not start"
    if channel.to == name:
        message = f"domains.{name}: an event channel to itself"
    elif channel.to == "dom0":
        message = f"domains.{name}: an event channel to dom0, and there is none"
    advice = nearest(channel.to, known, show="possible ends") or "add another guest with start: dom0less"
    problems.add(channel.at("to"), message, advice)
    return False


def _check_port(
    channel: EventChannel, end: tuple[str, str, int], taken: dict[tuple[str, int], str], problems: Problems
) -> None:
    owner, key, port = end
    if not 1 <= port <= PORTS:
        problems.add(channel.at(key), f"event channel port {port} of {owner} is out of range", f"use 1 to {PORTS}")
    elif (owner, port) in taken:
        message = f"event channel port {port} of {owner} is {taken[owner, port]} already"
        problems.add(channel.at(key), message, "take another; xenstore has port 1 of enhanced guests")
    taken.setdefault((owner, port), "taken")
