"""Unikernels: the program's own files on our base and PV drivers (pv-drivers/base, drivers, net), and dom0's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xenbuild.parts.objects import DEBUG, STRICT, Program, Unit, folder_unit, program_of
from xenbuild.plan.action import Input, OutputOf
from xenbuild.spec.data import data_dir
from xenbuild.store.store import Store

# No unit whose state somebody else would have to save.
_TARGETS = {
    "ia32": ("i386-unknown-none-elf", ("-march=pentium2", "-mno-mmx", "-mno-sse")),
    "x86_64": ("x86_64-unknown-none-elf", ("-mno-red-zone", "-mgeneral-regs-only")),
}
ARCHITECTURES = tuple(_TARGETS)


def guest(name: str, files: Sequence[Path], arch: str) -> Program:
    """A guest of the user's own files, in C of any style, on our base."""
    triple, flags = _TARGETS[arch]
    base = _base(arch, flags)
    folder = guest_folder(name)
    include = [*base.include, folder]
    own = Unit({f"{folder}/{file.name}": file for file in files}, include, (*flags, *DEBUG))
    return Program(name, triple, [own, base])


def guest_folder(name: str) -> str:
    """Where a guest's own files lie in its program, and for gdb below objects.PLACE."""
    return f"guests/{name}"


def dom0(arch: str) -> Program:
    """The dom0 that is a unikernel (dom0-image/unikernel)."""
    triple, flags = _TARGETS[arch]
    base = _base(arch, flags)
    top = data_dir("dom0-image") / "unikernel"
    folders = [".", "xenstore", "hardware", "screen", "arch/x86", f"arch/{arch}"]
    folders = [folder for folder in folders if (top / folder).is_dir()]
    include = [*base.include, *(f"dom0/{folder}" if folder != "." else "dom0" for folder in folders)]
    own = folder_unit(top, "dom0", folders, include, (*flags, *STRICT, *DEBUG))
    return Program("dom0", triple, [own, base])


def linked(program: Program, store: Store, tools: Input, *, debug: bool = False) -> OutputOf:
    """The plan of a unikernel; for `debug` with symbols and debug information, for gdb."""
    script = data_dir("pv-drivers") / "base/arch/x86/kernel.lds"
    return program_of(program, script, store, tools, debug=debug)


def _base(arch: str, flags: Sequence[str]) -> Unit:
    folders = ["base", "base/libc", "base/arch/x86", f"base/arch/{arch}", "drivers", "net"]
    include = [f"pv/{folder}" for folder in folders]
    return folder_unit(data_dir("pv-drivers"), "pv", folders, include, (*flags, *STRICT, *DEBUG))
