"""Microcode as an early initramfs: an archive that is not compressed, in front of dom0's own.

Xen looks for it in the modules that it is given (ucode=scan; xen/arch/x86/cpu/microcode/core.c), and so does Linux
where there is no Xen. No boot loader and no medium has to know about it.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping, Sequence

from xenbuild.errors import FormatError
from xenbuild.formats.cpio import CpioEntry, write
from xenbuild.formats.microcode import FOLDER, maker
from xenbuild.parts.packages import merged, unpacked
from xenbuild.parts.sourced import Sourced
from xenbuild.plan.action import Action, Input
from xenbuild.plan.job import Job
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.model import Declaration
from xenbuild.store.tree import FileEntry

_MEMBERS = ("usr/lib/firmware/*-ucode/*",)
_FILE = "file:"  # before the names of inputs that are the user's own


def in_front(
    declaration: Declaration, packages: Mapping[str, Sequence[LockedPackage]], sourced: Sourced, initramfs: Input | None
) -> Input | None:
    """dom0's initramfs with the declared microcode before it."""
    declared = declaration.hypervisor.microcode
    if declared is None:
        return initramfs
    inputs: dict[str, Input] = {}
    if locked := packages.get("microcode"):
        inputs["packages"] = merged("microcode", [unpacked(package, _MEMBERS) for package in locked])
    for number, file in enumerate(declared.files):
        inputs[f"{_FILE}{sourced.name(file)}"] = sourced.input(file, declared.at(f"files[{number}]"))
    made = Action("pack microcode", "xenbuild.parts.microcode:run", {}, inputs, ("early",)).output("early")
    if initramfs is None:
        return made
    segments = {"early": made, "initramfs": initramfs}
    join = Action(
        "join microcode and initramfs",
        "xenbuild.parts.segments:join",
        {"order": list(segments)},
        segments,
        ("initramfs",),
    )
    return join.output("initramfs")


def run(job: Job) -> None:
    """Action: a tree `packages` and files -> the archive `early`. A file of the user's must be microcode."""
    files: list[tuple[str, bytes]] = []
    if "packages" in job.inputs:
        for path, entry in sorted(job.tree("packages").items()):
            if isinstance(entry, FileEntry):
                files.append((path, job.store.read(entry.digest)))
    files = [(name, data) for name, data in files if maker(data)]
    if "packages" in job.inputs and not files:
        raise FormatError("the packages of hypervisor.microcode hold no microcode", advice="name amd64-microcode")
    for name in job.inputs:
        if name.startswith(_FILE):
            data = job.path(name).read_bytes()
            if not maker(data):
                message = f"{name.removeprefix(_FILE)} is microcode of neither AMD nor Intel"
                advice = "give a file of linux-firmware or of Intel's releases, not compressed"
                raise FormatError(message, advice=advice)
            files.append((name, data))
    job.out("early").write_bytes(archive(files))


def archive(files: Sequence[tuple[str, bytes]]) -> bytes:
    """The early initramfs of files of microcode: each maker's laid end to end."""
    made: dict[str, bytes] = {}
    for _, data in files:
        who = str(maker(data))
        made[who] = made.get(who, b"") + data
    parts = FOLDER.split("/")
    entries = [CpioEntry("/".join(parts[:depth]), stat.S_IFDIR | 0o755) for depth in range(1, len(parts) + 1)]
    entries += [CpioEntry(f"{FOLDER}/{who}.bin", stat.S_IFREG | 0o644, data) for who, data in sorted(made.items())]
    return b"".join(write(entries))
