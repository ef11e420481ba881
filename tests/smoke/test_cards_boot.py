"""Cards that U-Boot starts in QEMU: each form to dom0 ready, and what U-Boot refuses."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.cli.test import firmware_folder
from xenbuild.formats.fatread import read_fat
from xenbuild.formats.fdt import DeviceTree, Node, parse_fdt, strings, write_fdt
from xenbuild.formats.fit import public_key_node
from xenbuild.media.build import Settings, build
from xenbuild.media.signed import read_key
from xenbuild.media.uboot import HINT
from xenbuild.spec.load import load, target_named

pytestmark = pytest.mark.smoke

CARDS = Path(__file__).parent / "netboot/cards.yaml"
MACHINE = ["-machine", "virt,virtualization=on,gic-version=3", "-cpu", "cortex-a57", "-m", "2048", "-nic", "none"]
DEADLINE = 240.0  # seconds
PATIENCE = 1200.0  # for a card that is read byte by byte
PARTITION = 1 << 20  # byte where it begins
READY = "xenbuild: dom0 ready c0ffee"
Tool = Callable[[str], list[str]]


def made(declaration: Path, settings: Settings, out: Path) -> dict[str, Path]:
    images, _ = build([load(declaration, target_named("arm64/xen", declaration))], settings, out)
    return {image.name: image.path for image in images}


@pytest.fixture(scope="module")
def cards(settings: Settings, module_folder: Path) -> dict[str, Path]:
    return made(CARDS, settings, module_folder / "out")


@pytest.fixture(scope="module")
def u_boot(settings: Settings) -> Path:
    folder = firmware_folder(load(CARDS, target_named("arm64/xen", CARDS)), settings, "uboot-qemu")
    return folder / "usr/lib/u-boot/qemu_arm64/u-boot.bin"


def boot(qemu: list[str], u_boot: Path, card: Path, log: Path, ending: str, *more: str) -> str:
    """The console up to `ending`."""
    drive = ["-drive", f"if=none,id=c,format=raw,snapshot=on,file={card}", "-device", "virtio-blk-pci,drive=c"]
    argv = [*qemu, *MACHINE, "-accel", "tcg", "-bios", str(u_boot), *drive, "-display", "none", *more]
    return console([*argv, "-monitor", "none", "-serial", f"file:{log}"], log, ending)


def console(argv: list[str], log: Path, ending: str, patience: float = DEADLINE) -> str:
    """What a machine says up to `ending`."""
    machine = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and machine.poll() is None:
            said = log.read_text(errors="replace") if log.exists() else ""
            if ending in said:
                return said
            time.sleep(0.2)
    finally:
        machine.kill()
        machine.wait()
    pytest.fail(f"{ending!r} not seen:\n{log.read_text(errors='replace')[-1500:]}")


def flipped(card: Path, to: Path) -> Path:
    """A copy with one bit of the kernel changed, somewhere in the middle."""
    data = bytearray(card.read_bytes())
    data[len(data) // 2] ^= 1
    to.write_bytes(data)
    return to


def test_a_fit_with_a_wrong_hash_is_refused(cards: dict[str, Path], u_boot: Path, tool: Tool, tmp_path: Path) -> None:
    bad = flipped(cards["fit"], tmp_path / "bad.sd")
    said = boot(tool("qemu-system-aarch64"), u_boot, bad, tmp_path / "log", "lab could not be started")
    assert "Bad hash value for 'hash-1' hash node in 'kernel' image node" in said
    assert "Starting kernel" not in said


def without_hdmi(node: Node) -> Node:
    """A Pi's device tree without the block at 7ef00000, which QEMU 10 neither has nor says so."""
    disabled = {"status": strings("disabled")} if node.name.partition("@")[2].startswith("7ef") else {}
    return Node(node.name, {**node.properties, **disabled}, list(map(without_hdmi, node.children)))


@pytest.mark.slow
def test_the_card_of_a_raspberry_pi_4(settings: Settings, tool: Tool, tmp_path: Path) -> None:
    """QEMU has the board without its firmware: U-Boot and the device tree are taken from the card for it."""
    (tmp_path / "xenbuild.yaml").write_text(
        CARDS.read_text().partition("images:")[0]
        + "dom0: {cmdline: [xenbuild.nonce=c0ffee]}\nimages: [{name: pi, medium: uboot, card: raspberry-pi-4}]\n"
    )
    data = made(tmp_path / "xenbuild.yaml", settings, tmp_path / "out")["pi"].read_bytes()
    files = read_fat(data[PARTITION:], "pi").files
    found = parse_fdt(files["bcm2711-rpi-4-b.dtb"])
    tree, u_boot, card = tmp_path / "pi.dtb", tmp_path / "u-boot.bin", tmp_path / "pi.sd"
    tree.write_bytes(write_fdt(DeviceTree(without_hdmi(found.root), found.reserved, found.boot_cpu)))
    u_boot.write_bytes(files["u-boot.bin"])
    card.write_bytes(data.ljust(1 << (len(data) - 1).bit_length(), b"\0"))  # a size that cards have, or QEMU refuses it
    qemu = [
        *tool("qemu-system-aarch64"),
        "-machine",
        "raspi4b",
        "-accel",
        "tcg",
        "-display",
        "none",
        "-monitor",
        "none",
    ]
    qemu += ["-kernel", str(u_boot), "-dtb", str(tree), "-drive", f"if=sd,format=raw,file={card}"]
    # The second serial port is the one on pins 14 and 15.
    said = console([*qemu, "-serial", "null", "-serial", f"file:{tmp_path / 'log'}"], tmp_path / "log", READY, PATIENCE)
    assert "with script" in said and "xenbuild: entering Xen" in said


@pytest.mark.slow
@pytest.mark.parametrize("start", ["script", "extlinux"])
def test_the_line_that_is_chosen_is_the_one_that_u_boot_starts(
    start: str, u_boot: Path, settings: Settings, tool: Tool, tmp_path: Path
) -> None:
    """The second line, by a word that dom0 repeats when it is ready."""
    menu = "{default: Rescue, entries: [{title: Rescue, hypervisor: [bootscrub=0], dom0: [xenbuild.nonce=c0ffee]}]}"
    (tmp_path / "xenbuild.yaml").write_text(
        CARDS.read_text().partition("images:")[0]
        + f"images: [{{name: card, medium: uboot, start: {start}, menu: {menu}}}]\n"
    )
    card = made(tmp_path / "xenbuild.yaml", settings, tmp_path / "out")["card"]
    boot(tool("qemu-system-aarch64"), u_boot, card, tmp_path / "log", READY)


@pytest.mark.slow
def test_every_form_boots(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "cards"
    folder.mkdir()
    shutil.copy(CARDS, folder / "xenbuild.yaml")
    shutil.copy(TOP / "xenbuild.lock", folder)
    outcome = Project(folder, settings.store.root).run("test", "--all", "-j1")
    assert outcome.code == 0, outcome.out
    assert outcome.out.endswith("6 of 6 tests passed\n")


@pytest.fixture(scope="module")
def signing(module_folder: Path) -> Path:
    """A folder with a key, its certificate, and a declaration of a card that is signed with it."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    folder = module_folder / "signing"
    folder.mkdir()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "fit.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cards")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(9))
    (folder / "fit.pem").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(pem))
    text = CARDS.read_text().partition("images:")[0]
    text += "images:\n  - {name: fit, medium: uboot, sign: {key: fit.key, certificate: fit.pem}}\n"
    (folder / "xenbuild.yaml").write_text(text)
    return folder


@pytest.mark.slow
def test_u_boot_with_a_key_starts_what_is_signed_and_nothing_else(
    signing: Path, cards: dict[str, Path], settings: Settings, u_boot: Path, tool: Tool, tmp_path: Path
) -> None:
    """QEMU hands U-Boot its device tree: here with the public key in it."""
    signed = made(signing / "xenbuild.yaml", settings, tmp_path / "out")["fit"]
    qemu, tree = tool("qemu-system-aarch64"), tmp_path / "machine.dtb"
    machine = [*MACHINE[:1], f"{MACHINE[1]},dumpdtb={tree}", *MACHINE[2:]]
    subprocess.run([*qemu, *machine, "-display", "none", "-bios", str(u_boot)], check=True)
    found = parse_fdt(tree.read_bytes())
    key = read_key(signing / "fit.key")
    public = public_key_node(key.public_key().public_numbers().n, key.key_size, HINT)
    root = Node("", found.root.properties, [*found.root.children, Node("signature", children=[public])])
    tree.write_bytes(write_fdt(DeviceTree(root, found.reserved, found.boot_cpu)))
    trusting = ["-dtb", str(tree)]
    said = boot(qemu, u_boot, signed, tmp_path / "signed", "Starting kernel", *trusting)
    assert f"sha256,rsa2048:{HINT}+ sha256+ OK" in said
    for name, card in (("unsigned", cards["fit"]), ("flipped", flipped(signed, tmp_path / "flipped.sd"))):
        said = boot(qemu, u_boot, card, tmp_path / name, "lab could not be started", *trusting)
        assert "Starting kernel" not in said
