"""Rules of `domains:` that types cannot say: inside a guest, and between guests, dom0 and the machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from xenbuild.errors import Position
from xenbuild.spec.block import Node
from xenbuild.spec.disks import boots_ours, disk_rules
from xenbuild.spec.domain import Domain, Network
from xenbuild.spec.model import Declaration
from xenbuild.spec.partition import check_partition, guest_rules
from xenbuild.spec.problems import Problems, nearest
from xenbuild.spec.recipe import Release
from xenbuild.spec.scalars import format_size, quote

RESERVED = ("domain-0", "xen")
# Keys of xl.cfg(5) that have a key of ours, which knows more than xl about what it means.
OURS = {
    "name": "the guest's name", "type": "type", "kernel": "kernel", "ramdisk": "initramfs", "extra": "cmdline",
    "cmdline": "cmdline", "memory": "memory", "maxmem": "max_memory", "vcpus": "vcpus", "maxvcpus": "max_vcpus",
    "cpus": "cpus", "cpu_weight": "weight", "cap": "cap", "pool": "cpupool", "disk": "disks", "vif": "networks",
    "vfb": "framebuffer", "pci": "pci", "builder": "type",
}  # fmt: skip


def check_network(network: Network, problems: Problems) -> None:
    """What one interface says about itself."""
    for name in ("address", "gateway"):
        value = getattr(network, name)
        if value is None:
            continue
        try:
            if name == "gateway":
                ipaddress.ip_address(value)
            elif "/" not in value:
                raise ValueError
            else:
                ipaddress.ip_interface(value)
        except ValueError:
            wanted = "10.9.0.2/24" if name == "address" else "10.9.0.1"
            problems.add(network.at(name), f"{quote(value)} is no {name} of a network", f"write for example {wanted}")
    if network.mac is not None and int(network.mac[:2], 16) & 1:
        advice = "the first byte must be even: addresses of one card, not of many"
        problems.add(network.at("mac"), f"{network.mac} is a group's address", advice)


def check_guests(made: Declaration, problems: Problems) -> None:
    """All guests of a declaration, each by itself and all together."""
    for name, domain in made.domains.items():
        _check_guest(made, name, domain, problems)
    _check_own_dom0(made, problems)
    _check_unique(made, problems)
    _check_order(made, problems)
    _check_no_dom0(made, problems)
    check_partition(made, problems)


def _check_no_dom0(made: Declaration, problems: Problems) -> None:
    if made.dom0.enabled:
        return
    if made.target.arch == "x86_64":
        advice = "only on Arm can Xen start guests by itself"
        problems.add(made.dom0.at("enabled"), "dom0.enabled: x86 has a dom0", advice)
    elif not made.domains:
        problems.add(made.dom0.at("enabled"), "there is neither dom0 nor a guest", "add a guest with start: dom0less")


def _check_guest(made: Declaration, name: str, domain: Domain, problems: Problems) -> None:
    what = f"domains.{name}"
    at = made.at(f"domains.{name}")
    if name.lower() in RESERVED:
        problems.add(at, f"{what}: {quote(name)} is Xen's own name", "give the guest another name")
    x86 = made.target.arch in ("x86_64", "ia32")
    hvm = domain.type == "hvm"
    rules: list[tuple[bool, Node, str, str, str]] = [
        (domain.boot == "firmware" and not hvm, domain, "boot", "only an hvm guest has firmware", "write type: hvm"),
        (domain.boot == "grub" and (hvm or not x86), domain, "boot", "GRUB starts pv and pvh guests of x86", ""),
        (domain.boot != "kernel" and domain.kernel is not None, domain, "kernel", f"kernel beside boot: {domain.boot}",
         "remove one of them"),
        (domain.boot != "kernel" and not domain.disks, domain, "boot", f"boot: {domain.boot} without a disk",
         "add the disk that it boots from"),
        (domain.framebuffer is not None and not x86 and made.target.arch != "ia32", domain, "framebuffer",
         "there is no screen on Arm", "remove it"),
        (domain.start == "dom0less" and x86, domain, "start", "Xen starts guests by itself on Arm only",
         "write start: toolstack"),
        (domain.start == "toolstack" and not made.dom0.enabled and not x86, domain, "start",
         "there is no dom0 that starts it", "write start: dom0less, or remove dom0.enabled: false"),
        (domain.on_shutdown == "save" and not x86, domain, "on_shutdown", "Xen cannot save guests on Arm",
         "write on_shutdown: shutdown"),
        (domain.on_shutdown == "save" and x86 and made.dom0.state is None, domain, "on_shutdown",
         "dom0 lies in memory, and a saved guest would be lost with it", "add dom0.state: a partition of the machine"),
        (domain.on_shutdown == "save" and bool(domain.pci), domain, "on_shutdown",
         "a guest with PCI devices cannot be saved", "write on_shutdown: shutdown"),
        (bool(domain.pci) and not x86, domain, "pci", "PCI devices cannot be handed to guests on Arm", "remove them"),
        (domain.max_memory is not None and domain.max_memory < domain.memory, domain, "max_memory",
         "max_memory is less than memory", f"at least {format_size(domain.memory)}"),
        (domain.max_vcpus is not None and domain.max_vcpus < domain.vcpus, domain, "max_vcpus",
         "max_vcpus is less than vcpus", f"at least {domain.vcpus}"),
        (domain.weight is not None and not 1 <= domain.weight <= 65535, domain, "weight",
         f"weight {domain.weight} is out of range", "use 1 to 65535; 256 is usual"),
        (domain.cap is not None and not 0 <= domain.cap <= 100 * domain.vcpus, domain, "cap",
         f"cap {domain.cap} is out of range", f"use 0 (no limit) to {100 * domain.vcpus}: percent of one CPU"),
    ]  # fmt: skip
    if (domain.kernel is not None and domain.initramfs is None) or domain.initramfs is not None:
        own = "initramfs" if domain.initramfs is not None else "kernel"
        for key in ("packages", "files", "command"):
            message = f"{key} would go into our initramfs, and the guest has its own {own}"
            rules.append((bool(getattr(domain, key)), domain, key, message, f"remove {key} or {own}"))
    rules += disk_rules(domain)
    for network in domain.networks:
        emulated = f"nothing is emulated for a {domain.type} guest"
        rules.append((network.model is not None and not hvm, network, "model", emulated, "remove model"))
    if domain.start == "dom0less" and not x86:
        rules += guest_rules(made, domain)
    for broken, node, key, message, advice in rules:
        if broken:
            problems.add(node.at(key), f"{what}: {message}", advice)
    if domain.arch not in (None, made.target.arch):
        _check_foreign(made, what, domain, problems)
    roots = [disk for disk in domain.disks if disk.root]
    if len(roots) > 1:
        problems.add(roots[1].at("root"), f"{what}: two disks hold its root", "leave root to one of them")
    for key, ours in OURS.items():
        if key in domain.settings:
            advice = f"write {ours}" if ours == key or " " not in ours else f"it is {ours}"
            problems.add(domain.at(f"settings.{key}"), f"{what}: {key} is not set by settings", advice)


def check_cards(made: Declaration, release: Release, problems: Problems) -> None:
    """Emulated network cards, which need an option ROM of the release."""
    arch = release.architectures.get(made.target.arch)
    if arch is None or arch.device_model is None:
        return
    known = arch.device_model.cards.files
    for name, domain in made.domains.items():
        for network in domain.networks:
            if network.model is not None and domain.type == "hvm" and network.model not in known:
                message = f"domains.{name}: {release.name} emulates no network card {quote(network.model)}"
                problems.add(network.at("model"), message, nearest(network.model, known, show="cards"))


def _check_foreign(made: Declaration, what: str, domain: Domain, problems: Problems) -> None:
    """A guest of another architecture than the target's: on x86 one of 32 bits, whose kernel is the user's."""
    if (made.target.arch, domain.arch) != ("x86_64", "ia32"):
        advice = "guests have the architecture of the target"
        problems.add(domain.at("arch"), f"{what}.arch is not part of this version", advice)
    elif domain.type == "pv":
        pass  # recipes/capabilities.yaml knows why not
    elif domain.kernel is None and domain.boot == "kernel":
        advice = "name a 32-bit kernel by `kernel`"
        problems.add(domain.at("arch"), f"{what}: the release's kernel is not one of {domain.arch}", advice)
    elif domain.boot != "kernel" and boots_ours(domain):
        advice = "name a disk of your own by `file` or `path`, or remove arch"
        problems.add(domain.at("arch"), f"{what}: the kernel on its disk is not one of {domain.arch}", advice)


def _check_own_dom0(made: Declaration, problems: Problems) -> None:
    """The user's own dom0 has no toolstack of ours, and its release's kernel is not there for guests."""
    if made.dom0.kernel is None:
        return
    for name, domain in made.domains.items():
        if domain.start == "toolstack" or domain.kernel is None:
            message = f"domains.{name}: dom0.kernel brings a dom0 that knows nothing of our guests"
            advice = "put guests into that dom0 yourself, or remove dom0.kernel"
            problems.add(made.at(f"domains.{name}"), message, advice)


def _check_unique(made: Declaration, problems: Problems) -> None:
    """Names, addresses and devices that only one can have."""
    seen: dict[tuple[str, str], str] = {}
    if made.dom0.bridge is not None and made.dom0.bridge.address:
        seen["address", made.dom0.bridge.address.partition("/")[0]] = "dom0's bridge"
    for name, domain in made.domains.items():
        for kind, value, at in _claims(made, name, domain):
            owner = seen.setdefault((kind, value), "")
            if owner:
                problems.add(at, f"domains.{name}: {kind} {value} is {owner}'s already", "give each its own")
            else:
                seen[kind, value] = f"guest {name}"


def _claims(made: Declaration, name: str, domain: Domain) -> Iterator[tuple[str, str, Position | None]]:
    yield "the name", name.lower(), made.at(f"domains.{name}")
    for network in domain.networks:
        if network.mac is not None:
            yield "mac", network.mac, network.at("mac")
        if network.address is not None:
            yield "address", network.address.partition("/")[0], network.at("address")
    screen = domain.framebuffer
    if screen is not None and screen.display is not None:
        yield "VNC display", f"{screen.listen}:{screen.display}", screen.at("display")
    for number, device in enumerate(domain.pci):
        yield "PCI device", device if device.count(":") == 2 else f"0000:{device}", domain.at(f"pci[{number}]")
    for disk in domain.disks:
        if disk.path is not None and not disk.readonly:
            yield "writable disk", disk.path, disk.at("path")


def _check_order(made: Declaration, problems: Problems) -> None:
    """`after` names other guests that start by themselves, and leads to no circle."""
    for name, domain in made.domains.items():
        for number, other in enumerate(domain.after):
            at = domain.at(f"after[{number}]")
            if other == name:
                problems.add(at, f"domains.{name}: it cannot start after itself", "remove it")
            elif other not in made.domains:
                advice = nearest(other, [one for one in made.domains if one != name], show="guests")
                problems.add(at, f"domains.{name}: there is no guest {quote(other)}", advice)
            elif domain.autostart and not made.domains[other].autostart:
                message = f"domains.{name}: it starts after {other}, which is not started by itself"
                problems.add(at, message, f"write autostart: true in {other}, or autostart: false here")
    if circle := _circle(made):
        message = f"guests wait for each other: {' after '.join([*circle, circle[0]])}"
        problems.add(made.domains[circle[0]].at("after"), message, "take one of them out of `after`")


def _circle(made: Declaration) -> list[str]:
    """Guests that wait for each other in a ring; the shortest way round from the first of the file."""
    for name in made.domains:
        ways = [[name]]
        reached: set[str] = set()
        while ways:
            way = ways.pop(0)
            for other in made.domains[way[-1]].after:
                if other == name and len(way) > 1:
                    return way
                if other in made.domains and other != way[-1] and other not in reached:
                    reached.add(other)
                    ways.append([*way, other])
    return []
