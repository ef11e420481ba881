"""The command line of QEMU for a board, the declaration's changes to it, and an image.

Words for the boot loader's command line reach the machine by QEMU's -append. A bundle obeys one contract on
every architecture: **words before a lone `--` are appended to the hypervisor's own, words after it to dom0's**.
On x86 that is Xen's own rule for what follows " -- " (xen/arch/x86/setup.c, "Options after ' -- ' separator
belong to dom0"); on ARM the loader stub does the same between /chosen/bootargs and the properties
xen,xen-bootargs and xen,dom0-bootargs. The nonce of a boot travels after the `--`, and Linux ignores it: a
parameter with a dot belongs to a module of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.errors import HostError

if TYPE_CHECKING:
    from xenbuild.spec.proof import Drive, Machine
    from xenbuild.spec.recipe import Board

Programs = Callable[[str], list[str]]  # name of a QEMU program -> the words that start it

SEPARATOR = "--"
NONCE_WORD = "xenbuild.nonce="

JUDGED = ("-serial", "stdio", "-monitor", "none")  # the console is our pipe
INTERACTIVE = ("-serial", "mon:stdio")  # the console is the user's terminal; Ctrl-A x leaves


def loader_words(words: Sequence[str], nonce: str = "") -> list[str]:
    """The boot loader's command line: `words` of the declaration, and the nonce of this boot for dom0."""
    if not nonce:
        return list(words)
    separator = [] if SEPARATOR in words else [SEPARATOR]
    return [*words, *separator, NONCE_WORD + nonce]


def qemu_argv(
    board: Board,
    machine: Machine,
    image: Path,
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
    if any(c.isspace() for c in str(image)):
        raise HostError(
            f"the path of the image has a blank in it: {image}",
            advice="QEMU passes the path on the kernel's command line, where a blank ends it; choose another folder",
        )
    cpu = machine.cpu or ("host" if kvm else board.cpu)
    memory = machine.memory or board.memory
    return [
        *programs(board.qemu),
        *("-accel", "kvm" if kvm else "tcg"),
        *("-machine", board.machine, "-cpu", cpu),
        *("-m", f"{-(-memory // (1 << 20))}M", "-smp", str(machine.cpus or board.cpus)),
        *("-display", "none", "-no-reboot"),
        *console,
        *board.arguments,
        *(word for number, drive in enumerate(machine.drives) for word in _drive(drive, number)),
        *machine.arguments,
        *("-kernel", str(image)),
        *(("-append", " ".join(words)) if words else ()),
        *extra,
    ]


def _drive(drive: Drive, number: int) -> list[str]:
    """A disk whose changes QEMU forgets; an empty one needs no file. Its serial number is driveN, counted from 0."""
    if drive.file is not None:
        escaped = str(drive.file).replace(",", ",,")  # QEMU's way to write a comma in a value
        what = f"file.driver=file,file.filename={escaped}"
    else:
        what = f"file.driver=null-co,file.size={drive.size},file.read-zeroes=on"
    name = f"drive{number}"
    return [
        *("-drive", f"driver=raw,{what},snapshot=on,if=none,id={name}"),
        *("-device", f"{drive.device},drive={name},serial={name}"),
    ]
