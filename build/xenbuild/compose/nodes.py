"""The device tree of guests that Xen starts: what the loader merges into /chosen (compose/loader/arm/chosen.c).

A tree of its own: the properties and children of its root go to /chosen. The loader changes three things in it: the
two cells of each `reg` count from where the bundle was loaded, the numbers in `cpupool-cpus` become the phandles of
the machine's CPUs, and the first `bootargs` without a dom0 takes the boot loader's words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from xenbuild.compose import policy
from xenbuild.compose.dom0less import ROLES, Booted, Partition
from xenbuild.formats.fdt import DeviceTree, Node, cells, strings, write_fdt

PHANDLE = 0x78620000
"""First of our phandles ("xb"); those of machines are small numbers, or in QEMU's trees count from 0x8000."""

PASSTHROUGH = "xenbuild,passthrough"
"""Of a guest's node: paths of devices that the loader takes from dom0, by xen,passthrough in their nodes."""


def tree(
    partition: Partition, places: Mapping[str, tuple[int, int]], devices: Mapping[str, Sequence[str]] | None = None
) -> bytes:
    """The nodes as a flattened device tree.

    `places` has the offset and size of each NAME:ROLE, `devices` the paths of the machine's devices that guests get.
    """
    pools = {name: PHANDLE + number for number, name in enumerate(partition.cpupools)}
    root = Node("", children=[_pool(name, partition, pools) for name in partition.cpupools])
    if partition.static_heap:
        root.properties["xen,static-heap"] = _ranges(partition.static_heap)
    guests = {domain.name: _guest(number, domain, places, pools) for number, domain in enumerate(partition.domains, 1)}
    for name, paths in (devices or {}).items():
        if paths:
            guests[name].properties[PASSTHROUGH] = strings(*paths)
    _channels(partition.domains, {**guests, "dom0": root}, PHANDLE + len(pools))
    root.children += guests.values()
    root.children += [policy.node(*places[policy.XSM_POLICY])] if policy.XSM_POLICY in places else []
    return write_fdt(DeviceTree(root))


def _pool(name: str, partition: Partition, handles: Mapping[str, int]) -> Node:
    """xen, docs/misc/arm/device-tree/cpupools.txt"""
    pool = partition.cpupools[name]
    properties = {"compatible": strings("xen,cpupool"), "cpupool-cpus": cells(*pool["cpus"])}
    if pool["scheduler"]:
        properties["cpupool-sched"] = strings(pool["scheduler"])
    return Node(f"cpupool_{name}", {**properties, "phandle": cells(handles[name])})


def _guest(number: int, domain: Booted, places: Mapping[str, tuple[int, int]], pools: Mapping[str, int]) -> Node:
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
        properties["xen,static-mem"] = _ranges(domain.static_memory)
    if domain.direct_map:
        properties["direct-map"] = b""
    for key in ("nr_spis", "max_grant_frames", "max_maptrack_frames"):
        if (value := getattr(domain, key)) is not None:
            properties[key] = cells(value)
    if domain.cpupool is not None:
        properties["domain-cpupool"] = cells(pools[domain.cpupool])
    children = [*_modules(domain, places), *_shared(domain), *_vcpus(domain)]
    return Node(f"domU{number}", properties, children)


def _modules(domain: Booted, places: Mapping[str, tuple[int, int]]) -> Iterator[Node]:
    for role, compatible in ROLES.items():
        if place := places.get(f"{domain.name}:{role}"):
            module = {"compatible": strings(compatible, "multiboot,module"), "reg": _wide(place[0]) + _wide(place[1])}
            if role == "kernel":
                module["bootargs"] = strings(domain.cmdline)
            yield Node(f"module@{place[0]:x}", module)


def _shared(domain: Booted) -> Iterator[Node]:
    for number, region in enumerate(domain.shared_memory):
        host = [] if region["host_address"] is None else [region["host_address"]]
        numbers = [*host, region["address"], region["size"]]
        properties = {
            "compatible": strings("xen,domain-shared-memory-v1"),
            "xen,shm-id": strings(region["id"]),
            "xen,shared-mem": b"".join(map(_wide, numbers)),
        }
        if region["role"]:
            properties["role"] = strings(region["role"])
        yield Node(f"shared-memory-{number}", properties)


def _vcpus(domain: Booted) -> Iterator[Node]:
    for number in range(domain.vcpus) if domain.cpus else ():
        properties = {
            "compatible": strings("xen,vcpu"),
            "id": cells(number),
            "hard-affinity": strings(domain.cpus or ""),
        }
        yield Node(f"vcpu{number}", properties)


def _channels(domains: Sequence[Booted], nodes: Mapping[str, Node], phandle: int) -> None:
    """Adds a node for each end of each event channel. Xen gives a guest with one the interface for it, at least."""
    for domain in domains:
        for channel in domain.event_channels:
            for owner, port, own, other in (
                (domain.name, channel["port"], phandle, phandle + 1),
                (channel["to"], channel["to_port"], phandle + 1, phandle),
            ):
                properties = {
                    "compatible": strings("xen,evtchn-v1"),
                    "xen,evtchn": cells(port, other),
                    "phandle": cells(own),
                }
                nodes[owner].children.append(Node(f"evtchn@{port:x}", properties))
                if owner != "dom0":
                    nodes[owner].properties.setdefault("xen,enhanced", strings("no-xenstore"))
            phandle += 2


def _ranges(pairs: Sequence[Sequence[int]]) -> bytes:
    return b"".join(_wide(number) for pair in pairs for number in pair)


def _wide(number: int) -> bytes:
    return cells(number >> 32, number & 0xFFFFFFFF)
