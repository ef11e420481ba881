"""The plan of a bundle: which loader, which composer and which command lines a target's parts get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xenbuild.compose.arm import loader_params
from xenbuild.compose.partition import planned
from xenbuild.compose.policy import XSM_POLICY
from xenbuild.compose.toolchain import store_sources, x86_params
from xenbuild.parts.guest import Guest
from xenbuild.plan.action import Action, Input, Json, OutputOf
from xenbuild.spec.model import Declaration, Target
from xenbuild.store.store import Store

_KERNEL = 8 << 20  # bytes, about: unpacking a kernel takes long enough to begin before many small packages


@dataclass(frozen=True, slots=True)
class Format:
    """How bundles of one architecture are made."""

    suffix: str  # of the result's file name
    composer: str  # function of the composing action
    loader: Json  # parameters of the loader's compilation
    kernel_check: str = ""  # function of the action that refuses a kernel which cannot be dom0; "" where it is cheap


FORMATS = {
    "x86_64": Format(".elf", "xenbuild.compose.x86:run", x86_params(), "xenbuild.compose.x86:check_kernel"),
    "ia32": Format(".elf", "xenbuild.compose.x86:run", x86_params(), "xenbuild.compose.x86:check_kernel"),
    "arm64": Format(".img", "xenbuild.compose.arm:run", loader_params("arm64")),
    "armv7": Format(".img", "xenbuild.compose.arm:run", loader_params("armv7")),
}


@dataclass(frozen=True, slots=True)
class Parts:
    """What goes into a bundle, made or to be made."""

    hypervisor: Input
    hypervisor_cmdline: str
    kernel: Input | None  # None: there is no dom0
    kernel_cmdline: str
    initramfs: Input | None
    guests: Sequence[Guest] = ()  # those that Xen starts are taken
    xsm_policy: Input | None = None
    dom0_type: str = ""  # pv, pvh; "" where nothing is asked of the kernel


def loader(target: Target, tools: Input, store: Store) -> OutputOf:
    """The target's loader stub, compiled from the sources beside this module."""
    inputs = {"sources": store_sources(store), "tools": tools}
    params = FORMATS[target.arch].loader
    action = Action(f"compile the {target.arch} loader", "xenbuild.parts.compiler:run", params, inputs, ("loader",))
    return action.output("loader")


def bundle(declaration: Declaration, parts: Parts, tools: Input, store: Store) -> Action:
    """The action that composes the target's bundle; outputs "bundle" and "manifest"."""
    target = declaration.target
    form = FORMATS[target.arch]
    inputs: dict[str, Input] = {
        "loader": loader(target, tools, store),
        "xen": parts.hypervisor,
    }
    if parts.kernel is not None:
        inputs["kernel"] = parts.kernel
    if parts.initramfs is not None:
        inputs["initramfs"] = parts.initramfs
    if parts.xsm_policy is not None:
        inputs[XSM_POLICY] = parts.xsm_policy
    if form.kernel_check and parts.kernel is not None:
        label = f"check the {target.arch} kernel"
        kind: Json = {"kind": parts.dom0_type} if parts.dom0_type else {}
        check = Action(label, form.kernel_check, kind, {"kernel": parts.kernel}, ("notes",), size_hint=_KERNEL)
        inputs["kernel_notes"] = check.output("notes")
    partition, modules = planned(declaration, parts.guests)
    inputs.update(modules)
    params: dict[str, Json] = {
        "xen_cmdline": parts.hypervisor_cmdline,
        "kernel_cmdline": parts.kernel_cmdline,
        "target": str(target),
        "arch": target.arch,
    }
    if partition:
        params["partition"] = partition.to_json()
    return Action(f"compose {target}", form.composer, params, inputs, ("bundle", "manifest"))
