"""Cards and network trees as other people's tools see them: mkimage, dumpimage, mtools, the boot ROM's own checksum."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from xenbuild.formats.fit import read_fit
from xenbuild.media.build import Settings, build, tools_tree
from xenbuild.spec.load import load, target_named

DECLARATION = """
version: 1
name: lab
release: bookworm
targets: [arm64/xen]
images:
  - {name: fit, medium: uboot}
  - {name: pi, medium: uboot, card: raspberry-pi-4}
  - {name: pine, medium: uboot, card: pine64-plus}
  - {name: net, medium: pxe}
"""
PARTITION = 1 << 20  # byte where it begins


@pytest.fixture(scope="module")
def images(settings: Settings, module_folder: Path) -> dict[str, Path]:
    file = module_folder / "xenbuild.yaml"
    file.write_text(DECLARATION)
    made, _ = build([load(file, target_named("arm64/xen", file))], settings, module_folder / "out")
    return {image.name: image.path for image in made}


@pytest.fixture(scope="module")
def program(settings: Settings, module_folder: Path) -> Callable[[str], list[str]]:
    file = module_folder / "tools.yaml"
    file.write_text(DECLARATION)
    declaration = load(file, target_named("arm64/xen", file))

    def words(name: str) -> list[str]:
        group = "test-media" if name.startswith("m") and name != "mkimage" else "test-uboot"
        return tools_tree(declaration, settings, group).argv(name)

    return words


def copied(program: Callable[[str], list[str]], card: Path, name: str, to: Path) -> Path:
    """A file from the card's file system, by mtools."""
    subprocess.run([*program("mcopy"), "-n", "-i", f"{card}@@{PARTITION}", f"::{name}", str(to)], check=True)
    return to


def test_u_boots_tools_read_script_and_fit(
    images: dict[str, Path], program: Callable[[str], list[str]], tmp_path: Path
) -> None:
    script = copied(program, images["fit"], "boot.scr", tmp_path / "boot.scr")
    listed = subprocess.check_output([*program("mkimage"), "-l", str(script)], text=True)
    assert "AArch64 Linux Script (uncompressed)" in listed
    fit = copied(program, images["fit"], "machine.itb", tmp_path / "machine.itb")
    (image,) = read_fit(fit.read_bytes())
    assert image.sound
    listed = subprocess.check_output([*program("dumpimage"), "-l", str(fit)], text=True)
    assert "Hash algo:    sha256" in listed
    assert "Default Configuration: 'machine'" in listed
    kernel = tmp_path / "kernel"
    subprocess.run([*program("dumpimage"), "-T", "flat_dt", "-p", "0", "-o", str(kernel), str(fit)], check=True)
    assert kernel.read_bytes()[0x38:0x3C] == b"ARM\x64"


def test_the_rom_of_the_a64_finds_its_loader(images: dict[str, Path]) -> None:
    """U-Boot, arch/arm/include/asm/arch-sunxi/spl.h: a branch, "eGON.BT0", a checksum over the words, a length."""
    data = images["pine"].read_bytes()
    header = data[8192 : 8192 + 32]
    assert header[4:12] == b"eGON.BT0"
    checksum, length = (int.from_bytes(header[at : at + 4], "little") for at in (12, 16))
    spl = bytearray(data[8192 : 8192 + length])
    spl[12:16] = (0x5F0A6C39).to_bytes(4, "little")  # stands in the checksum's place while it is computed
    assert sum(int.from_bytes(spl[at : at + 4], "little") for at in range(0, length, 4)) % (1 << 32) == checksum
    assert data[510:512] == b"\x55\xaa"


def test_the_loader_of_the_a64_finds_firmware_and_u_boot(
    images: dict[str, Path], program: Callable[[str], list[str]], tmp_path: Path
) -> None:
    """U-Boot's SPL looks for a FIT 32 KiB behind itself: trusted firmware, U-Boot, and the board's device tree."""
    data = images["pine"].read_bytes()
    fit = tmp_path / "u-boot.itb"
    fit.write_bytes(data[8192 + 32768 : PARTITION])
    listed = subprocess.check_output([*program("dumpimage"), "-l", str(fit)], text=True)
    assert "(uboot)" in listed and "Description:  ARM Trusted Firmware" in listed
    assert "sun50i-a64-pine64-plus" in listed
    machine = copied(program, images["pine"], "machine.itb", tmp_path / "machine.itb")
    listed = subprocess.check_output([*program("mkimage"), "-l", str(machine)], text=True)
    assert "Hash algo:    sha256" in listed and "Architecture: AArch64" in listed


def test_the_pi_has_what_its_firmware_wants(
    images: dict[str, Path], program: Callable[[str], list[str]], tmp_path: Path
) -> None:
    names = ("config.txt", "start4.elf", "fixup4.dat", "u-boot.bin", "bcm2711-rpi-4-b.dtb", "boot.scr", "pi.img")
    files = {name: copied(program, images["pi"], name, tmp_path / name) for name in names}
    assert "kernel=u-boot.bin" in files["config.txt"].read_text()
    tree = str(files["bcm2711-rpi-4-b.dtb"])
    found = subprocess.check_output([*program("fdtget"), tree, "/", "compatible"], text=True)
    assert found == "raspberrypi,4-model-b brcm,bcm2711\n"
    listed = subprocess.check_output([*program("mkimage"), "-l", str(files["boot.scr"])], text=True)
    assert "AArch64 Linux Script (uncompressed)" in listed
    assert files["start4.elf"].read_bytes()[:4] == b"\x7fELF"
    assert files["pi.img"].read_bytes()[56:60] == b"ARM\x64"


def test_the_tree_has_every_file_that_its_clients_are_told_of(images: dict[str, Path]) -> None:
    tree = images["net"]
    manifest = json.loads((tree / "netboot.json").read_bytes())
    told = [file for loader in manifest["loaders"] for file in loader["files"].values()]
    assert sorted(set(told)) == ["grubaa64.efi", "ipxe-arm64.efi", "netboot.json"]
    assert all((tree / name).is_file() for name in (*told, "boot.ipxe", "pxelinux.cfg/default", "net.img"))
    assert "x86" not in (tree / "netboot.json").read_text()
