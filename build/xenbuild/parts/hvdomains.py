"""The guests of a dom0 that is a unikernel: their settings and files as an archive, its initramfs.

The settings are dom0-image/unikernel/config.h's: lines of a key and its value, a "guest NAME" before each guest's.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence

from xenbuild.errors import DeclarationError
from xenbuild.parts.entries import entry
from xenbuild.parts.guest import Guest, settled
from xenbuild.parts.segments import write_archive
from xenbuild.plan.action import Action, Input, Json, OutputOf
from xenbuild.plan.job import Job
from xenbuild.spec.cpus import parse_cpus
from xenbuild.spec.model import Declaration
from xenbuild.spec.recipe import HypervisorRecipe, load_recipe
from xenbuild.spec.scalars import format_size
from xenbuild.spec.unikernel import MORE

SETTINGS = "guests.conf"
_REGULAR = stat.S_IFREG | 0o644
_HARDWARE = "/dev/"  # what paths of dom0's own disks begin with


def archive(declaration: Declaration, guests: Sequence[Guest]) -> OutputOf:
    """The archive; it holds no guest if there is none."""
    recipe = load_recipe(HypervisorRecipe, declaration.target.hypervisor, declaration.folder)
    disks = sum(size for guest in guests for size in guest.empty.values())
    own = recipe.dom0[str(declaration.dom0.kind)].memory + disks
    inputs: dict[str, Input] = {}
    lines: list[str] = []
    stated: list[Json] = []
    for guest in guests:
        for name, made in _files(guest):
            inputs[name.replace("/", ":")] = made
            stated.append(entry(name, _REGULAR, input=name.replace("/", ":")))
        lines += _lines(declaration, guest)
    stated.insert(0, entry(SETTINGS, _REGULAR, content="".join(f"{line}\n" for line in lines)))
    params: dict[str, Json] = {"entries": stated, "own": own, "memory": declaration.dom0.memory}
    at = declaration.dom0.at("memory") or declaration.at("dom0") or declaration.at()
    action = Action("pack the guests", "xenbuild.parts.hvdomains:run", params, inputs, ("initramfs",), at=at)
    return action.output("initramfs")


def run(job: Job) -> None:
    """Action: entries as of segments.config -> an archive that is not compressed: dom0 uses it where it lies.

    params: entries; memory, dom0's, and own, what it needs of it for all else. Raises DeclarationError.
    """
    write_archive(job, job.params["entries"], "initramfs")
    own, memory, size = job.params["own"], job.params["memory"], job.out("initramfs").stat().st_size
    if own + size > memory:
        sizes = sorted((job.path(name).stat().st_size, name.replace(":", "/")) for name in job.inputs)
        largest = "".join(f"; the largest is {name}, {_mib(size)}" for size, name in sizes[-1:])
        message = f"dom0's memory, {format_size(memory)}, does not hold its guests' files, {_mib(size)}"
        raise DeclarationError(message, advice=MORE.format(_mib(own + size)) + largest)


def _mib(size: int) -> str:
    """A size rounded up to MiB, as a declaration has it."""
    return f"{-(-size >> 20)}M"


def _files(guest: Guest) -> Iterator[tuple[str, Input]]:
    if guest.kernel is not None:
        yield f"{guest.name}/kernel", guest.kernel
    if guest.initramfs is not None:
        yield f"{guest.name}/initramfs", guest.initramfs
    for device, image in guest.disks.items():
        yield f"{guest.name}/{device}", image


def _lines(declaration: Declaration, guest: Guest) -> Iterator[str]:
    domain = settled(declaration.name, guest.name, guest.domain)
    yield f"guest {guest.name}"
    yield f"memory {domain.memory >> 10}"
    yield f"vcpus {domain.vcpus}"
    yield f"weight {domain.weight or 256}"
    yield f"cap {domain.cap or 0}"
    if domain.cpus and (cpus := parse_cpus(domain.cpus)) is not None:
        yield f"cpus {sum(1 << cpu for cpu in cpus)}"
    yield f"kernel {guest.name}/kernel"
    if guest.initramfs is not None:
        yield f"initramfs {guest.name}/initramfs"
    if domain.cmdline:
        yield f"cmdline {' '.join(domain.cmdline)}"
    for disk in domain.disks:
        device = str(disk.name)
        mode = "ro" if disk.readonly else "rw"
        if device in guest.disks:
            yield f"disk {device} {mode} file {guest.name}/{device}"
        elif device in guest.empty:
            yield f"disk {device} {mode} size {guest.empty[device]}"
        else:
            yield f"disk {device} {mode} hardware {guest.outside[device].removeprefix(_HARDWARE)}"
    yield from (f"nic {network.mac}" for network in domain.networks)
    if domain.framebuffer is not None:
        yield "screen yes"
    yield f"restart {domain.restart}"
    yield f"autostart {'yes' if domain.autostart else 'no'}"
    if domain.after:
        yield f"after {domain.after[0]}"
