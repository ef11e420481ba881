"""Every medium of the showcase boots as hardware would have it; Secure Boot takes what is signed and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from project import TOP, Project
from signing import flipped, make_pair

from xenbuild.formats.efivars import trusting
from xenbuild.media.build import Settings
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.prove.start import BOOT_FILES

pytestmark = pytest.mark.smoke
slow = pytest.mark.slow

# What the quick part shows: one boot by a BIOS and one by UEFI.
QUICK = {("x86_64/xen", "stick-bios"), ("x86_64/xen", "application"), ("ia32/hvkernel", "cd-bios")}
TESTS = {
    "x86_64/xen": [
        "disk-uefi", "disk-uefi-ia32", "fallback", "cd-bios", "cd-uefi", "cd-uefi-ia32", "stick-bios", "stick-uefi",
        "application", "cloud", "virtual", "net-bios", "net-uefi",
    ],
    "arm64/xen": ["disk-uefi", "cd-uefi", "stick-uefi", "application", "cloud", "card"],
    "armv7/xen": ["disk-uefi", "stick-uefi", "virtual", "card"],
    "x86_64/hvkernel": ["disk-bios", "cd-bios", "stick-bios", "net-bios", "cd-uefi-ia32", "disk-uefi"],
    "ia32/hvkernel": ["disk-bios", "cd-bios", "stick-bios", "net-bios", "cd-uefi-ia32"],
}  # fmt: skip
CASES = [
    pytest.param(target, name, marks=[] if (target, name) in QUICK else [slow])
    for target, names in TESTS.items()
    for name in names
]


@pytest.fixture(scope="module")
def showcase(settings: Settings, module_folder: Path) -> Project:
    return Project.of(TOP / "xenbuild.yaml", module_folder / "project", settings.store.root)


@pytest.mark.parametrize(("target", "name"), CASES)
def test_a_medium_of_the_showcase(target: str, name: str, showcase: Project) -> None:
    outcome = showcase.run("test", "--profile", "media", target, "-k", name, "--json")
    assert outcome.code == 0, outcome.out + outcome.err
    (verdict,) = json.loads(outcome.out)
    assert (verdict["target"], verdict["name"], verdict["passed"]) == (target, name, True)


def test_no_test_of_the_showcase_is_left_out() -> None:
    from xenbuild.spec.load import load, target_named

    for target, names in TESTS.items():
        file = TOP / "xenbuild.yaml"
        declared = load(file, target_named(target, file), ["media"])
        assert sorted(test.name for test in declared.tests) == sorted(names)


@pytest.fixture(scope="module")
def signed(settings: Settings, module_folder: Path) -> Path:
    """A folder with an application that is signed with db.key, and the certificates db.pem and other.pem."""
    folder = module_folder / "signed"
    folder.mkdir()
    make_pair(folder / "db.key", folder / "db.pem")
    make_pair(folder / "other.key", folder / "other.pem")
    (folder / "xenbuild.yaml").write_text(
        "name: signed\nrelease: bookworm\n"
        "images: [{name: a, medium: efi, sign: {key: db.key, certificate: db.pem}}]\n"
        "tests:\n  - name: t\n    timeout: 400s\n    machine: {firmware: uefi-secure}\n"
        "    steps: [{expect: 'dom0 ready ${nonce}'}]\n"
    )
    shutil.copy(TOP / "xenbuild.lock", folder)
    outcome = Project(folder, settings.store.root).run("image")
    assert outcome.code == 0, outcome.err
    return folder


@slow
def test_secure_boot_takes_what_is_signed(settings: Settings, signed: Path) -> None:
    outcome = Project(signed, settings.store.root).run("test")
    assert outcome.code == 0, outcome.out


@slow
@pytest.mark.parametrize("case", ["another certificate", "a flipped bit", "no signature"])
def test_secure_boot_refuses(
    case: str,
    signed: Path,
    tool: Callable[[str], list[str]],
    tools_group: Callable[[str], ToolsTree],
    tmp_path: Path,
) -> None:
    from xenbuild.prove.start import _der, _esp

    image = (signed / "out/x86_64-xen/a.efi").read_bytes()
    certificate = signed / ("other.pem" if case == "another certificate" else "db.pem")
    application = tmp_path / "a.efi"
    application.write_bytes(flipped(image) if case == "a flipped bit" else image)
    if case == "no signature":
        remove = [*tools_group("test-media").argv("sbattach"), "--remove", str(application)]
        subprocess.run(remove, check=True, capture_output=True)
    disk = _esp(application, BOOT_FILES["x86_64"], tmp_path)
    firmware = tools_group("firmware-x86").root / "usr/share/OVMF"
    variables = tmp_path / "vars"
    variables.write_bytes(trusting((firmware / "OVMF_VARS_4M.fd").read_bytes(), _der(certificate)))
    code = firmware / "OVMF_CODE_4M.secboot.fd"
    words = ["-machine", "q35,smm=on", "-m", "1024", "-display", "none", "-nic", "none", "-no-reboot", "-accel", "tcg"]
    words += ["-global", "driver=cfi.pflash01,property=secure,value=on", "-serial", f"file:{tmp_path / 'log'}"]
    words += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}"]
    words += ["-drive", f"if=pflash,unit=1,format=raw,file={variables}"]
    words += ["-drive", f"if=none,id=d,format=raw,file={disk}", "-device", "virtio-blk-pci,drive=d,bootindex=0"]
    console = until(
        [*tool("qemu-system-x86_64"), *words], tmp_path / "log", "Access Denied|Security Violation|EFI loader"
    )
    assert re.search("failed to load .*: (Access Denied|Security Violation)", console)
    assert "Xen" not in console


def until(argv: list[str], log: Path, pattern: str) -> str:
    """The console of a machine, once it has said something."""
    machine = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and machine.poll() is None:
            console = log.read_text(errors="replace") if log.exists() else ""
            if re.search(pattern, console):
                return console
            time.sleep(0.2)
        pytest.fail(f"not seen: {pattern}; the console ends with {console[-500:]!r}")
    finally:
        machine.kill()
        machine.wait()


@slow
def test_pxelinux_starts_hvkernel(showcase: Project, tool: Callable[[str], list[str]], tmp_path: Path) -> None:
    """The other boot loader of the tree; QEMU's card has iPXE, which loads what the network names."""
    assert showcase.run("image", "--profile", "media", "ia32/hvkernel").code == 0
    tree, log = showcase.image("ia32-hvkernel/net"), tmp_path / "log"
    words = ["-machine", "pc", "-cpu", "pentium2", "-m", "128", "-display", "none", "-no-reboot", "-accel", "tcg"]
    words += ["-netdev", f"user,id=n,tftp={tree},bootfile=pxelinux.0", "-device", "e1000,netdev=n"]
    console = until([*tool("qemu-system-x86_64"), *words, "-serial", f"file:{log}"], log, "xenbuild: dom0 ready")
    assert "PXELINUX" in console


@slow
def test_a_firmware_that_has_left_hyp_mode_is_told_so(
    showcase: Project, tool: Callable[[str], list[str]], tools_group: Callable[[str], ToolsTree], tmp_path: Path
) -> None:
    """EDK2 for 32-bit Arm, which takes the application back and goes on with what else it has."""
    assert showcase.run("image", "--profile", "media", "armv7/xen").code == 0
    firmware = tools_group("firmware-arm").root / "usr/share/AAVMF"
    words = ["-machine", "virt,highmem=off", "-cpu", "cortex-a15", "-m", "2048", "-display", "none", "-nic", "none"]
    words += ["-accel", "tcg", "-serial", f"file:{tmp_path / 'log'}"]
    words += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={firmware / 'AAVMF32_CODE.fd'}"]
    words += ["-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={firmware / 'AAVMF32_VARS.fd'}"]
    disk = showcase.image("armv7-xen/disk.raw")
    words += ["-drive", f"if=none,id=d,format=raw,snapshot=on,file={disk}", "-device", "virtio-blk-device,drive=d"]
    console = until([*tool("qemu-system-arm"), *words], tmp_path / "log", "failed to start Boot.*: Unsupported")
    assert "xenbuild: Xen must be started in HYP mode, which this firmware has left" in console


@slow
def test_an_application_for_arm64_is_found_by_firmware(
    showcase: Project, tool: Callable[[str], list[str]], tools_group: Callable[[str], ToolsTree], tmp_path: Path
) -> None:
    """On a disk, as hardware has it; the words of a test do not reach dom0 on this way, so there is no nonce."""
    from xenbuild.prove.start import _esp

    assert showcase.run("image", "--profile", "media", "arm64/xen").code == 0
    disk = _esp(showcase.image("arm64-xen/application.efi"), BOOT_FILES["arm64"], tmp_path)
    firmware = tools_group("firmware-arm").root / "usr/share/AAVMF"
    words = ["-machine", "virt,virtualization=on,gic-version=3,acpi=off", "-cpu", "cortex-a57", "-m", "2048"]
    words += ["-display", "none", "-nic", "none", "-no-reboot", "-accel", "tcg", "-serial", f"file:{tmp_path / 'log'}"]
    words += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={firmware / 'AAVMF_CODE.no-secboot.fd'}"]
    words += ["-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={firmware / 'AAVMF_VARS.fd'}"]
    words += ["-drive", f"if=none,id=d,format=raw,file={disk}", "-device", "virtio-blk-pci,drive=d,bootindex=0"]
    until([*tool("qemu-system-aarch64"), *words], tmp_path / "log", "xenbuild: dom0 ready")


@slow
@pytest.mark.parametrize("target", ["x86_64/xen", "arm64/xen"])
def test_the_line_that_is_chosen_is_the_one_that_starts(target: str, settings: Settings, tmp_path: Path) -> None:
    """By GRUB under BIOS and UEFI, from disk; by iPXE; by Xen's own configuration, which iPXE chooses a section of."""
    project = Project(tmp_path / "menus", settings.store.root)
    shutil.copytree(Path(__file__).with_name("menus"), project.folder, ignore=shutil.ignore_patterns("out"))
    shutil.copy(TOP / "xenbuild.lock", project.folder)
    outcome = project.run("test", target, "-j1")
    assert outcome.code == 0, outcome.out + outcome.err
