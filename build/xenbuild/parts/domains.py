"""The guests inside dom0: their configurations, kernels, initramfs and disks as a segment of dom0's initramfs."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence

from xenbuild.parts import xlconfig
from xenbuild.parts.entries import entry
from xenbuild.parts.guest import Guest
from xenbuild.parts.segments import write_stated
from xenbuild.plan.action import Action, Input, Json, OutputOf
from xenbuild.plan.job import Job
from xenbuild.spec.model import Declaration

FOLDER = "var/lib/xenbuild/guests"
_REGULAR = stat.S_IFREG | 0o644


def segment(declaration: Declaration, guests: Sequence[Guest]) -> OutputOf | None:
    """The segment; None without a guest that dom0 starts."""
    started = [guest for guest in guests if guest.domain.start == "toolstack"]
    if not started:
        return None
    inputs: dict[str, Input] = {}
    stated = [one for guest in started for one in _guest(declaration, guest, inputs)]
    lines = "".join(map(_line, started))
    stated.append(entry("etc/xenbuild/guests", _REGULAR, content=lines))
    action = Action("pack dom0's guests", "xenbuild.parts.domains:run", {"entries": stated}, inputs, ("segment",))
    return action.output("segment")


def run(job: Job) -> None:
    """Action: entries as of segments.config -> a segment in which inputs of equal content are links to the first."""
    first: dict[str, str] = {}
    entries = []
    for one in job.params["entries"]:
        if "input" in one:
            path = first.setdefault(job.digest(one["input"]).hash, one["path"])
            if path != one["path"]:
                one = entry(one["path"], stat.S_IFLNK | 0o777, link=f"/{path}")
        entries.append(one)
    write_stated(job, entries)


def _guest(declaration: Declaration, guest: Guest, inputs: dict[str, Input]) -> Iterator[Json]:
    folder = f"{FOLDER}/{guest.name}"
    paths: dict[str, str] = {}

    def put(name: str, made: Input) -> Json:
        key = f"{guest.name}-{name}"
        inputs[key], paths[name] = made, f"/{folder}/{name}"
        return entry(f"{folder}/{name}", _REGULAR, input=key)

    if guest.kernel is not None:
        yield put("kernel", guest.kernel)
    if guest.initramfs is not None:
        yield put("initramfs", guest.initramfs)
    disks = {}
    for device, image in guest.disks.items():
        yield put(f"{device}.img", image)
        disks[device] = paths[f"{device}.img"]
    for disk in guest.domain.disks:
        if disk.path is not None:
            disks[disk.name or "xvda"] = disk.path
    arch = declaration.target.arch
    kernel, initramfs = paths.get("kernel", ""), paths.get("initramfs", "")
    values = xlconfig.settings(guest.name, guest.domain, kernel, initramfs, disks, arch)
    text = xlconfig.render(guest.name, values, declaration.folder)
    yield entry(f"etc/xen/guests/{guest.name}.cfg", _REGULAR, content=text)


def _line(guest: Guest) -> str:
    domain = guest.domain
    autostart = "yes" if domain.autostart else "no"
    return " ".join([guest.name, autostart, domain.restart, domain.on_shutdown, ",".join(domain.after) or "-"]) + "\n"
