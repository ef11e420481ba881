"""The plan of guests: each one's kernel, initramfs and disks."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xenbuild.parts import entries
from xenbuild.parts.entries import entry
from xenbuild.parts.packages import blob, unpacked
from xenbuild.plan.action import Action, File, Input, Json, OutputOf
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.data import data_dir
from xenbuild.spec.domain import Domain
from xenbuild.spec.model import Declaration
from xenbuild.spec.recipe import DriverSet, Release, load_recipe
from xenbuild.store.store import Store

Locked = Mapping[str, Sequence[LockedPackage]]  # role (parts/requests.py) -> packages


@dataclass(frozen=True, slots=True)
class Guest:
    """What the build makes of one guest."""

    name: str
    domain: Domain
    kernel: Input | None  # None: the guest boots from its disk
    initramfs: Input | None
    disks: Mapping[str, Input] = field(default_factory=dict)  # device in the guest -> image


def guests(declaration: Declaration, release: Release, packages: Locked, store: Store) -> list[Guest]:
    """All guests of a declaration, in its order."""
    planner = _Planner(declaration, release, packages, store)
    return [planner.guest(name, domain) for name, domain in declaration.domains.items()]


class _Planner:
    """Plans guests that may share a kernel with the modules of the same driver sets."""

    def __init__(self, declaration: Declaration, release: Release, packages: Locked, store: Store) -> None:
        self._declaration = declaration
        self._release = release
        self._packages = packages
        self._store = store
        self._kernels: dict[tuple[str, ...], Action] = {}

    def guest(self, name: str, domain: Domain) -> Guest:
        if domain.kernel is not None:
            initramfs = self._own(domain.initramfs) if domain.initramfs else None
            return Guest(name, domain, self._own(domain.kernel), initramfs, self._disks(domain))
        kernel = self._kernel(domain)
        made = self._own(domain.initramfs) if domain.initramfs else self._initramfs(name, domain, kernel)
        return Guest(name, domain, kernel.output("kernel"), made, self._disks(domain))

    def _own(self, path: Path) -> Input:
        return File(self._store.put_file(path))

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
        inputs = {key: File(self._store.put_file(path)) for key, path in files.items()}
        return _stated(f"the configuration of {name}", {"entries": stated}, inputs)

    def _disks(self, domain: Domain) -> dict[str, Input]:
        return {disk.name or "xvda": self._own(disk.file) for disk in domain.disks if disk.file is not None}


def _generated(name: str, domain: Domain) -> Iterator[Json]:
    regular = stat.S_IFREG | 0o644
    yield entry("etc/xenbuild/config", regular, content=settings(name, domain))
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
        "ROOT": (root.name or "xvda") if root else "",
        "ROOT_OPTIONS": "ro" if root and (root.readonly or root.filesystem == "erofs") else "rw",
    }
    return "".join(f"{key}={shlex.quote(value)}\n" for key, value in values.items())


def _tree(what: str, tree: OutputOf) -> OutputOf:
    return Action(f"pack {what}", "xenbuild.parts.segments:tree", {}, {"tree": tree}, ("segment",)).output("segment")


def _stated(what: str, params: Json, inputs: Mapping[str, Input]) -> OutputOf:
    return Action(f"pack {what}", "xenbuild.parts.segments:config", params, inputs, ("segment",)).output("segment")
