"""Guests that Xen itself starts on Arm: what the declaration says of them and of their shares of the machine.

Xen, docs/misc/arm/device-tree/booting.txt. The rules are in spec/partition.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from xenbuild.spec.block import InputFile, Node, Size, key

ADDRESS = r"0x[0-9a-f]{1,16}"
RANGE = rf"{ADDRESS} {ADDRESS}"


@dataclass(kw_only=True)
class EventChannel(Node):
    """An event channel between two domains, made at boot; it is stated at one end only."""

    port: int = key("the guest's own port")
    to: str = key("the other end: a guest that Xen starts, or dom0")
    to_port: int = key("the port there")


@dataclass(kw_only=True)
class SharedMemory(Node):
    """Memory that guests share; each of them states the region, with the same `id` and `size`."""

    id: str = key("name of the region, which the guest finds under /reserved-memory", pattern=r"[A-Za-z0-9._-]{1,15}")
    address: str = key("where the guest has it, such as 0x60000000", pattern=ADDRESS)
    size: Size = key("its size")
    host_address: str | None = key("where the machine has it; Xen chooses otherwise", default=None, pattern=ADDRESS)
    role: str | None = key(
        "whose memory it is; without any owner it is Xen's own", default=None, choices=("owner", "borrower")
    )


@dataclass(kw_only=True)
class Dom0less(Node):
    """What a guest that Xen itself starts on Arm has (xen, docs/misc/arm/device-tree/booting.txt)."""

    enhanced: bool = key("event channels, grant tables and PV drivers, where there is a dom0", default=False)
    vpl011: bool = key("an emulated serial port, whose output Xen prints", default=True)
    static_memory: list[str] = key(
        'ranges of host memory that are the guest\'s, "ADDRESS SIZE" in bytes, such as "0x50000000 0x10000000"',
        factory=list,
        pattern=RANGE,
    )
    direct_map: bool = key("guest addresses are host addresses (with static_memory)", default=False)
    device_tree: InputFile | None = key(
        "partial device tree of the devices that are passed through (xen, docs/misc/arm/passthrough.txt)", default=None
    )
    event_channels: list[EventChannel] = key("event channels to other guests or to dom0", factory=list)
    shared_memory: list[SharedMemory] = key("memory that it shares with other guests", factory=list)
    nr_spis: int | None = key("shared interrupts that it can have; as many as the machine otherwise", default=None)
    max_grant_frames: int | None = key("most frames of its grant table", default=None)
    max_maptrack_frames: int | None = key("most frames for the grants that it maps", default=None)


def ranges(texts: list[str]) -> list[tuple[int, int]]:
    """Ranges of memory written "ADDRESS SIZE", as numbers."""
    return [(int(address, 0), int(size, 0)) for address, size in (text.split() for text in texts)]
