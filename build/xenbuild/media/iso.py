"""A CD that starts by BIOS and by UEFI, and the same file on a stick.

    xenbuild/        menu and bundle (on Arm the parts), read by GRUB from the CD's own file system
    xenbuild/*.id    an empty file of this image's name of its own
    xenbuild/bios    GRUB for a BIOS: El Torito's first image; a BIOS that sees a stick starts it by the MBR
    behind the CD    partition 1, a FAT with GRUB for every UEFI: El Torito's second image, and the stick's partition

GRUB for UEFI comes from that FAT, whose menu only looks for the CD with the right *.id.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING
from uuid import UUID

from xenbuild.formats import fat, gpt, iso9660
from xenbuild.formats.extents import Content, Extents, size_of
from xenbuild.media.grub import boot_code, core, platforms
from xenbuild.media.medium import Medium
from xenbuild.media.raw import contents, grub_menu, identity
from xenbuild.plan.action import Action, OutputOf

if TYPE_CHECKING:
    from xenbuild.media.medium import Making
    from xenbuild.plan.job import Job

MIB = 1 << 20
BIOS = "xenbuild/bios"
ALIGNED = 32 << 10  # bytes: where the partition begins, and the CD ends
LOADED = 4  # units of 512 bytes that a BIOS loads: GRUB's own first sector, which loads the rest
REST_AT, HYBRID_AT = 2548, 432  # in GRUB's image for El Torito and in its boot sector: where the rest of it is
_SEARCH = "search --no-floppy --set=root --file /xenbuild/{id}.id\nconfigfile /xenbuild/grub.cfg\n"


def plan(making: Making) -> OutputOf:
    inputs, params = contents(making)
    params |= {"label": volume(making.image.label or making.declaration.name)}
    for firmware, platform in platforms(making).items():
        format = "" if platform.file else "i386-pc-eltorito"
        inputs[f"grub-{firmware}"] = core(making, platform, "/xenbuild", format)
        if not platform.file:
            inputs["boot"] = boot_code(making, "boot_hybrid.img")
    params["loaders"] = {f"grub-{firmware}": one.file for firmware, one in platforms(making).items()}
    label = f"write the CD {making.image.name}"
    return Action(label, "xenbuild.media.iso:run", params, inputs, ("image",), size_hint=64 * MIB).output("image")


def run(job: Job) -> None:
    """Action: params and inputs as in plan() -> image."""
    name = identity(job)
    files: dict[str, Content] = {f"xenbuild/{file}": job.path(part) for part, file in job.params["files"].items()}
    files |= {f"xenbuild/{name.hex()[:32]}.id": b"", "xenbuild/grub.cfg": grub_menu(job)}
    esp: dict[str, Content] = {}
    for one, file in sorted(job.params["loaders"].items()):
        if file:
            esp[file] = job.path(one)
        else:
            files[BIOS] = job.path(one)
    cd = iso9660.Cd(files)
    boots: list[iso9660.Boot] = []
    own: dict[str, bytes] = {}
    code = b""
    if BIOS in files:
        place = cd.place(BIOS)
        boots.append(iso9660.Boot(iso9660.BIOS, place, LOADED))
        own[BIOS] = _informed(job.path("grub-bios").read_bytes(), place)
        code = _hybrid(job.path("boot").read_bytes(), place)
    out, end, parts = Extents(), cd.end, []
    if esp:
        esp["xenbuild/grub.cfg"] = _SEARCH.format(id=name.hex()[:32]).encode()
        room = -(-(sum(map(size_of, esp.values())) + MIB // 2) // MIB) * MIB
        layout = fat.fitting(room)
        first = -(-cd.end // ALIGNED) * ALIGNED
        fat.write_fat(out, first, esp, layout, "ESP", int.from_bytes(name[:4]), first // gpt.SECTOR)
        end = first + room
        boots.append(iso9660.Boot(iso9660.UEFI, first, min(room // gpt.SECTOR, 0xFFFF)))
        place = first // gpt.SECTOR
        parts = [gpt.Partition(gpt.ESP, _uuid(name, "esp"), place, place + room // gpt.SECTOR - 1, "esp")]
    size = -(-(end + gpt.TABLE * gpt.SECTOR) // ALIGNED) * ALIGNED
    cd.write(out, job.params["label"], size, boots, own)
    gpt.write_gpt(out, parts, _uuid(name, "disk"), size // gpt.SECTOR, code)
    job.put_extents("image", out, size)


def _informed(image: bytes, place: int) -> bytes:
    """GRUB's image for El Torito, which is told where it lies (grub-core/boot/i386/pc/cdboot.S, diskboot.S)."""
    total = sum(struct.unpack(f"<{(len(image) - 64) // 4}I", image[64 : len(image) // 4 * 4])) & 0xFFFFFFFF
    made = bytearray(image)
    struct.pack_into("<IIII40x", made, 8, iso9660.SYSTEM_AREA, place // iso9660.SECTOR, len(image), total)
    struct.pack_into("<Q", made, REST_AT, place // gpt.SECTOR + 5)
    return bytes(made)


def _hybrid(code: bytes, place: int) -> bytes:
    """GRUB's boot sector, which is told where the image for El Torito begins (grub-core/boot/i386/pc/boot.S)."""
    made = bytearray(code[: gpt.BOOT_CODE])
    struct.pack_into("<Q", made, HYBRID_AT, place // gpt.SECTOR + 4)
    return bytes(made)


def _uuid(name: bytes, what: str) -> UUID:
    return UUID(bytes=hashlib.sha256(name + what.encode()).digest()[:16], version=4)


def volume(text: str) -> str:
    """A text as the name of a volume: ECMA-119 knows capitals, digits and the underscore."""
    kept = "".join(c if c.isascii() and c.isalnum() else "_" for c in text.upper())
    return kept[: iso9660.LABEL] or "XENBUILD"


MEDIUM = Medium(plan, lambda arch: ".iso")
