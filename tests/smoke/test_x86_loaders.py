"""The x86 bundle under every way of booting it: what the serial console says is judged.

Each boot ends by itself (dom0's init powers off, the loader stops with a message) or at a deadline.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.smoke

MACHINE = ["-accel", "tcg", "-machine", "q35", "-cpu", "qemu64,+svm,+npt", "-display", "none", "-no-reboot"]
DEADLINE = 120.0  # seconds
EXTRA = "extra-word=from-the-boot-loader"
STARTED = f"Command line: .*{EXTRA}"
DOM0 = "XENBUILD-DOM0-UP|Run /init as init process|dom0 ready"


def boot(qemu: list[str], log: Path, arguments: list[str], *markers: str, memory: int = 1536) -> str:
    """Boot until all markers (regular expressions) were seen; returns the console. Fails with its last lines."""
    import re

    argv = [*qemu, *MACHINE, "-m", str(memory), "-serial", f"file:{log}", *arguments]
    if "-netdev" not in argv:
        argv += ["-nic", "none"]
    machine = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + DEADLINE
        while True:
            ended = machine.poll() is not None
            console = log.read_text(errors="replace") if log.exists() else ""
            if all(re.search(marker, console) for marker in markers):
                return console
            if ended or time.monotonic() > deadline:
                missing = [marker for marker in markers if not re.search(marker, console)]
                pytest.fail(f"not seen: {missing}; last lines:\n" + "\n".join(console.splitlines()[-15:]))
            time.sleep(0.1)
    finally:
        machine.kill()
        machine.communicate()


@pytest.fixture
def x86(bundle) -> Path:  # type: ignore[no-untyped-def]
    path = bundle("x86_64/xen")
    assert isinstance(path, Path)
    return path


@pytest.fixture
def qemu(tool) -> list[str]:  # type: ignore[no-untyped-def]
    words = tool("qemu-system-x86_64")
    assert isinstance(words, list)
    return words


def blanked(bundle: Path, to: Path) -> Path:
    """A copy without multiboot magics, which QEMU then starts by its PVH note."""
    data = bytearray(bundle.read_bytes())
    for magic in (b"\x02\xb0\xad\x1b", b"\xd6\x50\x52\xe8"):
        at = data.index(magic, 4096, 8192)
        data[at : at + 4] = bytes(4)
    to.write_bytes(data)
    return to


def test_qemu_kernel(x86: Path, qemu: list[str], tmp_path: Path) -> None:
    boot(qemu, tmp_path / "log", ["-kernel", str(x86), "-append", EXTRA], "started by qemu", STARTED, DOM0)


def test_pvh(x86: Path, qemu: list[str], tmp_path: Path) -> None:
    copy = blanked(x86, tmp_path / "pvh.elf")
    boot(qemu, tmp_path / "log", ["-kernel", str(copy), "-append", EXTRA], "started by PVH", STARTED, DOM0)


def grub_iso(command: str, bundle: Path, tool: Callable[[str], list[str]], tools_dir: Path, tmp_path: Path) -> Path:
    """A CD whose GRUB starts the bundle by `command`, under a BIOS."""
    modules = tools_dir / "usr/lib/grub/i386-pc"
    if not modules.exists():
        pytest.skip("the tools tree has no GRUB for BIOS (package grub-pc-bin)")
    folder = tmp_path / "iso"
    folder.mkdir()
    shutil.copy(bundle, folder / "bundle.elf")
    config = tmp_path / "early.cfg"
    config.write_text(f"serial\nterminal_output serial\n{command} (cd)/bundle.elf {EXTRA}\nboot\n")
    needed = ["biosdisk", "iso9660", "serial", "terminal", "normal", "boot", command, "all_video"]
    core = folder / "grub.img"
    mkimage = [*tool("grub-mkimage"), "-O", "i386-pc-eltorito", "-d", str(modules), "-p", "/", "-c", str(config)]
    subprocess.run([*mkimage, "-o", str(core), *needed], check=True)
    iso = tmp_path / "x.iso"
    options = ["-b", "grub.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"]
    subprocess.run([*tool("xorriso"), "-as", "mkisofs", "-quiet", "-o", str(iso), *options, str(folder)], check=True)
    return iso


@pytest.mark.parametrize("command", ["multiboot", "multiboot2"])
def test_grub(command: str, x86: Path, qemu: list[str], tool, tools_dir: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    iso = grub_iso(command, x86, tool, tools_dir, tmp_path)
    boot(qemu, tmp_path / "log", ["-cdrom", str(iso)], "started by GRUB", STARTED, DOM0)


def net(folder: Path, file: str) -> list[str]:
    return ["-boot", "n", "-netdev", f"user,id=n,tftp={folder},bootfile={file}", "-device", "e1000,netdev=n"]


def test_ipxe(x86: Path, qemu: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "tftp"
    folder.mkdir()
    shutil.copy(x86, folder / "bundle.elf")
    (folder / "boot.ipxe").write_text(f"#!ipxe\nkernel bundle.elf {EXTRA}\nboot\n")
    boot(qemu, tmp_path / "log", net(folder, "boot.ipxe"), "started by iPXE", STARTED, DOM0)


def test_pxelinux(x86: Path, qemu: list[str], tools_dir: Path, tmp_path: Path) -> None:
    modules = tools_dir / "usr/lib/syslinux/modules/bios"
    programs = [tools_dir / "usr/lib/PXELINUX/pxelinux.0"]
    programs += [modules / f"{name}.c32" for name in ("mboot", "ldlinux", "libcom32")]
    if not all(path.exists() for path in programs):
        pytest.skip("the tools tree has no pxelinux (packages pxelinux and syslinux-common)")
    folder = tmp_path / "tftp"
    (folder / "pxelinux.cfg").mkdir(parents=True)
    for path in [*programs, x86]:
        shutil.copy(path, folder / ("bundle.elf" if path == x86 else path.name))
    config = f"DEFAULT x\nLABEL x\n KERNEL mboot.c32\n APPEND bundle.elf {EXTRA}\n"
    (folder / "pxelinux.cfg/default").write_text(config)
    boot(qemu, tmp_path / "log", net(folder, "pxelinux.0"), "started by PXELINUX", STARTED, DOM0)


def test_damaged_part_stops_with_a_message(x86: Path, qemu: list[str], tmp_path: Path) -> None:
    data = bytearray(x86.read_bytes())
    data[len(data) // 2] ^= 1
    bad = tmp_path / "bad.elf"
    bad.write_bytes(data)
    console = boot(qemu, tmp_path / "log", ["-kernel", str(bad)], r"part '\w+' is damaged: its CRC-32", "stopped")
    assert "(XEN)" not in console


@pytest.mark.parametrize("protocol", ["multiboot", "pvh"])
def test_little_memory_stops_with_a_message(protocol: str, x86: Path, qemu: list[str], tmp_path: Path) -> None:
    file = x86 if protocol == "multiboot" else blanked(x86, tmp_path / "pvh.elf")
    text = r"xenbuild: part 'initramfs' needs 0x\w+-0x\w+ but the machine's memory ends at 0x\w+"
    console = boot(qemu, tmp_path / "log", ["-kernel", str(file)], text, "stopped", memory=22)
    assert "(XEN)" not in console
