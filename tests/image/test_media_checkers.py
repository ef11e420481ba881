"""Media against other people's checkers, and against themselves: real parts, every medium, made twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from project import TOP, Project, share_packages
from signing import flipped, make_pair

from xenbuild.formats.bmap import read_bmap
from xenbuild.formats.fatread import read_fat
from xenbuild.formats.gpt import read_gpt
from xenbuild.media.build import Settings
from xenbuild.parts.compiled import COMMANDS
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.spec.load import load, target_named
from xenbuild.trust.verify import verify

pytestmark = pytest.mark.image

TARGETS = ("x86_64/xen", "arm64/xen", "armv7/xen")
Tool = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def project(settings: Settings, module_folder: Path) -> Project:
    """The showcase's media, in the session's store."""
    made = Project.of(TOP / "xenbuild.yaml", module_folder / "project", settings.store.root)
    outcome = made.run("image", "--profile", "media", *TARGETS)
    assert outcome.code == 0, outcome.err
    return made


@pytest.fixture(scope="module")
def tools(tools_group: Callable[[str], ToolsTree]) -> Tool:
    """Words that start a program of the groups for media."""

    def words(name: str) -> list[str]:
        group = "media" if name in ("qemu-img", "xorriso") else "test-media"
        return tools_group(group).argv(name)

    return words


def checked(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_disk_that_u_boots_uefi_starts(project: Project, tools: Tool, tmp_path: Path) -> None:
    """On armv7 the bundle is a UEFI application: objdump's idea of it is PE's, that of the loader is a zImage's."""
    disk = project.image("armv7-xen/disk.raw")
    assert "No problems found." in checked(*tools("sgdisk"), "-v", disk)
    esp, data = read_gpt(disk.read_bytes(), "disk").partitions
    assert (esp.name, data.name) == ("esp", "data")
    system = tmp_path / "esp"
    system.write_bytes(disk.read_bytes()[esp.offset : esp.offset + esp.size])
    checked(*tools("fsck.fat"), "-n", "-V", system)
    application = tmp_path / "BOOTARM.EFI"
    checked(*tools("mcopy"), "-i", system, "::/EFI/BOOT/BOOTARM.EFI", application)
    assert "armv7/xen" in project.run("inspect", str(application)).out
    key, certificate = tmp_path / "db.key", tmp_path / "db.pem"
    make_pair(key, certificate)
    signed = tmp_path / "signed.efi"
    checked(*tools("sbsign"), "--key", key, "--cert", certificate, "--output", signed, application)
    assert "OK" in checked(*tools("sbverify"), "--cert", certificate, signed)


@pytest.mark.parametrize("folder", ["x86_64-xen", "arm64-xen"])
def test_the_disk(folder: str, project: Project, tools: Tool, tmp_path: Path) -> None:
    disk = project.image(f"{folder}/disk.raw")
    assert "No problems found." in checked(*tools("sgdisk"), "-v", disk)
    verified = checked(*tools("sfdisk"), "--verify", disk)
    assert "No errors detected" in verified
    table = read_gpt(disk.read_bytes(), "disk")
    names = [part.name for part in table.partitions]
    assert names == [*(["bios"] if "x86" in folder else []), "esp", "xenbuild-state", "slot-a", "slot-b", "data"]
    for part in table.partitions:
        if part.name == "bios":
            continue
        system = tmp_path / part.name
        with disk.open("rb") as source, system.open("wb") as target:
            source.seek(part.offset)
            target.write(source.read(part.size))
        checked(*tools("fsck.fat"), "-n", "-V", system)
    listed = checked(*tools("mdir"), "-b", "-/", "-i", tmp_path / "esp", "::")
    assert "::/EFI/BOOT/" in listed and "::/xenbuild/grub.cfg" in listed
    copied = checked(*tools("mtype"), "-i", tmp_path / "slot-a", "::/xenbuild/menu.cfg")
    assert "menuentry showcase {" in copied and "menuentry Recovery {" in copied


def test_a_disk_that_bmaptool_copied_is_whole(
    project: Project, tools: Tool, tools_group: Callable[[str], ToolsTree], tmp_path: Path
) -> None:
    """The map says all that matters: with noise in all that it leaves out, every checker is content."""
    disk, copy = project.image("x86_64-xen/disk.raw"), tmp_path / "copy"
    library = tools_group("test-flash").root / "usr/lib/python3/dist-packages"
    words = [sys.executable, "-m", "bmaptool", "copy", "--bmap", f"{disk}.bmap", disk, copy]
    done = subprocess.run(words, env={**os.environ, "PYTHONPATH": str(library)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    image, map = disk.read_bytes(), read_bmap(Path(f"{disk}.bmap").read_bytes(), "map")
    there = bytearray(os.urandom(len(image)))
    for start, end in (map.extent(one) for one in map.ranges):
        there[start:end] = copy.read_bytes()[start:end]
    copy.write_bytes(there)
    assert map.mapped < len(image) // 4
    assert "No problems found." in checked(*tools("sgdisk"), "-v", copy)
    for part in read_gpt(there, "copy").partitions:
        if part.name != "bios":
            (tmp_path / "part").write_bytes(there[part.offset : part.offset + part.size])
            checked(*tools("fsck.fat"), "-n", "-V", tmp_path / "part")
    slot = next(part for part in read_gpt(there, "copy").partitions if part.name == "slot-b")
    one, other = (read_fat(data[slot.offset : slot.offset + slot.size], "b") for data in (there, image))
    assert one == other


@pytest.mark.parametrize(("folder", "firmware"), [("x86_64-xen", ["BIOS", "UEFI"]), ("arm64-xen", ["UEFI"])])
def test_the_cd(folder: str, firmware: list[str], project: Project, tools: Tool) -> None:
    cd = project.image(f"{folder}/cd.iso")
    printed = checked(*tools("xorriso"), "-indev", cd, "-report_el_torito", "plain", "-find", "/", "--")
    images = [line.split()[6] for line in printed.splitlines() if line.startswith("El Torito boot img :")]
    assert images == firmware
    assert "'/xenbuild/grub.cfg'" in printed
    assert "No problems found." in checked(*tools("sgdisk"), "-v", cd)


@pytest.mark.parametrize("folder", ["x86_64-xen", "arm64-xen"])
def test_virtual_disks_hold_the_bytes_of_a_disk(folder: str, project: Project, tools: Tool, tmp_path: Path) -> None:
    plain = []
    for file, form in (("cloud.qcow2", "qcow2"), ("virtual.vmdk", "vmdk")):
        disk = project.image(f"{folder}/{file}")
        report = json.loads(checked(*tools("qemu-img"), "check", "-f", form, "--output=json", disk))
        assert not report.get("corruptions") and not report.get("leaks") and not report["check-errors"]
        checked(*tools("qemu-img"), "convert", "-f", form, "-O", "raw", disk, tmp_path / form)
        plain.append((tmp_path / form).read_bytes())
    assert [p.name for p in read_gpt(plain[0], "d").partitions][-1] == "esp"
    assert len(plain[0]) == len(plain[1])


def test_the_layout_is_one_that_skopeo_takes(
    project: Project, tools_group: Callable[[str], ToolsTree], tmp_path: Path
) -> None:
    """It reads index and manifest and copies every blob, comparing the digests."""
    layout, copied = project.image("x86_64-xen/parts-oci.oci"), tmp_path / "copied"
    words = [*tools_group("test-oci").argv("skopeo"), "--insecure-policy", "copy"]
    checked(*words, f"oci:{layout}", f"dir:{copied}")
    manifest = json.loads((copied / "manifest.json").read_bytes())
    listed = {layer["annotations"]["org.opencontainers.image.title"]: layer for layer in manifest["layers"]}
    bundle = copied / listed["bundle.elf"]["digest"].removeprefix("sha256:")
    archive = project.image("x86_64-xen/parts.tar")
    assert bundle.read_bytes() == subprocess.check_output(["tar", "-xOf", archive, "parts/bundle.elf"])
    damaged = tmp_path / "damaged"
    shutil.copytree(layout, damaged)
    blob = damaged / "blobs/sha256" / bundle.name
    blob.unlink()
    blob.write_bytes(flipped(bundle.read_bytes()))
    done = subprocess.run([*words, f"oci:{damaged}", f"dir:{tmp_path / 'other'}"], capture_output=True, timeout=120)
    assert done.returncode != 0 and b"Digest did not match" in done.stderr


def test_the_application_is_one_that_signing_tools_take(project: Project, tools: Tool, tmp_path: Path) -> None:
    """sbsign signs it without complaint, and sbverify believes that signature and no other."""
    key, certificate, other = (tmp_path / name for name in ("db.key", "db.pem", "other.pem"))
    make_pair(key, certificate)
    make_pair(tmp_path / "other.key", other)
    for folder in ("x86_64-xen", "arm64-xen"):
        application = project.image(f"{folder}/application.efi")
        signed = tmp_path / "signed.efi"
        done = subprocess.run(
            [*tools("sbsign"), "--key", key, "--cert", certificate, "--output", signed, application],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "Signing Unsigned original image\n")
        assert "OK" in checked(*tools("sbverify"), "--cert", certificate, signed)


def test_our_signature_is_what_sbverify_checks(settings: Settings, tools: Tool, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    make_pair(folder / "db.key", folder / "db.pem")
    make_pair(folder / "other.key", folder / "other.pem")
    (folder / "xenbuild.yaml").write_text(
        "name: signed\nrelease: bookworm\nimages: [{name: a, medium: efi, sign: {key: db.key, certificate: db.pem}}]\n"
    )
    shutil.copy(TOP / "xenbuild.lock", folder)
    project = Project(folder, settings.store.root)
    outcome = project.run("image")
    assert outcome.code == 0, outcome.err
    image = project.image("x86_64-xen/a.efi")
    assert "OK" in checked(*tools("sbverify"), "--cert", folder / "db.pem", image)
    for changed, certificate in ((image.read_bytes(), "other.pem"), (flipped(image.read_bytes()), "db.pem")):
        (tmp_path / "changed.efi").write_bytes(changed)
        words = [*tools("sbverify"), "--cert", folder / certificate, tmp_path / "changed.efi"]
        assert subprocess.run(words, capture_output=True, timeout=60).returncode == 1
    (folder / "db.pem").write_bytes((folder / "other.pem").read_bytes())
    outcome = project.run("image")
    assert outcome.code == 3
    assert "xenbuild.yaml:3:" in outcome.complaint
    assert "the certificate db.pem is of another key than db.key" in outcome.complaint
    key = (folder / "db.key").read_text()
    assert not any(line in outcome.out + outcome.err for line in key.splitlines()[1:-1])


IMAGES = {
    "x86_64-xen": [
        "parts.tar", "parts-oci.oci", "net", "disk.raw", "cd.iso", "application.efi", "cloud.qcow2", "virtual.vmdk",
    ],
    "arm64-xen": ["card.sd", "disk.raw", "application.efi"],
}  # fmt: skip


@pytest.mark.parametrize(("folder", "name"), [(folder, name) for folder, names in IMAGES.items() for name in names])
def test_a_flipped_bit_in_a_part_is_found_in_every_medium(
    folder: str, name: str, project: Project, tmp_path: Path
) -> None:
    """Even by somebody who writes the sums anew, since manifest.json tells of the parts."""
    out = project.folder / "out" / folder
    shutil.copytree(
        out, tmp_path / folder, ignore=lambda _, names: [n for n in names if n in IMAGES[folder] and n != name]
    )
    sums = tmp_path / folder / "SHA256SUMS"
    lines = [line for line in sums.read_text().splitlines() if (tmp_path / folder / line[66:]).is_file()]
    image = tmp_path / folder / name
    chunk = _middle_of_the_kernel(out)
    files = [file for file in sorted(image.rglob("*")) if file.is_file()] if image.is_dir() else [image]
    kernel = next(file for file in files if chunk in file.read_bytes())
    content = bytearray(kernel.read_bytes())
    content[content.index(chunk)] ^= 16
    kernel.write_bytes(content)
    digest, own = sha256(content).hexdigest(), str(kernel.relative_to(tmp_path / folder))
    sums.write_text("".join(f"{digest if line[66:] == own else line[:64]}  {line[66:]}\n" for line in lines))
    verdict = verify(image, None, datetime.now(UTC))
    assert verdict.checked["sums"].endswith("files are what SHA256SUMS says")
    assert verdict.checked["parts"].startswith(f"WRONG: {image}")
    assert "kernel" in verdict.checked["parts"] or "blob" in verdict.checked["parts"]
    content[content.index(chunk[1:]) - 1] ^= 16
    kernel.write_bytes(content)
    sums.write_text("".join(f"{line}\n" for line in lines))
    assert verify(image, None, datetime.now(UTC)).checked["parts"].endswith("parts are whole")


def _middle_of_the_kernel(out: Path) -> bytes:
    """Bytes that are nowhere but in dom0's kernel; the archive has it as a file."""
    with tarfile.open(out / "parts.tar") as archive:
        data = archive.extractfile("parts/kernel")
        assert data is not None
        whole = data.read()
    return whole[len(whole) // 2 :][:64]


def test_another_store_makes_the_same_bytes(settings: Settings, project: Project, tmp_path: Path) -> None:
    """All media again, from packages alone, in another folder and at another time of day."""
    same_elsewhere(settings, project, tmp_path, "x86_64/xen")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["arm64/xen", "armv7/xen", "x86_64/hvkernel", "ia32/hvkernel"])
def test_another_store_makes_the_same_bytes_of_every_target(
    target: str, settings: Settings, project: Project, tmp_path: Path
) -> None:
    assert project.run("image", "--profile", "media", target).code == 0
    same_elsewhere(settings, project, tmp_path, target)


def same_elsewhere(settings: Settings, project: Project, tmp_path: Path, target: str) -> None:
    there = Project.of(TOP / "xenbuild.yaml", tmp_path / "a folder of another name", tmp_path / "store")
    there.environment = {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7"}
    share_packages(settings.store, there.store)
    outcome = there.run("image", "--profile", "media", target, "-j1")
    assert outcome.code == 0, outcome.err
    own = Path("out", target.replace("/", "-"))
    files, others = (
        {
            path.relative_to(folder / own)
            for path in (folder / own).rglob("*")
            if path.is_file() and "tests" not in path.parts and path.name != COMMANDS  # which names this machine
        }
        for folder in (project.folder, there.folder)
    )
    media = {one["medium"] for one in json.loads((there.folder / own / "manifest.json").read_text())["images"]}
    declared = load(
        project.folder / "xenbuild.yaml", target_named(target, project.folder / "xenbuild.yaml", ["media"]), ["media"]
    )
    assert media == {image.medium for image in declared.images}
    assert files == others
    for file in files:
        assert (there.folder / own / file).read_bytes() == (project.folder / own / file).read_bytes(), file
