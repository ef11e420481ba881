"""A module behind kernel and initramfs reaches Xen under every protocol: here microcode, which Xen looks for there.

Debian's Xen for x86 takes no policy, which is what bundles have such a module for; but it counts modules for `ucode`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from project import TOP
from test_x86_loaders import blanked, boot, grub_iso, qemu

from xenbuild.compose.inspect import inspect
from xenbuild.compose.x86 import Content, write_bundle
from xenbuild.media.build import Settings, plan
from xenbuild.plan.action import OutputOf
from xenbuild.plan.run import run
from xenbuild.spec.load import load, target_named

__all__ = ["qemu"]  # the fixture

pytestmark = pytest.mark.smoke
SHOWCASE = TOP / "xenbuild.yaml"
CPU = ["-cpu", "Opteron_G3,+svm,+npt"]  # family 16, the oldest whose microcode Xen loads
SIGNATURE, EQUIVALENT = 0x00100F23, 0x1022
REVISION = 0x01234567
SEEN = f"microcode: CPU0 update rev 0x1000065 to 0x{REVISION:x} failed"  # QEMU's CPU keeps what it has


def microcode() -> bytes:
    """A container for that CPU with an update that does nothing (xen, arch/x86/cpu/microcode/amd.c)."""
    table = struct.pack("<IIIHH", SIGNATURE, 0, 0, EQUIVALENT, 0) + bytes(16)
    update = struct.pack("<IIHBBIII", 0x11112026, REVISION, 0, 0, 0, 0, 0, 0) + struct.pack("<H", EQUIVALENT)
    update += bytes(960 - len(update))
    return b"DMA\0" + struct.pack("<II", 0, len(table)) + table + struct.pack("<II", 1, len(update)) + update


@pytest.fixture
def bundle(settings: Settings, bundle: Callable[[str], Path], tmp_path: Path) -> Path:
    """The showcase with one module more, the third of all."""
    image = bundle("x86_64/xen")
    data = image.read_bytes()
    contents = []
    for part in inspect(image).facts["parts"]:
        words = part["cmdline"] + (" ucode=2" if part["name"] == "xen" else "")
        piece = memoryview(data)[part["offset"] :][: part["size"]]
        contents.append(Content(part["name"], part["role"], piece, words))
    contents.append(Content("more", "more", memoryview(microcode())))
    goal = plan(load(SHOWCASE, target_named("x86_64/xen", SHOWCASE)), settings).compose.inputs["loader"]
    assert isinstance(goal, OutputOf)  # made for the showcase already
    made = run([goal], settings.store, jobs=2, events=lambda event: None)[goal].digest
    write_bundle(tmp_path / "more.elf", settings.store.read(made), contents, "x86_64/xen")
    return tmp_path / "more.elf"


def test_multiboot_by_qemu(bundle: Path, qemu: list[str], tmp_path: Path) -> None:
    boot(qemu, tmp_path / "log", ["-kernel", str(bundle), *CPU], SEEN)


def test_pvh(bundle: Path, qemu: list[str], tmp_path: Path) -> None:
    boot(qemu, tmp_path / "log", ["-kernel", str(blanked(bundle, tmp_path / "pvh.elf")), *CPU], SEEN)


def test_multiboot2_by_grub(  # type: ignore[no-untyped-def]
    bundle: Path,
    qemu: list[str],
    tool,
    tools_dir: Path,
    tmp_path: Path,
) -> None:
    boot(qemu, tmp_path / "log", ["-cdrom", str(grub_iso("multiboot2", bundle, tool, tools_dir, tmp_path)), *CPU], SEEN)
