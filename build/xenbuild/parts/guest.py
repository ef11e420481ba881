"""The plan of guests: each one's kernel, initramfs and disks."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from string import ascii_lowercase

from xenbuild.errors import DeclarationError
from xenbuild.parts import drivers, entries
from xenbuild.parts.bootdisk import bootable
from xenbuild.parts.disk import Content, given, made
from xenbuild.parts.entries import entry
from xenbuild.parts.guestkernel import prepared
from xenbuild.parts.packages import unpacked
from xenbuild.parts.requests import role_of
from xenbuild.parts.sourced import Sourced
from xenbuild.parts.unpack import DOCUMENTATION
from xenbuild.parts.xlconfig import grub_config
from xenbuild.plan.action import Action, Input, Json, OutputOf, canonical_json
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.data import data_dir
from xenbuild.spec.disks import boots_ours
from xenbuild.spec.domain import Disk, Domain
from xenbuild.spec.model import Declaration
from xenbuild.spec.recipe import Release

Locked = Mapping[str, Sequence[LockedPackage]]  # role (parts/requests.py) -> packages


# A pv guest's end of PCI devices, and memory below 4 GiB for their DMA (Linux, arch/x86/kernel/pci-dma.c).
PCI_DRIVERS = ("pci-frontend",)
PCI_WORDS = ("iommu=soft", "swiotlb=force")


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
        self._kernels: dict[str, Action] = {}

    def guest(self, name: str, domain: Domain) -> Guest:
        domain = settled(self._declaration.name, name, domain)
        kernel, initramfs = self._boot(name, domain)
        empty, outside, images = {}, {}, {}
        for number, disk in enumerate(domain.disks):
            device = str(disk.name)
            if disk.file is not None:
                images[device] = given(disk, name, self._sourced.input(disk.file, disk.at("file")))
            elif disk.path is not None:
                outside[device] = disk.path
            elif disk.filesystem is not None:
                boots = number == 0 and domain.boot != "kernel"
                image = made(disk, self._content(name, domain, disk, boots), self._sourced)
                if boots and domain.boot == "firmware":
                    image = bootable(image, f"disk {device} of guest {name}", self._sourced)
                images[device] = image
            elif disk.size is not None:
                empty[device] = int(disk.size)
        tree = domain.dom0less.device_tree
        devices = self._sourced.input(tree, domain.dom0less.at("device_tree")) if tree else None
        return Guest(name, domain, kernel, initramfs, images, empty, outside, devices)

    def _boot(self, name: str, domain: Domain) -> tuple[Input | None, Input | None]:
        """Kernel and initramfs of a guest."""
        if domain.boot == "firmware":
            return None, None
        if domain.boot == "grub":
            return self._grub(domain), None
        own = domain.initramfs
        initramfs = self._sourced.input(own, domain.at("initramfs")) if own else None
        if domain.kernel is not None:
            given = self._sourced.input(domain.kernel, domain.at("kernel"))
            return self._prepared(domain, given, self._sourced.name(domain.kernel)), initramfs
        kernel = self._kernel(domain)
        prepared = self._prepared(domain, kernel.output("kernel"), f"the kernel of {self._release.name}")
        return prepared, initramfs or self._initramfs(name, domain, kernel)

    def _grub(self, domain: Domain) -> Input:
        """GRUB in the place of the kernel."""
        arch = self._declaration.target.arch
        recipe = self._release.architectures["x86_64"].grub
        if recipe is None:
            raise DeclarationError(f"{self._release.name} has no GRUB for guests", at=domain.at("boot"))
        path = recipe.files[domain.type if arch == "x86_64" else f"{domain.type}-{arch}"]
        (package,) = self._packages["grub"]
        tree = {"tree": unpacked(package, [path])}
        params = {"path": path, "what": package.name}
        taken = Action(f"take {path.rpartition('/')[2]}", "xenbuild.parts.sourced:pick", params, tree, ("file",))
        name = f"GRUB of {self._release.name}"
        return prepared(taken.output("file"), domain.type, name, domain.at("boot"), packed=self._packed, pv=arch)

    def _content(self, name: str, domain: Domain, disk: Disk, boots: bool) -> Content:
        """What goes on a disk that is made; `boots`: GRUB starts the guest from it."""
        boot: dict[str, Input] = {}
        texts = {}
        if boots and self._declaration.target.arch in self._release.architectures:
            kernel = self._kernel(domain)
            # For a pv guest GRUB wants what libxenguest wants, for a pvh guest what a PC's boot loader does.
            linux = kernel.output("kernel")
            if domain.type == "pv":
                linux = prepared(linux, "pv", f"the kernel of {self._release.name}", None)
            boot = {"boot/vmlinuz": linux, "boot/initrd.img": self._initramfs(name, domain, kernel)}
            texts = {"boot/grub/grub.cfg": grub_config(name, domain.cmdline, self._declaration.folder)}
        return Content(
            guest=name,
            packages=self._packages[role_of(disk.packages)] if disk.packages else (),
            busybox=self._busybox if disk.root else None,
            settings=settings(name, domain),
            boot=boot,
            texts=texts,
        )

    @property
    def _busybox(self) -> LockedPackage:
        return next(p for p in self._packages["dom0"] if p.name.startswith("busybox"))

    def _prepared(self, domain: Domain, kernel: Input, name: str) -> Input:
        if self._declaration.target.arch not in ("x86_64", "ia32"):
            return kernel
        at, arch = domain.at("kernel"), domain.arch or ""
        pv = self._declaration.target.arch
        return prepared(kernel, domain.type, name, at, arch=arch, packed=self._packed, pv=pv)

    @property
    def _packed(self) -> bool:
        """Whether dom0 unpacks kernels."""
        return self._declaration.dom0.kind != "unikernel"

    def _kernel(self, domain: Domain) -> Action:
        arch = self._declaration.target.arch
        at = domain.at("drivers")
        made = [disk.filesystem for disk in domain.disks if disk.filesystem is not None]
        sets = [*self._declaration.drivers, *domain.drivers, *made]
        if domain.type == "hvm":
            sets.append("pv-on-hvm")
        asked = drivers.wanted(sets, domain.modules, arch, self._declaration.folder, at)
        kept = canonical_json(asked)
        if kept not in self._kernels:
            recipe = self._release.architectures[arch].kernel
            self._kernels[kept] = drivers.kernel(self._packages["kernel"], recipe, asked, at, " for guests")
        return self._kernels[kept]

    def _initramfs(self, name: str, domain: Domain, kernel: Action) -> OutputOf:
        segments = {  # a later one goes over an earlier one
            "applets": _stated("busybox's commands", {"entries": list(entries.applets())}, {}),
            "base": _tree("the guests' base", unpacked(self._busybox, ["usr/bin/busybox"])),
            "modules": _tree("the guests' modules", kernel.output("modules")),
            "config": self._config(name, domain),
        }
        if domain.packages:
            added = _tree("the guests' packages", self._added(domain.packages))
            segments = {"applets": segments.pop("applets"), "packages": added, **segments}
        join = "xenbuild.parts.segments:join"
        made = Action(f"join the initramfs of {name}", join, {"order": list(segments)}, segments, ("initramfs",))
        return made.output("initramfs")

    def _added(self, names: Sequence[str]) -> OutputOf:
        """The user's packages whole; of others that dom0 has too (libc6), only what is used."""
        locked = self._packages[role_of(names)]
        trees = {p.name: unpacked(p, exclude=DOCUMENTATION) for p in locked}
        common = set(self._packages["dom0"])
        params = {
            "order": list(trees),
            "files": [],
            "dlopened": self._release.dom0.dlopened if "libc6" in trees else [],
            "whole": [p.name for p in locked if p.name in names or p not in common],
            "whose": "the guest",
        }
        label = f"packages of guests: {' '.join(names)}"
        return Action(label, "xenbuild.parts.toolstack:run", params, trees, ("tree",)).output("tree")

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
    disks = [
        replace(
            disk,
            name=disk.name or next(one for one in free if one not in taken),
            readonly=disk.readonly or disk.filesystem == "erofs",
        )
        for disk in domain.disks
    ]
    networks = []
    for number, network in enumerate(domain.networks):
        made = sha256(f"{machine}/{name}/{number}".encode()).digest()
        derived = f"00:16:3e:{made[0] & 0x7F:02x}:{made[1]:02x}:{made[2]:02x}"
        networks.append(replace(network, mac=network.mac or derived))
    ours = domain.kernel is None and (domain.boot != "firmware" or boots_ours(domain))
    by_xen = domain.start == "dom0less"
    device = "ttyAMA0" if by_xen and domain.dom0less.vpl011 else "hvc0"
    console = [f"console={device}"] if ours and not any(word.startswith("console=") for word in domain.cmdline) else []
    sets = [] if by_xen and not domain.dom0less.enhanced else domain.drivers  # nothing is there for them
    if ours and domain.pci and domain.type == "pv":
        sets = [*sets, *(name for name in PCI_DRIVERS if name not in sets)]
        console += [word for word in PCI_WORDS if word not in domain.cmdline]
    return replace(domain, disks=disks, networks=networks, drivers=sets, cmdline=[*console, *domain.cmdline])


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
        "ROOT": _root_device(domain, root) if root else "",
        "ROOT_OPTIONS": "ro" if root and root.readonly else "rw",
    }
    return "".join(f"{key}={shlex.quote(value)}\n" for key, value in values.items())


def _root_device(domain: Domain, root: Disk) -> str:
    """Its name in the guest: on a disk that firmware starts, the file system is in a partition."""
    return f"{root.name}1" if domain.boot == "firmware" and root is domain.disks[0] else str(root.name)


def _tree(what: str, tree: OutputOf) -> OutputOf:
    return Action(f"pack {what}", "xenbuild.parts.segments:tree", {}, {"tree": tree}, ("segment",)).output("segment")


def _stated(what: str, params: Json, inputs: Mapping[str, Input]) -> OutputOf:
    return Action(f"pack {what}", "xenbuild.parts.segments:config", params, inputs, ("segment",)).output("segment")
