"""The disk in the formats of clouds and other hypervisors: qcow2 of QEMU and vmdk of VMware.

The bytes that a machine sees are those of `raw`; qemu-img converts them.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, BinaryIO

from xenbuild.media import raw
from xenbuild.media.medium import Medium
from xenbuild.plan.action import Action, OutputOf

if TYPE_CHECKING:
    from xenbuild.media.medium import Making
    from xenbuild.plan.job import Job

OPTIONS = {"qcow2": "compat=1.1", "vmdk": "subformat=monolithicSparse"}
_CONTENT_ID = re.compile(rb"(?<=\nCID=)[0-9a-f]+(?=\n)")
_DESCRIPTION_AT = struct.Struct("<28xQQ")  # of a vmdk's header: first sector and sectors of its description


def run(job: Job) -> None:
    """Action: params format; inputs disk, tools (qemu-img) -> image."""
    from xenbuild.parts.toolstree import ToolsTree

    form, out = job.params["format"], job.out("image")
    program = ToolsTree(job.path("tools")).argv("qemu-img")
    job.run([*program, "convert", "-f", "raw", "-O", form, "-o", OPTIONS[form], str(job.path("disk")), str(out)])
    if form == "vmdk":
        _name_content(out.open("r+b"), job.digest("disk").hash[:8])


def _name_content(file: BinaryIO, name: str) -> None:
    """Give the content an identifier that is made of it; qemu-img takes a random number."""
    with file:
        first, sectors = _DESCRIPTION_AT.unpack(file.read(_DESCRIPTION_AT.size))
        file.seek(first * 512)
        text = file.read(sectors * 512)
        named, count = _CONTENT_ID.subn(name.encode(), text.rstrip(b"\0"))
        assert count == 1 and len(named) < len(text), "qemu-img's description has one identifier and room"
        file.seek(first * 512)
        file.write(named.ljust(len(text), b"\0"))


def _medium(form: str) -> Medium:
    def plan(making: Making) -> OutputOf:
        inputs = {"disk": raw.plan(making), "tools": making.tools("media")}
        label = f"convert the disk {making.image.name} to {form}"
        action = Action(label, "xenbuild.media.virtual:run", {"format": form}, inputs, ("image",))
        return action.output("image")

    return Medium(plan, lambda arch: f".{form}", format=form)


QCOW2, VMDK = _medium("qcow2"), _medium("vmdk")
