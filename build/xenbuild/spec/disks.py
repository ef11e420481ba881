"""Rules of guests' disks that types cannot say."""

from __future__ import annotations

from collections.abc import Iterator

from xenbuild.spec.block import Node
from xenbuild.spec.domain import Disk, Domain
from xenbuild.spec.problems import Problems
from xenbuild.spec.scalars import quote

Rule = tuple[bool, Node, str, str, str]  # broken, block, key, message, advice
MADE = "write exactly one of file, path or filesystem, or size alone for an empty disk"


def check_disk(disk: Disk, problems: Problems) -> None:
    """What one disk says about itself."""
    given = [name for name in ("file", "path", "filesystem") if getattr(disk, name) is not None]
    if len(given) > 1:
        message = f"the disk has both {given[0]} and {given[1]}"
        problems.add(disk.at(given[1]), message, "write exactly one of file, path or filesystem, or size alone")
    elif not given and disk.size is None and not disk.cdrom:
        problems.add(disk.at(), "nothing says what is on the disk", MADE)
    elif disk.size is not None and given and given != ["filesystem"]:
        message = f"size beside {given[0]}: the disk has the size that it has"
        problems.add(disk.at("size"), message, f"remove size or {given[0]}")
    if disk.size is not None and (disk.size < 4096 or disk.size % 512):
        problems.add(
            disk.at("size"), f"a disk of {disk.size} bytes", "a disk has sectors of 512 bytes, and 4K at least"
        )
    for name in ("packages", "files"):
        if getattr(disk, name) and disk.filesystem is None:
            problems.add(disk.at(name), f"{name} without filesystem", "add filesystem: ext4 or filesystem: erofs")
    if disk.filesystem is not None and disk.format != "raw":
        message = f"format {disk.format} beside filesystem: what is made is a raw image"
        problems.add(disk.at("format"), message, "remove format")
    paths = [file.path for file in disk.files]
    for number, path in enumerate(paths):
        if path in paths[:number]:
            problems.add(disk.at(f"files[{number}]"), f"file {quote(path)} is declared twice", "remove one of them")


def disk_rules(domain: Domain) -> Iterator[Rule]:
    """What the disks of a guest cannot be together, and what its type and way to boot ask of them."""
    hvm = domain.type == "hvm"
    names = [disk.name for disk in domain.disks]
    for number, disk in enumerate(domain.disks):
        foreign = bool(disk.name) and not str(disk.name).startswith("xvd")
        called = f"a {domain.type} guest's disks are called xvda, xvdb, …"
        yield disk.cdrom and not hvm, disk, "cdrom", "only an hvm guest has CD drives", "remove cdrom"
        yield foreign and not hvm, disk, "name", called, "remove the name, or write xvda"
        twice = disk.name is not None and disk.name in names[:number]
        yield twice, disk, "name", f"two disks are called {disk.name}", "give each its own name, or none"
    yield from _booted_disk(domain)


def boots_ours(domain: Domain) -> bool:
    """Whether a guest boots from a disk that the build makes, with kernel and initramfs on it."""
    return domain.boot != "kernel" and bool(domain.disks) and domain.disks[0].filesystem is not None


def _booted_disk(domain: Domain) -> Iterator[Rule]:
    """Rules of a guest that boots from a disk, or whose root is one."""
    first = domain.disks[0] if domain.disks else None
    if first is not None and domain.boot != "kernel":
        empty = domain.boot == "grub" and first.filesystem is None and first.file is None and first.path is None
        advice = "write filesystem: ext4 for one that is made, or name a disk that has /boot/grub/grub.cfg"
        yield empty, first, "size", "GRUB boots from the first disk, which is empty", advice
        yield first.filesystem == "erofs", first, "filesystem", "GRUB cannot read erofs", "write filesystem: ext4"
    if domain.boot != "kernel" and not boots_ours(domain):
        for key in ("packages", "files", "command"):
            message = f"{key} would go into our initramfs, and the guest boots what is on its disk"
            yield bool(getattr(domain, key)), domain, key, message, f"remove {key}, or put it on the disk"
        foreign = f"boot: {domain.boot}"
    else:
        foreign = "its own kernel" if domain.kernel is not None else ""
    for disk in domain.disks:
        message = f"root is mounted by our initramfs, which a guest with {foreign} has not got"
        advice = f"write root=/dev/{disk.name or 'xvda'} to its cmdline"
        yield disk.root and bool(foreign), disk, "root", message, advice
