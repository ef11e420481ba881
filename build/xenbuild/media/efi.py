"""One UEFI application: Xen's own file with configuration, kernel and initramfs as sections of it.

Xen looks for .config, .kernel, .ramdisk, .xsm, .ucode and .dtb in itself before it looks for files (xen,
docs/misc/efi.pandoc). One signature covers them all, so Secure Boot trusts just what was built, command lines included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xenbuild.compose.manifest import UNIFIED
from xenbuild.compose.policy import XSM_POLICY
from xenbuild.media import menu
from xenbuild.media.medium import Medium
from xenbuild.media.raw import require_dom0
from xenbuild.parts import templates
from xenbuild.plan.action import Action, Input, Json, OutputOf

if TYPE_CHECKING:
    from xenbuild.media.medium import Making
    from xenbuild.plan.job import Job

MIB = 1 << 20


def plan(making: Making) -> OutputOf:
    require_dom0(making)
    own = making.parts
    parts = {"kernel": own.kernel, "initramfs": own.initramfs, XSM_POLICY: own.xsm_policy}
    inputs: dict[str, Input] = {name: part for name, part in parts.items() if part is not None}
    values = {**menu.values(making), "initramfs": "initramfs" in inputs, "policy": XSM_POLICY in inputs}
    params: Json = {"template": templates.source("xen.cfg", making.declaration.folder), "values": values}
    label = f"write the UEFI application {making.image.name}"
    inputs["xen"] = making.hypervisor_efi()
    made = Action(label, "xenbuild.media.efi:run", params, inputs, ("image",), size_hint=16 * MIB).output("image")
    if making.image.sign is None:
        return made
    from xenbuild.media.signed import signed

    return signed(making, making.image.sign, made)


def run(job: Job) -> None:
    """Action: params template, values; inputs xen, kernel, initramfs -> image."""
    from xenbuild.formats.pewrite import Section, add_sections

    config = templates.fill("xen.cfg", job.params["template"], job.params["values"])
    sections = [Section(".config", config.encode())]
    sections += [Section(label, job.path(n)) for n, label in UNIFIED.items() if n in job.inputs]
    job.put_extents("image", *add_sections(job.path("xen").read_bytes(), sections, "xen.efi"))


MEDIUM = Medium(plan, lambda arch: ".efi")
