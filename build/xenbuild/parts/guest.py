"""The plan of guests: each one's kernel, initramfs and disks."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from string import ascii_lowercase

from xenbuild.parts import entries
from xenbuild.parts.entries import entry
from xenbuild.parts.guestkernel import prepared
from xenbuild.parts.packages import blob, unpacked
from xenbuild.parts.sourced import Sourced
from xenbuild.plan.action import Action, Input, Json, OutputOf
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.data import data_dir
from xenbuild.spec.domain import Domain
from xenbuild.spec.model import Declaration
from xenbuild.spec.recipe import DriverSet, Release, load_recipe

Locked = Mapping[str, Sequence[LockedPackage]]  # role (parts/requests.py) -> packages


@dataclass(frozen=True, slots=True)
class Guest:
    """What the build makes of one guest."""

    name: str
    domain: Domain
    kernel: Input | None  # None: the guest boots from its disk
    initramfs: Input | None
    disks: Mapping[str, Input] = field(default_factory=dict)  # device in the guest -> image
    empty: Mapping[str, int] = field(default_factory=dict)  # device -> bytes: disks that dom0 makes
    outside: Mapping[str, str] = field(default_factory=dict)  # device -> what dom0 has
    device_tree: Input | None = None  # of devices that are passed through, where Xen starts the guest


def guests(declaration: Declaration, release: Release, packages: Locked, sourced: Sourced) -> list[Guest]:
    """All guests of a declaration, in its order."""
    planner = _Planner(declaration, release, packages, sourced)
    return [planner.guest(name, domain) for name, domain in declaration.domains.items()]


class _Planner:
    """Plans guests that may share a kernel with the modules of the same driver sets."""

    def __init__(self, declaration: Declaration, release: Release, packages: Locked, sourced: Sourced) -> None:
        self._declaration = declaration
        self._release = release
        self._packages = packages
        self._sourced = sourced
        self._kernels: dict[tuple[str, ...], Action] = {}

    def guest(self, name: str, domain: Domain) -> Guest:
        domain = settled(self._declaration.name, name, domain)
        kernel, initramfs = self._boot(name, domain)
        empty, outside, images = {}, {}, {}
        for disk in domain.disks:
            device = str(disk.name)
            if disk.file is not None:
                images[device] = self._sourced.input(disk.file, disk.at("file"))
            elif disk.path is not None:
                outside[device] = disk.path
            elif disk.size is not None:
                empty[device] = int(disk.size)
        tree = domain.dom0less.device_tree
        devices = self._sourced.input(tree, domain.dom0less.at("device_tree")) if tree else None
        return Guest(name, domain, kernel, initramfs, images, empty, outside, devices)

    def _boot(self, name: str, domain: Domain) -> tuple[Input | None, Input | None]:
        """Kernel and initramfs of a guest."""
        if domain.boot == "firmware":
            return None, None
        own = domain.initramfs
        initramfs = self._sourced.input(own, domain.at("initramfs")) if own else None
        if domain.kernel is not None:
            given = self._sourced.input(domain.kernel, domain.at("kernel"))
            return self._prepared(domain, given, self._sourced.name(domain.kernel)), initramfs
        kernel = self._kernel(domain)
        prepared = self._prepared(domain, kernel.output("kernel"), f"the kernel of {self._release.name}")
        return prepared, initramfs or self._initramfs(name, domain, kernel)

    def _prepared(self, domain: Domain, kernel: Input, name: str) -> Input:
        if self._declaration.target.arch not in ("x86_64", "ia32"):
            return kernel
        packed = self._declaration.dom0.kind != "unikernel"
        return prepared(kernel, domain.type, name, domain.at("kernel"), packed=packed)

    def _kernel(self, domain: Domain) -> Action:
        arch = self._declaration.target.arch
        modules: dict[str, None] = {}
        for name in (*self._declaration.drivers, *domain.drivers):
            drivers = load_recipe(DriverSet, name, self._declaration.folder, domain.at("drivers"))
            modules.update(dict.fromkeys(drivers.modules_for(arch)))
        wanted = tuple(modules | dict.fromkeys(domain.modules))
        if wanted not in self._kernels:
            package = max(self._packages["kernel"], key=lambda p: p.size)  # the others only lead to it
            self._kernels[wanted] = Action(
                f"unpack {package.name} for guests",
                "xenbuild.parts.modules:run",
                {"kernel": self._release.architectures[arch].kernel.file, "modules": list(wanted)},
                {"deb": blob(package)},
                ("kernel", "modules"),
                size_hint=package.size,
            )
        return self._kernels[wanted]

    def _initramfs(self, name: str, domain: Domain, kernel: Action) -> OutputOf:
        busybox = next(p for p in self._packages["dom0"] if p.name.startswith("busybox"))
        segments = {
            "applets": _stated("busybox's commands", {"entries": list(entries.applets())}, {}),
            "base": _tree("the guests' base", unpacked(busybox, ["usr/bin/busybox"])),
            "modules": _tree("the guests' modules", kernel.output("modules")),
            "config": self._config(name, domain),
        }
        join = "xenbuild.parts.segments:join"
        made = Action(f"join the initramfs of {name}", join, {"order": list(segments)}, segments, ("initramfs",))
        return made.output("initramfs")

    def _config(self, name: str, domain: Domain) -> OutputOf:
        files: dict[str, Path] = {}
        stated = [*entries.skeleton(), *entries.glue(data_dir("pv-drivers") / "guest" / "root", files)]
        stated += _generated(name, domain)
        stated += entries.user_files(domain.files, self._declaration.folder, files)
        inputs = {key: self._sourced.input(path) for key, path in files.items()}
        return _stated(f"the configuration of {name}", {"entries": stated}, inputs)


def settled(machine: str, name: str, domain: Domain) -> Domain:
    """The guest with what follows from its name and place written out: devices, hardware addresses, the console.

    Hardware addresses are in the range that Xen's project gives out to everybody (00:16:3e, IEEE OUI registry).
    """
    free = (f"xvd{letter}" for letter in ascii_lowercase)
    taken = {disk.name for disk in domain.disks}
    disks = [replace(disk, name=disk.name or next(one for one in free if one not in taken)) for disk in domain.disks]
    networks = []
    for number, network in enumerate(domain.networks):
        made = sha256(f"{machine}/{name}/{number}".encode()).digest()
        derived = f"00:16:3e:{made[0] & 0x7F:02x}:{made[1]:02x}:{made[2]:02x}"
        networks.append(replace(network, mac=network.mac or derived))
    ours = domain.kernel is None and domain.boot == "kernel"
    by_xen = domain.start == "dom0less"
    device = "ttyAMA0" if by_xen and domain.dom0less.vpl011 else "hvc0"
    console = [f"console={device}"] if ours and not any(word.startswith("console=") for word in domain.cmdline) else []
    drivers = [] if by_xen and not domain.dom0less.enhanced else domain.drivers  # nothing is there for them
    return replace(domain, disks=disks, networks=networks, drivers=drivers, cmdline=[*console, *domain.cmdline])


def _generated(name: str, domain: Domain) -> Iterator[Json]:
    regular = stat.S_IFREG | 0o644
    yield entry("etc/xenbuild/config", regular, content=settings(name, domain))
    for program in ("poweroff", "reboot"):  # what the kernel calls when xl asks for it (kernel/reboot.c)
        yield entry(f"usr/sbin/{program}", stat.S_IFLNK | 0o777, link="../bin/busybox")
    yield entry("etc/hostname", regular, content=f"{name}\n")
    yield entry("etc/hosts", regular, content=f"127.0.0.1 localhost\n127.0.1.1 {name}\n")
    yield entry("etc/passwd", regular, content="root:x:0:0:root:/root:/bin/sh\n")
    yield entry("etc/group", regular, content="root:x:0:\n")


def settings(name: str, domain: Domain) -> str:
    """What the guest's init reads with `.`: shell variables, quoted."""
    root = next((disk for disk in domain.disks if disk.root), None)
    values = {
        "NAME": name,
        "COMMAND": domain.command or "",
        "ADDRESSES": " ".join(network.address or "-" for network in domain.networks),
        "GATEWAY": next((network.gateway for network in domain.networks if network.gateway), ""),
        "ROOT": str(root.name) if root else "",
        "ROOT_OPTIONS": "ro" if root and (root.readonly or root.filesystem == "erofs") else "rw",
    }
    return "".join(f"{key}={shlex.quote(value)}\n" for key, value in values.items())


def _tree(what: str, tree: OutputOf) -> OutputOf:
    return Action(f"pack {what}", "xenbuild.parts.segments:tree", {}, {"tree": tree}, ("segment",)).output("segment")


def _stated(what: str, params: Json, inputs: Mapping[str, Input]) -> OutputOf:
    return Action(f"pack {what}", "xenbuild.parts.segments:config", params, inputs, ("segment",)).output("segment")
