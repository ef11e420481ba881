"""Action: checks the user's own dom0 kernel (and initramfs) before anything is built from them.

params: arch (our name), name (what the user calls the kernel).  inputs: kernel, and initramfs if there is one.
output: kernel, the same file.  On x86 the Xen notes say whether it can be an initial domain; an Arm kernel says
nothing of the kind, so only its format and architecture are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from xenbuild.errors import FormatError
from xenbuild.formats.armimage import parse_arm64_image, parse_zimage, require_whole
from xenbuild.formats.xennotes import check_dom0, kernel_notes
from xenbuild.plan.job import Job

# How the kernel knows a compressed initramfs (Linux, lib/decompress.c), and the two cpio formats that it reads.
_INITRAMFS = (
    b"\x1f\x8b", b"\x1f\x9e", b"BZh", b"\x5d\0\0", b"\xfd7zXZ\0", b"\x89LZO", b"\x02!L\x18", b"\x28\xb5\x2f\xfd",
    b"070701", b"070702",
)  # fmt: skip


def run(job: Job) -> None:
    check_kernel(job.path("kernel").read_bytes(), job.params["arch"], job.params["name"])
    if "initramfs" in job.inputs:
        with job.path("initramfs").open("rb") as file:
            check_initramfs(file.read(512))
    job.put_file("kernel", job.digest("kernel"))


def check_kernel(data: bytes, arch: str, name: str) -> None:
    """Raises FormatError that says why the kernel cannot be dom0 on `arch`."""
    _CHECKS[arch](data, name)


def check_initramfs(start: bytes) -> None:
    """Raises FormatError if the file's first bytes are those of no initramfs that Linux can unpack."""
    if not start.lstrip(b"\0").startswith(_INITRAMFS):
        raise FormatError(
            "dom0's initramfs is neither a cpio archive nor compressed in a way that Linux knows",
            advice="make it with `cpio -o -H newc`, as mkinitramfs and dracut do",
        )


def _x86(data: bytes, name: str) -> None:
    check_dom0(kernel_notes(data, name), name)


def _arm64(data: bytes, name: str) -> None:
    with _named(name):
        parse_arm64_image(data)


def _armv7(data: bytes, name: str) -> None:
    with _named(name):
        require_whole(parse_zimage(data), data)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Puts the kernel's name before the message of a format's reader."""
    try:
        yield
    except FormatError as error:
        raise FormatError(f"{name} cannot be dom0's kernel: {error.message}", advice=error.advice) from None


_CHECKS: dict[str, Callable[[bytes, str], None]] = {"x86_64": _x86, "ia32": _x86, "arm64": _arm64, "armv7": _armv7}
