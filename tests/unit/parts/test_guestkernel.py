"""Which kernels fit which guests."""

from __future__ import annotations

import gzip

import pytest

from xenbuild.errors import FormatError
from xenbuild.formats.xennotes import XenNotes
from xenbuild.parts.guestkernel import check, check_hvm, unpacked

PV = XenNotes("x86_64", {"ENTRY": 1})
PVH = XenNotes("x86_64", {"PHYS32_ENTRY": 1})
BOTH = XenNotes("x86_64", {"ENTRY": 1, "PHYS32_ENTRY": 1})


@pytest.mark.parametrize(("notes", "kind"), [(PV, "pv"), (PVH, "pvh"), (BOTH, "pv"), (BOTH, "pvh")])
def test_a_kernel_that_fits(notes: XenNotes, kind: str) -> None:
    check(notes, kind, "k")


@pytest.mark.parametrize(
    ("notes", "kind", "message", "advice"),
    [
        (PV, "pvh", "k is no pvh kernel: it has no Xen note PHYS32_ENTRY", "write type: pv"),
        (PVH, "pv", "k is no pv kernel: it has no Xen note ENTRY", "write type: pvh"),
        (XenNotes("x86_64", {}), "pv", "k has no Xen notes that say how to start it", "Linux has them"),
        (XenNotes("arm64", {"ENTRY": 1}), "pv", "k is made for arm64, the guest for x86", "give a kernel for x86"),
        (XenNotes("ia32", {"ENTRY": 1}), "pv", "k is a 32-bit pv kernel", "give a 64-bit kernel"),
        (XenNotes("ia32", {"ENTRY": 1, "PHYS32_ENTRY": 1}), "pv", "k is a 32-bit pv kernel", "write type: pvh"),
    ],
)
def test_a_kernel_that_does_not(notes: XenNotes, kind: str, message: str, advice: str) -> None:
    with pytest.raises(FormatError) as caught:
        check(notes, kind, "k")
    assert caught.value.message.startswith(message)
    assert str(caught.value.advice).startswith(advice)


def test_the_declared_architecture() -> None:
    check(PVH, "pvh", "k", "x86_64")
    with pytest.raises(FormatError) as caught:
        check(PVH, "pvh", "k", "ia32")
    assert (str(caught.value), caught.value.advice) == (
        "k is made for x86_64, the guest for ia32",
        "write arch: x86_64",
    )


def test_forms() -> None:
    assert unpacked(gzip.compress(b"\x7fELF..."), "k") == b"\x7fELF..."
    for data, message in ((b"\x1f\x8bx", "k: the gzip data is damaged"), (b"MZ", "k is no kernel that Xen can start")):
        with pytest.raises(FormatError, match=message):
            unpacked(data, "k")
    with pytest.raises(FormatError, match="k is no kernel for an hvm guest"):
        check_hvm(b"\x7fELF", "k")
