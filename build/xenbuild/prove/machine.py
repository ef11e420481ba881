"""The command line of QEMU for a board, the declaration's changes to it, and an image.

Words for the boot loader's command line reach the machine by QEMU's -append, where QEMU itself is the boot loader, and
otherwise as an OEM string of SMBIOS (type 11), which the menu on a medium looks for (recipes/templates/grub.cfg). A
bundle obeys one contract on every architecture: **words before a lone `--` are appended to the hypervisor's own, words
after it to dom0's**. On x86 that is Xen's own rule for what follows " -- " (xen/arch/x86/setup.c, "Options after
' -- ' separator belong to dom0"); on ARM the loader stub does the same between /chosen/bootargs and the properties
xen,xen-bootargs and xen,dom0-bootargs. The nonce of a boot travels after the `--`, and Linux ignores it: a
parameter with a dot belongs to a module of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.errors import HostError

if TYPE_CHECKING:
    from xenbuild.spec.proof import Drive, Machine
    from xenbuild.spec.recipe import Board, Firmware

Programs = Callable[[str], list[str]]  # name of a QEMU program -> the words that start it

SEPARATOR = "--"
NONCE_WORD = "xenbuild.nonce="
OEM_STRING = "xenbuild.words="
NET_SCRIPT = "boot.ipxe"  # in a tree of medium pxe

JUDGED = ("-serial", "stdio", "-monitor", "none")  # the console is our pipe
INTERACTIVE = ("-serial", "mon:stdio")  # the console is the user's terminal; Ctrl-A x leaves


def loader_words(words: Sequence[str], nonce: str = "") -> list[str]:
    """The boot loader's command line: `words` of the declaration, and the nonce of this boot for dom0."""
    if not nonce:
        return list(words)
    separator = [] if SEPARATOR in words else [SEPARATOR]
    return [*words, *separator, NONCE_WORD + nonce]


@dataclass(frozen=True, slots=True)
class Start:
    """What a machine starts: an image, the way in which the machine has it, and the firmware that looks for it."""

    image: Path
    attach: str = "kernel"
    format: str = "raw"  # of a disk
    firmware: Sequence[str] = field(default=())  # words for QEMU
    machine: str = ""  # options of -machine that the firmware needs
    before: tuple[str, ...] = ()  # words before those for Xen, where QEMU gives them to a UEFI application
    device_tree: bool = False  # the firmware hands on words in the device tree, and no SMBIOS


def qemu_argv(
    board: Board,
    machine: Machine,
    start: Start,
    *,
    programs: Programs,
    words: Sequence[str] = (),
    kvm: bool = False,
    console: Sequence[str] = JUDGED,
    extra: Sequence[str] = (),
) -> list[str]:
    """The whole command line, program first.

    The board's own arguments come first, then the declaration's, then `extra`: QEMU lets the later one win.
    Raises HostError if the image's path cannot be passed (boot loaders split it from the words at a blank).
    """
    cpu = machine.cpu or ("host" if kvm else board.cpu)
    memory = machine.memory or board.memory
    return [
        *programs(board.qemu),
        *("-accel", "kvm" if kvm else "tcg"),
        *("-machine", ",".join(filter(None, [board.machine, start.machine])), "-cpu", cpu),
        *("-m", f"{-(-memory // (1 << 20))}M", "-smp", str(machine.cpus or board.cpus)),
        *("-display", "none", "-no-reboot"),
        *console,
        *board.arguments,
        *(word for number, drive in enumerate(machine.drives) for word in _drive(drive, number)),
        *machine.arguments,
        *start.firmware,
        *ATTACH[start.attach](start, words),
        *extra,
    ]


def firmware_words(firmware: Firmware, code: Path | None, variables: Path | None, bios: Path | None) -> list[str]:
    """What QEMU needs to run a firmware of these files. What the machine writes to its variables is forgotten."""
    words = []
    for number, (file, options) in enumerate(((code, "readonly=on"), (variables, "snapshot=on"))):
        if file is not None:
            words += ["-drive", f"if=pflash,unit={number},format=raw,{options},file={_escaped(file)}"]
    if bios is not None:
        words += ["-bios", str(bios)]
    return [*words, *firmware.arguments]


def _kernel(start: Start, words: Sequence[str]) -> list[str]:
    if any(c.isspace() for c in str(start.image)):
        raise HostError(
            f"the path of the image has a blank in it: {start.image}",
            advice="QEMU passes the path on the kernel's command line, where a blank ends it; choose another folder",
        )
    return ["-kernel", str(start.image), *(("-append", " ".join([*start.before, *words])) if words else ())]


def _disk(start: Start, words: Sequence[str]) -> list[str]:
    return [*_image(start), "-device", "virtio-blk-pci,drive=image,bootindex=0", *_told(start, words)]


def _usb(start: Start, words: Sequence[str]) -> list[str]:
    stick = ["-device", "qemu-xhci,id=usb", "-device", "usb-storage,bus=usb.0,drive=image,bootindex=0"]
    return [*_image(start), *stick, *_told(start, words)]


def _cdrom(start: Start, words: Sequence[str]) -> list[str]:
    """On a SCSI bus, which every board can have."""
    drive = ["-device", "virtio-scsi-pci,id=scsi", "-device", "scsi-cd,bus=scsi.0,drive=image,bootindex=0"]
    return [*_image(start, "media=cdrom,readonly=on"), *drive, *_told(start, words)]


def _net(start: Start, words: Sequence[str]) -> list[str]:
    """QEMU's own network gives the folder out by TFTP; the network card's ROM is iPXE. UEFI wants random numbers."""
    server = f"user,id=net,tftp={_escaped(start.image)},bootfile={NET_SCRIPT}"
    card = ["-netdev", server, "-device", "virtio-net-pci,netdev=net,bootindex=0", "-device", "virtio-rng-pci"]
    return [*card, *_told(start, words)]


def _image(start: Start, options: str = "snapshot=on") -> list[str]:
    return ["-drive", f"if=none,id=image,format={start.format},{options},file={_escaped(start.image)}"]


def _told(start: Start, words: Sequence[str]) -> list[str]:
    """The boot loader's words where it is on the medium.

    QEMU puts words into the device tree only if there is a kernel, which U-Boot then finds empty.
    """
    if start.device_tree and words:
        return ["-kernel", "/dev/null", "-append", " ".join(words)]
    return ["-smbios", f"type=11,value={_escaped(OEM_STRING + ' '.join(words))}"] if words else []


ATTACH: dict[str, Callable[[Start, Sequence[str]], list[str]]] = {
    "kernel": _kernel,
    "disk": _disk,
    "usb": _usb,
    "cdrom": _cdrom,
    "net": _net,
    "card": _disk,
    "esp": _disk,  # made for the image by prove/start.py
}


def _escaped(value: Path | str) -> str:
    """QEMU's way to write a comma in a value."""
    return str(value).replace(",", ",,")


def _drive(drive: Drive, number: int) -> list[str]:
    """A disk whose changes QEMU forgets; an empty one needs no file. Its serial number is driveN, counted from 0."""
    if drive.file is not None:
        what = f"file.driver=file,file.filename={_escaped(drive.file)}"
    else:
        what = f"file.driver=null-co,file.size={drive.size},file.read-zeroes=on"
    name = f"drive{number}"
    return [
        *("-drive", f"driver=raw,{what},snapshot=on,if=none,id={name}"),
        *("-device", f"{drive.device},drive={name},serial={name}"),
    ]
