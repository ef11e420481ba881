"""A CD that starts by BIOS and by UEFI, and the same file on a stick.

    xenbuild/        menu and bundle (on Arm the parts), read by GRUB from the CD's own file system
    xenbuild/*.id    an empty file of this image's name of its own
    xenbuild/bios    GRUB for a BIOS: El Torito's first image; a BIOS that sees a stick starts it by the MBR
    behind the CD    partition 2, a FAT with GRUB for every UEFI: El Torito's second image, and the stick's partition

GRUB for UEFI comes from that FAT, whose menu only looks for the CD with the right *.id. xorriso writes the CD and the
partition table.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from uuid import UUID

from xenbuild.formats import fat, gpt
from xenbuild.formats.extents import Content, size_of
from xenbuild.media.grub import boot_code, core, platforms
from xenbuild.media.medium import Medium
from xenbuild.media.raw import contents, grub_menu, identity
from xenbuild.plan.action import Action, OutputOf

if TYPE_CHECKING:
    from pathlib import Path

    from xenbuild.media.medium import Making
    from xenbuild.plan.job import Job

MIB = 1 << 20
DATE = "1970010100000100"  # of all there is: SOURCE_DATE_EPOCH is 1, the last two digits are of a second's fraction
LABEL = 32  # characters of a volume's name (ECMA-119, 8.4.10)
_SEARCH = "search --no-floppy --set=root --file /xenbuild/{id}.id\nconfigfile /xenbuild/grub.cfg\n"


def plan(making: Making) -> OutputOf:
    inputs, params = contents(making)
    inputs["tools"] = making.tools("media")
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
    from xenbuild.parts.toolstree import ToolsTree

    name = identity(job)
    tree = job.folder / "tree" / "xenbuild"
    tree.mkdir(parents=True)
    for part, file in job.params["files"].items():
        (tree / file).symlink_to(job.path(part))
    (tree / f"{name.hex()[:32]}.id").write_bytes(b"")
    (tree / "grub.cfg").write_bytes(grub_menu(job))
    words = ["-as", "mkisofs", "-quiet", "-f", "-R", "-J", "-V", job.params["label"], "-o", str(job.out("image"))]
    words += [f"--modification-date={DATE}", "--set_all_file_dates", DATE]
    words += ["--gpt_disk_guid", str(UUID(bytes=hashlib.sha256(name).digest()[:16], version=4))]
    esp: dict[str, Content] = {}
    for one, file in sorted(job.params["loaders"].items()):
        if file:
            esp[file] = job.path(one)
        else:
            # xorriso writes into it where it lies on the CD, so it needs a file of its own.
            (tree / "bios").write_bytes(job.path(one).read_bytes())
            words += ["-b", "xenbuild/bios", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table"]
            words += ["--grub2-boot-info", "--grub2-mbr", str(job.path("boot"))]
    if esp:
        image = job.folder / "esp"
        _write_esp(image, esp | {"xenbuild/grub.cfg": _SEARCH.format(id=name.hex()[:32]).encode()}, name)
        words += ["-append_partition", "2", str(gpt.ESP), str(image), "-appended_part_as_gpt", "-eltorito-alt-boot"]
        words += ["-e", "--interval:appended_partition_2:all::", "-no-emul-boot"]
    job.run([*ToolsTree(job.path("tools")).argv("xorriso"), *words, str(tree.parent)])


def volume(text: str) -> str:
    """A text as the name of a volume: ECMA-119 knows capitals, digits and the underscore."""
    kept = "".join(c if c.isascii() and c.isalnum() else "_" for c in text.upper())
    return kept[:LABEL] or "XENBUILD"


def _write_esp(path: Path, files: dict[str, Content], name: bytes) -> None:
    size = sum(map(size_of, files.values()))
    layout = fat.fitting(-(-(size + MIB // 2) // MIB) * MIB)
    with path.open("wb") as file:
        fat.write_fat(file, 0, files, layout, "ESP", int.from_bytes(name[:4]))
        file.truncate(layout.size)


MEDIUM = Medium(plan, lambda arch: ".iso")
