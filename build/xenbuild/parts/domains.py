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
    stated.append(entry("etc/xenbuild/guests", _REGULAR, content="".join(map(_line, started))))
    empty = [f"/{_image(guest, device)} {size}\n" for guest in started for device, size in guest.empty.items()]
    params = {"entries": stated, "disks": "".join(empty)}
    action = Action("pack dom0's guests", "xenbuild.parts.domains:run", params, inputs, ("segment",))
    return action.output("segment")


def run(job: Job) -> None:
    """Action: entries as of segments.config -> a segment in which inputs of equal content are links to the first.

    But for disks that guests may write to (`own` in the entry). Of disks (`cut`) the zeros at the end are left to dom0,
    which makes holes of them, since all of a segment is in its memory. params disks: lines of etc/xenbuild/disks for
    those that are empty.
    """
    first: dict[str, str] = {}
    entries = []
    disks = [job.params["disks"]]
    for one in job.params["entries"]:
        if one.get("cut"):
            disks.append(f"/{one['path']} {job.digest(one['input']).size}\n")
        if "input" in one and not one.get("own"):
            path = first.setdefault(job.digest(one["input"]).hash, one["path"])
            if path != one["path"]:
                one = entry(one["path"], stat.S_IFLNK | 0o777, link=f"/{path}")
        entries.append(one)
    entries.append(entry("etc/xenbuild/disks", _REGULAR, content="".join(disks)))
    write_stated(job, entries)


def _guest(declaration: Declaration, guest: Guest, inputs: dict[str, Input]) -> Iterator[Json]:
    places = xlconfig.Places(
        kernel=f"/{FOLDER}/{guest.name}/kernel" if guest.kernel is not None else "",
        initramfs=f"/{FOLDER}/{guest.name}/initramfs" if guest.initramfs is not None else "",
        disks={device: f"/{_image(guest, device)}" for device in (*guest.disks, *guest.empty)} | dict(guest.outside),
    )
    for path, made in ((places.kernel, guest.kernel), (places.initramfs, guest.initramfs)):
        if made is not None:
            yield _put(path, made, inputs)
    readonly = {str(disk.name) for disk in guest.domain.disks if disk.readonly}
    for device, image in guest.disks.items():
        yield _put(places.disks[device], image, inputs) | {"own": device not in readonly, "cut": True}
    values = xlconfig.settings(guest.name, guest.domain, places, declaration.target.arch)
    text = xlconfig.render(guest.name, values, declaration.folder)
    yield entry(f"etc/xen/guests/{guest.name}.cfg", _REGULAR, content=text)
    if guest.empty:
        yield entry(f"{FOLDER}/{guest.name}", stat.S_IFDIR | 0o755)


def _put(path: str, made: Input, inputs: dict[str, Input]) -> Json:
    name = path.removeprefix(f"/{FOLDER}/").replace("/", ":")
    inputs[name] = made
    return entry(path.lstrip("/"), _REGULAR, input=name)


def _image(guest: Guest, device: str) -> str:
    return f"{FOLDER}/{guest.name}/{device}.img"


def _line(guest: Guest) -> str:
    """A line of /etc/xenbuild/guests: NAME AUTOSTART RESTART ON_SHUTDOWN AFTER (names with commas, or -)."""
    domain = guest.domain
    autostart = "yes" if domain.autostart else "no"
    return " ".join([guest.name, autostart, domain.restart, domain.on_shutdown, ",".join(domain.after) or "-"]) + "\n"
