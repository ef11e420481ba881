"""Action: a file system with boot/grub/grub.cfg -> a disk that a PC's BIOS starts, as hvmloader's does for hvm guests.

inputs: tools (grub-mkimage), modules (GRUB's, for i386-pc), filesystem.  output: image.

    sector 0      GRUB's boot code, partition table (MBR: unlike GPT it has no copy at the disk's end)
    from 1        GRUB's core image, which the boot code loads (grub-core/boot/i386/pc/boot.S, diskboot.S)
    from 2048     the only partition: the file system
"""

from __future__ import annotations

import os
import struct
from hashlib import sha256
from pathlib import Path

from xenbuild.errors import FormatError
from xenbuild.parts.sourced import Sourced
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.plan.action import Action, Input
from xenbuild.plan.job import Job

SECTOR = 512
START = 2048  # sectors: where every common tool begins the first partition
MODULES = [
    "biosdisk",
    "part_msdos",
    "ext2",
    "normal",
    "configfile",
    "linux",
    "echo",
    "test",
    "search",
    "serial",
    "gzio",
]
_PREFIX = "(hd0,msdos1)/boot/grub"
_FOLDER = "usr/lib/grub/i386-pc"
_CODE = 440  # bytes of the boot sector
_DRIVE_CHECK = 0x66  # of the boot code: two bytes, a jump that is only taken if the BIOS says which drive it is
_LINUX, _ACTIVE, _NO_CHS = 0x83, 0x80, b"\xfe\xff\xff"
_CHUNK = 1 << 20


def bootable(filesystem: Input, what: str, sourced: Sourced) -> Input:
    """The plan; `what` names the disk in labels."""
    inputs = {"tools": sourced.tools("media"), "modules": sourced.tools("grub-x86"), "filesystem": filesystem}
    params = {"modules": MODULES, "prefix": _PREFIX}
    action = Action(f"make {what} bootable", "xenbuild.parts.bootdisk:run", params, inputs, ("image",))
    return action.output("image")


def run(job: Job) -> None:
    core = job.folder / "core.img"
    modules = job.path("modules") / _FOLDER
    words = ["-O", "i386-pc", "-d", modules, "-p", job.params["prefix"], "-o", core, *job.params["modules"]]
    job.run([*ToolsTree(job.path("tools")).argv("grub-mkimage"), *map(str, words)])
    source = job.path("filesystem")
    first = boot_sector((modules / "boot.img").read_bytes(), source.stat().st_size, job.digest("filesystem").hash)
    loader = core.read_bytes()
    if len(loader) > (START - 1) * SECTOR:
        raise FormatError(f"GRUB has {len(loader)} bytes, more than fit before a partition", advice="take modules out")
    with job.out("image").open("wb") as image:
        image.write(first + loader)
        copy_at(source, image.fileno(), START * SECTOR)
        image.truncate(START * SECTOR + source.stat().st_size)


def boot_sector(code: bytes, size: int, identity: str) -> bytes:
    """The first sector of a disk with one partition of `size` bytes; `identity` (hex) becomes the disk's signature."""
    boot = bytearray(code[:_CODE].ljust(_CODE, b"\0"))
    boot[_DRIVE_CHECK : _DRIVE_CHECK + 2] = b"\x90\x90"
    signature = sha256(identity.encode()).digest()[:4]
    entry = struct.pack("<B3sB3sII", _ACTIVE, _NO_CHS, _LINUX, _NO_CHS, START, size // SECTOR)
    return bytes(boot) + signature + bytes(2) + entry + bytes(3 * 16) + b"\x55\xaa"


def copy_at(source: Path, target: int, offset: int) -> None:
    """Copy a file to `offset` of an open one; what is zero stays a hole."""
    with source.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if any(chunk):
                os.pwrite(target, chunk, offset)
            offset += len(chunk)
