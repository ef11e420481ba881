"""Action: a guest's kernel -> the same, checked against the guest's type, in the form that dom0 starts fastest.

params: type (pv, pvh, hvm), name (what messages call the kernel), arch (x86_64, ia32 or "" for either), pv (the
architecture of pv kernels; x86_64), packed (false: a plain ELF file).
input: kernel.  output: kernel.
A pv or pvh guest is built by libxenguest, which unpacks a bzImage in dom0 at every start (Debian's are xz: seconds on a
slow machine). It takes the ELF file inside as well, and gzip over it (tools/libs/guest/xg_dom_core.c).
"""

from __future__ import annotations

import zlib

from xenbuild.errors import FormatError, Position
from xenbuild.formats.bzimage import is_bzimage, read_bzimage, unpack_payload
from xenbuild.formats.elf import Elf
from xenbuild.formats.xennotes import XenNotes, notes_of_elf
from xenbuild.plan.action import Action, Input, Json, OutputOf
from xenbuild.plan.job import Job

# Of Debian's 6.1: level 1 makes 14.3 MB, 6 11.8 MB, 9 11.7 MB; unpacking takes the same time.
_LEVEL = 6
_GZIP = 16 + zlib.MAX_WBITS


def prepared(
    kernel: Input, type: str, name: str, at: Position | None, *, arch: str = "", packed: bool = True, pv: str = "x86_64"
) -> OutputOf:
    """The kernel of an x86 guest.

    arch: what it must be made for; not `packed`: for a dom0 that unpacks nothing; pv: what pv kernels are made for.
    """
    params: dict[str, Json] = {"type": type, "name": name, "arch": arch}
    if not packed:
        params["packed"] = False
    if pv != "x86_64":
        params["pv"] = pv
    label = f"prepare {name} for {type} guests"
    action = Action(label, "xenbuild.parts.guestkernel:run", params, {"kernel": kernel}, ("kernel",), at=at)
    return action.output("kernel")


def run(job: Job) -> None:
    kind, name = job.params["type"], job.params["name"]
    data = job.path("kernel").read_bytes()
    if kind == "hvm":
        check_hvm(data, name)
    else:
        elf = unpacked(data, name)
        check(notes_of_elf(Elf.parse(elf, name)), kind, name, job.params["arch"], job.params.get("pv", "x86_64"))
        if not job.params.get("packed", True):
            job.out("kernel").write_bytes(elf)
            return
        if is_bzimage(data):
            packer = zlib.compressobj(_LEVEL, wbits=_GZIP)  # without a name or time
            with job.out("kernel").open("wb") as out:
                out.write(packer.compress(elf))
                out.write(packer.flush())
            return
    job.put_file("kernel", job.digest("kernel"))


def unpacked(data: bytes, name: str) -> bytes | memoryview:
    """The ELF file that a kernel is or holds. Raises FormatError."""
    if is_bzimage(data):
        return unpack_payload(read_bzimage(data, name), name)
    if data[:2] == b"\x1f\x8b":
        try:
            return zlib.decompress(data, _GZIP)
        except zlib.error as error:
            raise FormatError(f"{name}: the gzip data is damaged: {error}", advice="copy it again") from error
    if data[:4] == b"\x7fELF":
        return data
    raise FormatError(
        f"{name} is no kernel that Xen can start: neither a bzImage nor an ELF file",
        advice="give a vmlinuz, a vmlinux or an unikernel with Xen notes; what boots from a disk is boot: firmware",
    )


def check(notes: XenNotes, kind: str, name: str, arch: str = "", pv: str = "x86_64") -> None:
    """Raises FormatError if a kernel with these notes cannot be a guest of the type "pv" or "pvh".

    arch: what it must be made for; pv: the architecture of the pv kernels that the hypervisor starts.
    """
    if notes.arch not in ("x86_64", "ia32"):
        raise FormatError(f"{name} is made for {notes.arch}, the guest for x86", advice="give a kernel for x86")
    if arch and notes.arch != arch:
        raise FormatError(f"{name} is made for {notes.arch}, the guest for {arch}", advice=f"write arch: {notes.arch}")
    if not notes.modes:
        raise FormatError(
            f"{name} has no Xen notes that say how to start it",
            advice="Linux has them with CONFIG_XEN_PV or CONFIG_PVH; one without them can be an hvm guest",
        )
    if kind not in notes.modes:
        lacks = {"pv": "ENTRY", "pvh": "PHYS32_ENTRY"}[kind]
        raise FormatError(
            f"{name} is no {kind} kernel: it has no Xen note {lacks}", advice=f"write type: {notes.modes[0]}"
        )
    if kind == "pv" and pv == "ia32" and notes.arch != pv:
        raise FormatError(
            f"{name} is a 64-bit pv kernel, the hypervisor a 32-bit one", advice="give a kernel for ia32 with PAE"
        )
    if kind == "pv" and notes.arch == "ia32" and pv != notes.arch:
        raise FormatError(
            f"{name} is a 32-bit pv kernel, which Debian's Xen does not start (CONFIG_PV32 is off)",
            advice="write type: pvh or hvm" if "pvh" in notes.modes else "give a 64-bit kernel",
        )


def check_hvm(data: bytes, name: str) -> None:
    """Raises FormatError if the device model cannot start the kernel: it does what a PC's boot loader does."""
    if not is_bzimage(data):
        raise FormatError(
            f"{name} is no kernel for an hvm guest: that starts a bzImage (vmlinuz) as a PC's boot loader does",
            advice="write type: pvh or pv for an ELF kernel with Xen notes",
        )
