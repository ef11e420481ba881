"""The plan of a guest's disk image: one that is made from packages and files, or the user's, once it was looked at."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xenbuild.errors import FormatError
from xenbuild.parts import entries
from xenbuild.parts.entries import entry
from xenbuild.parts.packages import blob
from xenbuild.parts.sourced import Sourced
from xenbuild.parts.unpack import DOCUMENTATION
from xenbuild.plan.action import Action, Input, Json
from xenbuild.plan.job import Job
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.data import data_dir
from xenbuild.spec.domain import Disk

INIT, _SHELL = "usr/sbin/init", "usr/bin/sh"
_PASSWD = "usr/share/base-passwd"  # where the package base-passwd has what its script would copy to /etc
_REGULAR = stat.S_IFREG | 0o644
# Magic numbers of formats that a disk may be in by mistake, and where they are from the start or the end of the file.
_MAGIC = {"qcow2": (b"QFI\xfb", 0), "vhd": (b"conectix", -512)}


@dataclass(frozen=True, slots=True)
class Content:
    """What goes on a disk beside what its block in the declaration says."""

    guest: str
    packages: Sequence[LockedPackage] = ()  # of disk.packages, with their dependencies
    busybox: LockedPackage | None = None  # for a root whose packages bring no init
    settings: str = ""  # of our init: /etc/xenbuild/config
    boot: Mapping[str, Input] = field(default_factory=dict)  # path -> file that a boot loader needs
    texts: Mapping[str, str] = field(default_factory=dict)  # path -> text, unless the declaration has such a file


def made(disk: Disk, content: Content, sourced: Sourced) -> Input:
    """The image of a disk with a `filesystem`."""
    what = f"disk {disk.name} of guest {content.guest}"
    inputs: dict[str, Input] = {"tools": sourced.tools("filesystems")}
    layers = list(_layers(disk, content, sourced, inputs))
    why = "name a package that brings it (systemd-sysv), or take /sbin/init out of `files`"
    params = {
        "kind": disk.filesystem,
        "layers": layers,
        "size": disk.size or 0,
        "readonly": disk.readonly,
        "programs": {"sbin/init": why} if disk.root else {},
    }
    weight = sum(package.size for package in content.packages)
    at = disk.at("size" if disk.size else "filesystem")
    function = "xenbuild.parts.filesystem:run"
    return Action(f"make {what}", function, params, inputs, ("image",), weight, at).output("image")


def given(disk: Disk, guest: str, image: Input) -> Input:
    """The user's own image, checked."""
    what = f"disk {disk.name} of guest {guest}"
    action = Action(
        f"check {what}",
        "xenbuild.parts.disk:check",
        {"format": disk.format},
        {"image": image},
        ("image",),
        at=disk.at("file"),
    )
    return action.output("image")


def check(job: Job) -> None:
    """Action: params format; image -> the same, if it can be a disk of that format. Raises FormatError."""
    with job.path("image").open("rb") as file:
        size = file.seek(0, 2)
        found = "raw"
        for name, (magic, offset) in _MAGIC.items():
            if size >= max(len(magic), -offset):
                file.seek(offset, 0 if offset >= 0 else 2)
                found = name if file.read(len(magic)) == magic else found
    wanted = job.params["format"]
    if size == 0:
        raise FormatError("the disk image is empty", advice="write size alone for an empty disk that dom0 makes")
    if found != wanted:
        is_what = "is none" if found == "raw" else f"is in the format {found}"
        advice = f"write format: {found}" if found != "raw" else "remove format, or convert it with qemu-img"
        raise FormatError(f"the disk image {is_what}, where {wanted} is declared", advice=advice)
    if wanted == "raw" and (size < 4096 or size % 512):
        raise FormatError(
            f"the disk image has {size} bytes",
            advice="a disk has sectors of 512 bytes, and 4K at least: was it cut short, or is it compressed?",
        )
    job.put_file("image", job.digest("image"))


def _layers(disk: Disk, content: Content, sourced: Sourced, inputs: dict[str, Input]) -> Iterator[Json]:
    whole = disk.root or bool(disk.packages)
    if disk.root:
        yield from _below(content, sourced, inputs)
    elif whole:
        yield {"entries": list(entries.merged_links())}
    for package in content.packages:
        inputs[f"deb:{package.name}"] = blob(package)
        yield {"deb": f"deb:{package.name}", "globs": [], "exclude": list(DOCUMENTATION)}
    if disk.root:
        for name in ("passwd", "group"):
            copied = entry(f"etc/{name}", _REGULAR, copy=f"{_PASSWD}/{name}.master")
            yield {"if": f"{_PASSWD}/{name}.master", "entries": [copied]}
    files: dict[str, Path] = {}
    declared = {(entries.place(file.path) if whole else file.path.lstrip("/")) for file in disk.files}
    stated = [entry(path, _REGULAR, content=text) for path, text in content.texts.items() if path not in declared]
    for path, file in content.boot.items():
        inputs[f"boot:{path.replace('/', '-')}"] = file
        stated.append(entry(path, _REGULAR, input=f"boot:{path.replace('/', '-')}"))
    stated += entries.user_files(disk.files, sourced.declaration.folder, files, merged=whole)
    inputs.update({name: sourced.input(path) for name, path in files.items()})
    yield {"entries": stated}


def _below(content: Content, sourced: Sourced, inputs: dict[str, Input]) -> Iterator[Json]:
    """What packages go over: an empty root, busybox's init with our own table if they bring none, and its shell."""
    files: dict[str, Path] = {}
    glue = [one for one in entries.glue(data_dir("pv-drivers") / "guest" / "root", files) if one["path"] != "init"]
    inputs.update({name: sourced.input(path) for name, path in files.items() if name != "glue-init"})
    named = [
        entry("etc/hostname", _REGULAR, content=f"{content.guest}\n"),
        entry("etc/hosts", _REGULAR, content=f"127.0.0.1 localhost\n127.0.1.1 {content.guest}\n"),
        entry("etc/passwd", _REGULAR, content="root:x:0:0:root:/root:/bin/sh\n"),
        entry("etc/group", _REGULAR, content="root:x:0:\n"),
        # Empty, it is filled at the first start; if it were not there, systemd would ask questions (machine-id(5)).
        entry("etc/machine-id", stat.S_IFREG | 0o444, content=""),
    ]
    yield {"entries": [*entries.empty_root(), *named]}
    if content.busybox is not None:
        links = [entry(f"usr/sbin/{name}", stat.S_IFLNK | 0o777, link="../bin/busybox") for name in _CALLED]
        settings = entry("etc/xenbuild/config", _REGULAR, content=content.settings)
        inputs["deb:busybox"] = blob(content.busybox)
        yield {"unless": INIT, "entries": [*entries.applets(), *links, *glue, settings]}
        yield {"unless": _SHELL, "entries": [entries.shell()]}
        for path in (INIT, _SHELL):
            yield {"unless": path, "deb": "deb:busybox", "globs": ["usr/bin/busybox"], "exclude": []}


_CALLED = ("init", "poweroff", "reboot")  # what the kernel starts by these paths (kernel/reboot.c)
