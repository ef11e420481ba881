"""What starts an image: firmware of the board from the tools tree, an ESP for an application, enrolled certificates."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from xenbuild.errors import DeclarationError
from xenbuild.formats.fatread import read_fat
from xenbuild.media.results import Image
from xenbuild.prove.machine import Start
from xenbuild.prove.start import start
from xenbuild.spec.load import load, target_named
from xenbuild.spec.model import Declaration
from xenbuild.spec.proof import Machine
from xenbuild.spec.recipe import Board, load_recipe
from xenbuild.store.digest import Digest

STORE = bytes.fromhex("782cf3aa7b949a43a1802e144ec37792")
DECLARATION = """
name: lab
release: bookworm
targets: [x86_64/xen, arm64/xen]
images:
  - {name: bundle}
  - {name: disk, medium: raw}
  - {name: stick, medium: raw, firmware: uefi}
  - {name: virtual, medium: qcow2}
  - {name: cd, medium: iso}
  - {name: app, medium: efi}
  - {name: parts, medium: tar}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A declaration, and a tools tree with firmware whose variables can be written."""
    (tmp_path / "xenbuild.yaml").write_text(DECLARATION)
    ovmf = tmp_path / "tools/usr/share/OVMF"
    ovmf.mkdir(parents=True)
    volume = bytearray(72)
    volume[40:44], volume[48] = b"_FVH", 72
    variables = bytes(volume) + STORE + (4096).to_bytes(4, "little") + b"\x5a\xfe" + bytes(6) + b"\xff" * 4068
    (ovmf / "OVMF_VARS_4M.fd").write_bytes(variables)
    return tmp_path


def begin(folder: Path, name: str, machine: Machine, target: str = "x86_64/xen") -> Start:
    declaration = declared(folder, target)
    path = folder / f"{name}.file"
    path.write_bytes(b"application")
    image = Image(target, name, path, Digest.of(b"application"))
    arch = target.partition("/")[0]
    board = load_recipe(Board, f"qemu-{arch}")
    return start(declaration, image, machine, board, lambda group: folder / "tools", folder / "scratch")


def declared(folder: Path, target: str) -> Declaration:
    file = folder / "xenbuild.yaml"
    return load(file, target_named(target, file))


def test_the_bundle_is_started_by_qemu_itself(folder: Path) -> None:
    assert begin(folder, "bundle", Machine()) == Start(folder / "bundle.file")


@pytest.mark.parametrize(
    ("name", "machine", "attach", "form", "code"),
    [
        ("disk", Machine(), "disk", "raw", ""),  # a BIOS comes first, and QEMU has its own
        ("disk", Machine(firmware="uefi-ia32", attach="usb"), "usb", "raw", "OVMF32_CODE_4M.fd"),
        ("stick", Machine(), "disk", "raw", "OVMF_CODE_4M.fd"),
        ("virtual", Machine(firmware="uefi"), "disk", "qcow2", "OVMF_CODE_4M.fd"),
        ("cd", Machine(), "cdrom", "raw", ""),
    ],
)
def test_firmware_and_way_in(folder: Path, name: str, machine: Machine, attach: str, form: str, code: str) -> None:
    made = begin(folder, name, machine)
    assert (made.image, made.attach, made.format) == (folder / f"{name}.file", attach, form)
    words = " ".join(made.firmware)
    if not code:
        assert not words
        return
    place = folder / "tools/usr/share/OVMF"
    assert f"-drive if=pflash,unit=0,format=raw,readonly=on,file={place}/{code}" in words
    assert "-drive if=pflash,unit=1,format=raw,snapshot=on," in words


def test_arm_gets_its_device_tree(folder: Path) -> None:
    assert begin(folder, "disk", Machine(), "arm64/xen").machine == "acpi=off"


@pytest.mark.parametrize(("target", "file"), [("x86_64/xen", "BOOTX64.EFI"), ("arm64/xen", "BOOTAA64.EFI")])
def test_an_application_is_where_firmware_looks_for_one(folder: Path, target: str, file: str) -> None:
    made = begin(folder, "app", Machine(), target)
    assert made.image.parent == folder / "scratch"
    assert read_fat(made.image.read_bytes(), "esp").files == {f"EFI/BOOT/{file}": b"application"}


def test_secure_boot_trusts_the_certificate_of_the_test(folder: Path) -> None:
    pem = folder / "db.pem"
    pem.write_text(f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(b'der').decode()}\n-----END CERTIFICATE-----\n")
    made = begin(folder, "app", Machine(firmware="uefi-secure", enroll=pem))  # type: ignore[arg-type]
    assert made.machine == "smm=on"
    variables = folder / "scratch/app.vars"
    assert f"file={variables}" in " ".join(made.firmware)
    assert variables.read_bytes().count(b"der") == 3  # PK, KEK, db


def test_messages(folder: Path) -> None:
    (folder / "no.pem").write_text("x")
    for name, machine, message in (
        ("app", Machine(firmware="uefi-secure"), "the firmware trusts nobody"),
        ("app", Machine(firmware="uefi-secure", enroll=folder / "no.pem"), "no.pem is no certificate in PEM"),  # type: ignore[arg-type]
        ("disk", Machine(firmware="coreboot"), "board qemu-x86_64 has no firmware 'coreboot'"),
        ("parts", Machine(), "no machine boots a tar"),
    ):
        with pytest.raises(DeclarationError) as caught:
            begin(folder, name, machine)
        assert caught.value.message == message
