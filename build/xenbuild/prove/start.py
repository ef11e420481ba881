"""From a finished image to what a machine starts: the firmware from the tools tree, the way in."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

from xenbuild.errors import DeclarationError
from xenbuild.media.registry import medium
from xenbuild.media.results import Image
from xenbuild.prove.machine import Start, firmware_words
from xenbuild.spec.capability import attached, find_row
from xenbuild.spec.image import Image as Declared
from xenbuild.spec.model import Declaration
from xenbuild.spec.proof import Machine
from xenbuild.spec.recipe import Board, Firmware

Tree = Callable[[str], Path]  # a group of recipes/tools.yaml -> where it is unpacked

# UEFI specification, 3.5.1.1: what firmware starts of a disk that it knows nothing of.
BOOT_FILES = {"x86_64": "BOOTX64.EFI", "arm64": "BOOTAA64.EFI"}


def start(declaration: Declaration, image: Image, machine: Machine, board: Board, tree: Tree, scratch: Path) -> Start:
    """What starts an image on a machine; what has to be made for that goes into the folder `scratch`.

    Raises DeclarationError if the board has no such firmware.
    """
    declared = next(one for one in declaration.images if one.name == image.name)
    attach, form = attached(declared, machine.attach), medium(declared.medium).format
    if declared.medium == "bundle":
        return Start(image.path)  # QEMU is the boot loader, of whatever firmware
    possible = find_row(declaration.target, declaration.release, None).media[declared.medium]
    name = machine.firmware or declared.firmware or possible[0]
    firmware = board.firmware.get(name)
    if firmware is None:
        at = machine.at("firmware") or declared.at("firmware")
        known = ", ".join(board.firmware) or "none"
        raise DeclarationError(f"board {board.name} has no firmware {name!r}", at=at, advice=f"it has: {known}")
    path = image.path
    if attach == "net" and declaration.target.arch not in ("x86_64", "ia32"):  # their cards have no ROM in QEMU
        message = f"board {board.name} does not boot from QEMU's network"
        raise DeclarationError(message, at=declared.at("medium"), advice="use `xenbuild serve` and a link of its own")
    if attach == "esp":
        path = _esp(path, BOOT_FILES[declaration.target.arch], scratch)
    # The firmware starts what QEMU has as a kernel, with options (xen, docs/misc/efi.pandoc): a name, `--`, Xen's.
    before = ("xen", "--") if attach == "kernel" else ()
    words = _firmware(firmware, declared, machine, tree, scratch)
    return Start(path, attach, form, words, firmware.machine or "", before, firmware.device_tree)


def _firmware(firmware: Firmware, declared: Declared, machine: Machine, tree: Tree, scratch: Path) -> list[str]:
    if firmware.group is None:
        return firmware_words(firmware, None, None, None)
    root = tree(firmware.group)
    code, variables, bios = (root / f if f else None for f in (firmware.code, firmware.variables, firmware.bios))
    if firmware.secure and variables is not None:
        variables = _enrolled(variables, declared, machine, scratch)
    return firmware_words(firmware, code, variables, bios)


def _enrolled(variables: Path, declared: Declared, machine: Machine, scratch: Path) -> Path:
    """The variables of a firmware that trusts the test's certificate, or that of the image's signature."""
    from xenbuild.formats.efivars import trusting

    certificate = machine.enroll or (declared.sign.certificate if declared.sign else None)
    if certificate is None:
        advice = "sign the image, or name a certificate: machine.enroll"
        raise DeclarationError("the firmware trusts nobody", at=machine.at("firmware"), advice=advice)
    der = _der(certificate)
    scratch.mkdir(parents=True, exist_ok=True)
    made = scratch / f"{declared.name}.vars"
    made.write_bytes(trusting(variables.read_bytes(), der))
    return made


def _der(certificate: Path) -> bytes:
    found = re.search(rb"-----BEGIN CERTIFICATE-----(.+?)-----END", certificate.read_bytes(), re.DOTALL)
    if found is None:
        raise DeclarationError(f"{certificate.name} is no certificate in PEM")
    return base64.b64decode(found[1])


def _esp(application: Path, name: str, scratch: Path) -> Path:
    """A disk on which firmware finds the application by itself."""
    from xenbuild.formats.fat import smallest, write_fat

    files = {f"EFI/BOOT/{name}": application}
    layout = smallest(files)
    scratch.mkdir(parents=True, exist_ok=True)
    made = scratch / f"{application.name}.esp"
    with made.open("wb") as file:
        write_fat(file, 0, files, layout, "TEST", 1)
        file.truncate(layout.size)
    return made
