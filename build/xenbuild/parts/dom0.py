"""The plan of dom0: its kernel, and an initramfs of three segments (toolstack, modules, configuration)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xenbuild.parts import rootfs
from xenbuild.parts.packages import blob, unpacked
from xenbuild.parts.unpack import DOCUMENTATION
from xenbuild.plan.action import Action, File, Input, OutputOf
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.model import Declaration
from xenbuild.spec.recipe import DriverSet, Release, load_recipe
from xenbuild.store.store import Store

Locked = Mapping[str, Sequence[LockedPackage]]  # role (parts/requests.py) -> packages


def parts(declaration: Declaration, release: Release, packages: Locked, store: Store) -> tuple[Input, Input | None]:
    """dom0's kernel and initramfs; a kernel of the user's own comes with the user's initramfs or none."""
    dom0 = declaration.dom0
    if dom0.kernel is not None:
        initramfs = File(store.put_file(dom0.initramfs)) if dom0.initramfs else None
        return File(store.put_file(dom0.kernel)), initramfs
    kernel = _kernel(declaration, release, packages["kernel"])
    segments = {
        "toolstack": _tree_segment("toolstack", _toolstack(release, packages)),
        "modules": _tree_segment("modules", kernel.output("modules")),
        "config": _config_segment(declaration, store),
    }
    join = Action(
        "join dom0's initramfs", "xenbuild.parts.segments:join", {"order": list(segments)}, segments, ("initramfs",)
    )
    return kernel.output("kernel"), join.output("initramfs")


def hypervisor_words(declaration: Declaration) -> list[str]:
    """What the hypervisor's command line says about dom0 (docs/misc/xen-command-line.pandoc: dom0_mem)."""
    dom0 = declaration.dom0
    memory = f"{dom0.memory >> 10}K"
    limit = f",max:{memory}" if declaration.target.arch == "x86_64" else ""
    vcpus = [f"dom0_max_vcpus={dom0.vcpus}"] if dom0.vcpus else []
    return [f"dom0_mem={memory}{limit}", *vcpus]


def _kernel(declaration: Declaration, release: Release, packages: Sequence[LockedPackage]) -> Action:
    recipe = release.architectures[declaration.target.arch].kernel
    package = max(packages, key=lambda p: p.size)  # the others only lead to it
    modules: dict[str, None] = {}
    for name in declaration.dom0.drivers:
        drivers = load_recipe(DriverSet, name, declaration.folder, declaration.dom0.at("drivers"))
        modules.update(dict.fromkeys(drivers.modules_for(declaration.target.arch)))
    modules.update(dict.fromkeys(declaration.dom0.modules))
    return Action(
        f"unpack {package.name}",
        "xenbuild.parts.modules:run",
        {"kernel": recipe.file, "modules": list(modules)},
        {"deb": blob(package)},
        ("kernel", "modules"),
        size_hint=package.size,
    )


def _toolstack(release: Release, packages: Locked) -> OutputOf:
    """The programs that the release's recipe names with their libraries, and the user's own packages as they are."""
    own = [p for p in packages.get("extra", ()) if p not in packages["dom0"]]
    trees = {p.name: unpacked(p, exclude=DOCUMENTATION) for p in (*packages["dom0"], *own)}
    params = {
        "order": list(trees),
        "files": release.dom0.files,
        "dlopened": release.dom0.dlopened,
        "whole": [p.name for p in own],
    }
    return Action("dom0's toolstack", "xenbuild.parts.toolstack:run", params, trees, ("tree",)).output("tree")


def _tree_segment(what: str, tree: OutputOf) -> OutputOf:
    label = f"pack dom0's {what}"
    return Action(label, "xenbuild.parts.segments:tree", {}, {"tree": tree}, ("segment",)).output("segment")


def _config_segment(declaration: Declaration, store: Store) -> OutputOf:
    config = rootfs.config(declaration)
    inputs = {name: File(store.put_file(path)) for name, path in config.files.items()}
    return Action(
        "pack dom0's configuration", "xenbuild.parts.segments:config", config.params, inputs, ("segment",)
    ).output("segment")
