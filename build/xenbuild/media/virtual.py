"""The disk in the formats of clouds and other hypervisors: qcow2 of QEMU and vmdk of VMware.

The bytes that a machine sees are those of `raw`, laid out in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xenbuild.formats.qcow2 import write_qcow2
from xenbuild.formats.vmdk import write_vmdk
from xenbuild.media import raw
from xenbuild.media.medium import Medium
from xenbuild.plan.action import Action, OutputOf

if TYPE_CHECKING:
    from xenbuild.media.medium import Making
    from xenbuild.plan.job import Job


def run(job: Job) -> None:
    """Action: params format, name (of the file) and those of raw; inputs of raw -> image."""
    disk, size = raw.laid(job)
    if job.params["format"] == "qcow2":
        job.put_extents("image", *write_qcow2(disk, size))
    else:
        content = int.from_bytes(raw.identity(job)[:4])
        job.put_extents("image", *write_vmdk(disk, size, job.params["name"], content))


def _medium(form: str) -> Medium:
    def plan(making: Making) -> OutputOf:
        inputs, params = raw.wanted(making)
        params |= {"format": form, "name": f"{making.image.name}.{form}"}
        label = f"write the {form} disk {making.image.name}"
        return Action(label, "xenbuild.media.virtual:run", params, inputs, ("image",)).output("image")

    return Medium(plan, lambda arch: f".{form}", format=form)


QCOW2, VMDK = _medium("qcow2"), _medium("vmdk")
