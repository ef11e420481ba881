"""The guests inside dom0: their configurations, kernels, initramfs and disks as a segment of dom0's initramfs."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from os import SEEK_END
from pathlib import Path

from xenbuild.errors import FormatError
from xenbuild.parts import xlconfig
from xenbuild.parts.entries import entry
from xenbuild.parts.guest import Guest
from xenbuild.parts.segments import write_stated
from xenbuild.plan.action import Action, Input, Json, OutputOf
from xenbuild.plan.job import Job
from xenbuild.spec.model import Declaration
from xenbuild.spec.scalars import format_size

FOLDER = "var/lib/xenbuild/guests"
_CHUNK = 1 << 20
_DOM0 = 96 << 20  # bytes that Linux, toolstack and their files take of dom0's memory
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
    memory = declaration.dom0.memory
    params = {"entries": stated, "disks": "".join(empty), "memory": memory}
    at = declaration.dom0.at("memory")
    action = Action("pack dom0's guests", "xenbuild.parts.domains:run", params, inputs, ("segment",), at=at)
    return action.output("segment")


def run(job: Job) -> None:
    """Action: entries as of segments.config -> a segment in which inputs of equal content are links to the first.

    But for disks that guests may write to (`own` in the entry). What differs a little, the initramfs of guests of the
    same kernel, lies side by side, where the second costs next to nothing. Of disks (`cut`) the zeros at the end are
    left to dom0, which makes holes of them, since all of a segment is in its memory. params disks: lines of
    etc/xenbuild/disks for those that are empty.
    """
    first: dict[str, str] = {}
    entries = []
    taken = 0
    disks = [job.params["disks"]]
    for one in job.params["entries"]:
        if one.get("cut"):
            disks.append(f"/{one['path']} {job.digest(one['input']).size}\n")
        if "input" in one and not one.get("own"):
            path = first.setdefault(job.digest(one["input"]).hash, one["path"])
            if path != one["path"]:
                one = entry(one["path"], stat.S_IFLNK | 0o777, link=f"/{path}")
        if "input" in one:
            taken += _written(job.path(one["input"])) if one.get("cut") else job.digest(one["input"]).size
        entries.append(one)
    _check_memory(job.params["memory"], taken)
    entries.append(entry("etc/xenbuild/disks", _REGULAR, content="".join(disks)))
    alike = [one for one in entries if one["path"].endswith("/initramfs")]
    write_stated(job, *filter(None, (alike, [one for one in entries if one not in alike])))


def _written(path: Path) -> int:
    """Bytes of a file without the zeros at its end."""
    with path.open("rb") as file:
        at = file.seek(0, SEEK_END)
        while at:
            start = max(0, at - _CHUNK)
            file.seek(start)
            if rest := file.read(at - start).rstrip(b"\0"):
                return start + len(rest)
            at = start
    return 0


def _check_memory(memory: int, taken: int) -> None:
    """Raises FormatError if dom0 cannot hold what the guests bring: files take half its memory at most (tmpfs(5))."""
    needed = 2 * taken + _DOM0
    if needed > memory:
        message = (
            f"kernels and disks of the guests take {taken >> 20}M of dom0's memory, which is {format_size(memory)}"
        )
        least = (needed + (1 << 20) - 1) >> 20
        advice = f"give dom0 {least}M, half of which is for files; or keep disks on the host's own (`path`)"
        raise FormatError(message, advice=advice)


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
