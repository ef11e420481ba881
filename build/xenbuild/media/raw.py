"""A disk: one GUID partition table, started by BIOS and by UEFI from the same bytes.

    sector 0         MBR: GRUB's boot code for a BIOS
    1: bios          GRUB's core image for a BIOS, which the boot code loads
    2: esp           EFI/BOOT/*.EFI: GRUB for every UEFI; xenbuild/: menu and bundle, on arm64 the parts;
                     on armv7 the bundle alone, which is a UEFI application
    with slots, menu and bundle are instead in:
    3: state         which copy is started, how often it may still fail
    4, 5: a, b       the two copies
    last: data       the partition for data

Only the parts that are there have a number. Identifiers are made of the content's digest.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from xenbuild.compose.manifest import Manifest
from xenbuild.compose.policy import XSM_POLICY
from xenbuild.errors import DeclarationError
from xenbuild.formats import fat, gpt
from xenbuild.formats.extents import Content, Extents, size_of
from xenbuild.media import menu
from xenbuild.media.grub import boot_code, core, platforms
from xenbuild.media.medium import Medium
from xenbuild.parts import templates
from xenbuild.plan.action import Action, Input, Json, OutputOf, canonical_json

if TYPE_CHECKING:
    from xenbuild.media.medium import Making
    from xenbuild.plan.job import Job

MIB = 1 << 20
FOLDER = "/xenbuild"  # on a medium: what GRUB finds
SLOT = "xenbuild.slot=$slot xenbuild.disk=$disk xenbuild.state=$sector panic=10"  # words for dom0, in GRUB's language
STATE = b"# GRUB Environment Block\n"
DIRECT = {"armv7": "EFI/BOOT/BOOTARM.EFI"}  # where the bundle is what the firmware starts, without GRUB
STATE_SIZE = 1024  # bytes, as GRUB has it
BOOT_SECTOR_AT, DRIVE_CHECK_AT, BLOCKS_AT = 0x5C, 0x66, 500  # in GRUB's boot.img and in the first sector of its core


def plan(making: Making) -> OutputOf:
    inputs, params = wanted(making)
    label = f"write the disk {making.image.name}"
    return Action(label, "xenbuild.media.raw:run", params, inputs, ("image",), size_hint=64 * MIB).output("image")


def wanted(making: Making) -> tuple[dict[str, Input], Json]:
    """Inputs and params of what lays out the disk."""
    arch = making.declaration.target.arch
    inputs, params = _direct(making, DIRECT[arch]) if arch in DIRECT else _by_grub(making)
    image, slots = making.image, making.image.slots
    params |= {
        "label": image.label or making.declaration.name,
        "data": {"size": image.data.size, "label": image.data.label, "format": image.data.format}
        if image.data
        else None,
        "tries": slots.tries if slots else 0,
        "slots template": templates.source("slots.cfg", making.declaration.folder) if slots else "",
    }
    return inputs, params


def _direct(making: Making, file: str) -> tuple[dict[str, Input], Json]:
    return {"bundle": making.bundle}, {"files": {}, "loaders": {"bundle": file}}


def _by_grub(making: Making) -> tuple[dict[str, Input], Json]:
    inputs, params = contents(making)
    for firmware, platform in platforms(making).items():
        prefix = "/xenbuild" if platform.file else "(,gpt2)/xenbuild"
        inputs[f"grub-{firmware}"] = core(making, platform, prefix)
        if not platform.file:
            inputs["boot"] = boot_code(making, "boot.img")
    return inputs, {**params, "loaders": {f"grub-{name}": one.file for name, one in platforms(making).items()}}


def contents(making: Making) -> tuple[dict[str, Input], Json]:
    """What GRUB starts, as inputs; as params its menu, and the names of these files on a medium."""
    require_dom0(making)
    slots = making.image.slots is not None
    params: Json = {
        "template": templates.source("grub.cfg", making.declaration.folder),
        "menu": {**menu.values(making), "slots": slots, "slot": SLOT if slots else ""},
    }
    if making.declaration.target.arch in ("x86_64", "ia32"):
        whole: dict[str, Input] = {"manifest": making.compose.output("manifest"), "bundle": making.bundle}
        params |= {"files": {"bundle": "bundle.elf"}, "apart": making.declaration.target.hypervisor == "xen"}
        return whole, params
    own = making.parts
    parts = {"xen": own.hypervisor, "kernel": own.kernel, "initramfs": own.initramfs, XSM_POLICY: own.xsm_policy}
    files = {name: part for name, part in parts.items() if part is not None}
    return files, {**params, "files": {name: name for name in files}}


def grub_menu(job: Job) -> bytes:
    """The text of GRUB's menu; params and inputs are those of contents()."""
    files = {name: f"{FOLDER}/{file}" for name, file in job.params["files"].items()}
    bundle = files.get("bundle", "")
    if bundle:  # UEFI has Xen as an application of its own, and hvkernel by GRUB alone
        manifest = Manifest.from_bytes(job.path("manifest").read_bytes(), "the bundle")
        files = menu.in_bundle(manifest) if job.params["apart"] else {}
    return menu.grub(job.params["template"], job.params["menu"], bundle, files, loopback=bool(bundle)).encode()


def require_dom0(making: Making) -> None:
    """Raises DeclarationError for guests that Xen starts: by UEFI it learns of them from nobody."""
    by_xen = [name for name, domain in making.declaration.domains.items() if domain.start == "dom0less"]
    if by_xen or making.parts.kernel is None:
        image = making.image
        message = f"medium {image.medium}: Xen that UEFI has started starts no guests by itself"
        raise DeclarationError(message, at=image.at("medium"), advice="use the bundle, or a medium for U-Boot")


def run(job: Job) -> None:
    """Action: params and inputs as in plan() -> image."""
    job.put_extents("image", *laid(job))


def laid(job: Job) -> tuple[Extents, int]:
    """What the disk consists of, and its size in bytes; the job has params and inputs as in plan()."""
    disk = _Disk(identity(job))
    loaders: dict[str, Content] = {}
    for name, file in sorted(job.params["loaders"].items()):
        if file:
            loaders[file] = job.path(name)
        else:
            disk.bios(job.path(name), job.path("boot"))
    text = {"xenbuild/grub.cfg": grub_menu(job)} if job.params["files"] else {}
    copy: dict[str, Content] = {f"xenbuild/{file}": job.path(name) for name, file in job.params["files"].items()}
    label = fat.label_of(job.params["label"])
    tries = job.params["tries"]
    if not tries:
        disk.fat("esp", gpt.ESP, {**loaders, **copy, **text}, label)
    else:
        esp = len(disk.rows) + 1
        numbers = {"state": esp + 1, "a": esp + 2, "b": esp + 3}
        choice = templates.fill("slots.cfg", job.params["slots template"], {**job.params["menu"], **numbers})
        disk.fat("esp", gpt.ESP, {**loaders, "xenbuild/grub.cfg": choice.encode()}, label)
        disk.state(tries)
        size = sum(map(size_of, copy.values()))
        copy["xenbuild/menu.cfg"] = text["xenbuild/grub.cfg"]
        for name in ("a", "b"):  # with room for a bundle that is twice as large
            disk.fat(f"slot-{name}", gpt.BASIC_DATA, copy, f"SLOT {name.upper()}", size)
    if data := job.params["data"]:
        disk.data(data["label"], data["size"], data["format"])
    return disk.laid()


def identity(job: Job) -> bytes:
    """What identifiers of an image are made of: digests of all that is in it."""
    inputs = {name: job.digest(name).hash for name in sorted(job.inputs)}
    return hashlib.sha256(canonical_json([job.params, inputs]).encode()).digest()


@dataclass(slots=True)
class _Row:
    """A partition to be: its name, kind and length in sectors, and how it is filled."""

    name: str
    kind: UUID
    sectors: int
    files: dict[str, Content] | None = None
    layout: fat.Layout | None = None
    label: str = ""
    raw: bytes = b""


@dataclass(slots=True)
class _Disk:
    """Partitions in their order, until they are written."""

    identity: bytes
    rows: list[_Row] = field(default_factory=list)
    boot_image: bytes = b""

    def bios(self, core_image: Path, boot_image: Path) -> None:
        self.boot_image = boot_image.read_bytes()
        raw = core_image.read_bytes()
        self.rows.append(_Row("bios", gpt.BIOS_BOOT, _sectors(len(raw)), raw=raw))

    def fat(self, name: str, kind: UUID, files: dict[str, Content], label: str, room: int = 0) -> None:
        layout = fat.smallest(files, room)
        self.rows.append(_Row(name, kind, _sectors(layout.size), files, layout, label))

    def state(self, tries: int) -> None:
        """GRUB's environment block (grub-editenv(1)), which GRUB wants in a file. dom0 is told its sector."""
        layout = fat.fitting(MIB)
        full, disk = "1" * tries, self.identity.hex()[:16]
        block = STATE + f"slot=a\ntries={full}\nfull={full}\ndisk={disk}\nsector={layout.data}\n".encode()
        files: dict[str, Content] = {"grubenv": block.ljust(STATE_SIZE, b"#")}
        self.rows.append(_Row("xenbuild-state", gpt.LINUX, MIB // gpt.SECTOR, files, layout, "STATE"))

    def data(self, label: str, size: int, form: str) -> None:
        sectors = _sectors(size)
        if form == "none":
            self.rows.append(_Row(label, gpt.LINUX, sectors))
        else:
            layout = fat.fitting(sectors * gpt.SECTOR)
            self.rows.append(_Row(label, gpt.BASIC_DATA, sectors, {}, layout, fat.label_of(label)))

    def laid(self) -> tuple[Extents, int]:
        """What the disk consists of, and its size in bytes."""
        places = list(self._places())
        sectors = gpt.sectors_for(places[-1].last)
        out = Extents()
        gpt.write_gpt(out, places, self._uuid("disk"), sectors, self._boot_code(places))
        for row, place in zip(self.rows, places, strict=True):
            if row.raw:
                out.seek(place.offset)
                out.write(_core_at(row.raw, place.first) if row.kind == gpt.BIOS_BOOT else row.raw)
            elif row.layout is not None and row.files is not None:
                serial = int.from_bytes(self._uuid(f"{row.name} serial").bytes[:4])
                fat.write_fat(out, place.offset, row.files, row.layout, row.label, serial, place.first)
        return out, sectors * gpt.SECTOR

    def _places(self) -> Iterator[gpt.Partition]:
        start = gpt.ALIGNMENT
        for row in self.rows:
            last = start + row.sectors - 1
            yield gpt.Partition(row.kind, self._uuid(row.name), start, last, row.name)
            start = gpt.aligned(last + 1)

    def _boot_code(self, places: list[gpt.Partition]) -> bytes:
        """GRUB's boot sector, which is told where the core image begins (grub-core/boot/i386/pc/boot.S)."""
        if not self.boot_image:
            return b""
        code = bytearray(self.boot_image[: gpt.BOOT_CODE])
        struct.pack_into("<Q", code, BOOT_SECTOR_AT, places[0].first)
        code[DRIVE_CHECK_AT : DRIVE_CHECK_AT + 2] = b"\x90\x90"  # believe the BIOS which drive it is
        return bytes(code)

    def _uuid(self, name: str) -> UUID:
        return UUID(bytes=hashlib.sha256(self.identity + name.encode()).digest()[:16], version=4)


def _core_at(core_image: bytes, sector: int) -> bytes:
    """The core image, which is told where the rest of it lies (grub-core/boot/i386/pc/diskboot.S)."""
    code = bytearray(core_image)
    struct.pack_into("<Q", code, BLOCKS_AT, sector + 1)
    return bytes(code)


def _sectors(size: int) -> int:
    """Whole MiB, in sectors."""
    return -(-size // MIB) * MIB // gpt.SECTOR


MEDIUM = Medium(plan, lambda arch: ".raw", mapped=True)
