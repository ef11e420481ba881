"""The plan of dom0: its kernel, and an initramfs of three segments (toolstack, modules, configuration)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from xenbuild.parts import drivers, entries, host, rootfs
from xenbuild.parts.packages import unpacked
from xenbuild.parts.requests import emulated_cards
from xenbuild.parts.sourced import Sourced
from xenbuild.parts.unpack import DOCUMENTATION
from xenbuild.plan.action import Action, Input, Json, OutputOf
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.model import Declaration
from xenbuild.spec.recipe import Release

Locked = Mapping[str, Sequence[LockedPackage]]  # role (parts/requests.py) -> packages


def parts(
    declaration: Declaration, release: Release, packages: Locked, guests: OutputOf | None, sourced: Sourced
) -> tuple[Input, Input | None]:
    """dom0's kernel and initramfs with its guests; a kernel of the user's own comes with theirs or none."""
    dom0 = declaration.dom0
    if dom0.kernel is not None:
        return _own_kernel(declaration, dom0.kernel, sourced)
    kernel = _kernel(declaration, release, packages["kernel"])
    segments = {  # a later one goes over an earlier one
        "applets": _stated_segment("busybox's commands", {"entries": list(entries.applets())}, {}),
        "toolstack": _tree_segment("toolstack", _toolstack(declaration, release, packages)),
        "modules": _tree_segment("modules", kernel.output("modules")),
        "config": _config_segment(declaration, sourced),
    }
    if guests is not None:
        segments["guests"] = guests
    join = Action(
        "join dom0's initramfs", "xenbuild.parts.segments:join", {"order": list(segments)}, segments, ("initramfs",)
    )
    return kernel.output("kernel"), join.output("initramfs")


def _own_kernel(declaration: Declaration, kernel: Path, sourced: Sourced) -> tuple[Input, Input | None]:
    """The user's kernel, once it is known that it can be dom0, and the user's initramfs if there is one."""
    dom0, name = declaration.dom0, sourced.name(kernel)
    inputs: dict[str, Input] = {"kernel": sourced.input(kernel, dom0.at("kernel"))}
    if dom0.initramfs is not None:
        inputs["initramfs"] = sourced.input(dom0.initramfs, dom0.at("initramfs"))
    params = {"arch": declaration.target.arch, "name": name}
    checked = Action(f"check {name}", "xenbuild.parts.ownkernel:run", params, inputs, ("kernel",))
    return checked.output("kernel"), inputs.get("initramfs")


def _kernel(declaration: Declaration, release: Release, packages: Sequence[LockedPackage]) -> Action:
    dom0, arch = declaration.dom0, declaration.target.arch
    at = dom0.at("drivers")
    asked = drivers.wanted(host.drivers(declaration), dom0.modules, arch, declaration.folder, at)
    return drivers.kernel(packages, release.architectures[arch].kernel, asked, at)


def _toolstack(declaration: Declaration, release: Release, packages: Locked) -> OutputOf:
    """The programs that the release's recipe names with their libraries, and the user's own packages as they are.

    Of a package that the user did not name and that dom0 has anyway (libc6), only what is used is taken.
    """
    named = declaration.dom0.packages
    own = [p for p in packages.get("extra", ()) if p.name in named or p not in packages["dom0"]]
    model = release.architectures[declaration.target.arch].device_model
    emulating, keeping = packages.get("device model", ()), packages.get("state", ())
    cards = packages.get("cards", ())
    ours = (*packages["dom0"], *emulating, *cards, *keeping, *own)
    trees = {p.name: unpacked(p, exclude=DOCUMENTATION) for p in ours}
    params = {
        "order": list(trees),
        "files": [
            *release.dom0.files,
            *(model.files if model and emulating else ()),
            *(model.cards.files[card] for card in emulated_cards(declaration) if model and cards),
            *(release.state.files if release.state and keeping else ()),
        ],
        "dlopened": release.dom0.dlopened,
        "whole": [p.name for p in own],
    }
    return Action("dom0's toolstack", "xenbuild.parts.toolstack:run", params, trees, ("tree",)).output("tree")


def _tree_segment(what: str, tree: OutputOf) -> OutputOf:
    label = f"pack dom0's {what}"
    return Action(label, "xenbuild.parts.segments:tree", {}, {"tree": tree}, ("segment",)).output("segment")


def _config_segment(declaration: Declaration, sourced: Sourced) -> OutputOf:
    config = rootfs.config(declaration)
    inputs = {name: sourced.input(path) for name, path in config.files.items()}
    return _stated_segment("configuration", config.params, inputs)


def _stated_segment(what: str, params: Json, inputs: Mapping[str, Input]) -> OutputOf:
    label = f"pack dom0's {what}"
    return Action(label, "xenbuild.parts.segments:config", params, inputs, ("segment",)).output("segment")
