"""GRUB's images: one program for each firmware, with all modules in it that the menu needs.

Debian's packages have the modules; grub-mkimage links them. No module is loaded later, so nothing else of GRUB has to
be on a medium.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xenbuild.errors import FormatError
from xenbuild.plan.action import Action, Json, OutputOf
from xenbuild.store.tree import FileEntry

if TYPE_CHECKING:
    from xenbuild.media.medium import Making
    from xenbuild.plan.job import Job

_COMMON = [
    "normal", "configfile", "part_gpt", "part_msdos", "fat", "iso9660", "search", "search_fs_file", "serial",
    "terminal", "echo", "test", "true", "regexp", "smbios", "loadenv", "boot", "sleep", "reboot", "halt", "ls", "gzio",
]  # fmt: skip
_X86 = [*_COMMON, "multiboot2", "loopback", "all_video"]


@dataclass(frozen=True, slots=True)
class Platform:
    """A firmware that GRUB runs on: grub-mkimage's name of it, where it looks for the image, and the modules."""

    format: str
    file: str  # of the EFI system partition; "" for a BIOS
    modules: tuple[str, ...]


# By architecture, and by the firmware's name in recipes/capabilities.yaml.
PLATFORMS = {
    "x86_64": {
        "bios": Platform("i386-pc", "", (*_X86, "biosdisk")),
        "uefi": Platform("x86_64-efi", "EFI/BOOT/BOOTX64.EFI", tuple(_X86)),
        "uefi-ia32": Platform("i386-efi", "EFI/BOOT/BOOTIA32.EFI", tuple(_X86)),
    },
    "ia32": {
        "bios": Platform("i386-pc", "", (*_X86, "biosdisk")),
        "uefi-ia32": Platform("i386-efi", "EFI/BOOT/BOOTIA32.EFI", tuple(_X86)),
    },
    "arm64": {
        "uefi": Platform("arm64-efi", "EFI/BOOT/BOOTAA64.EFI", (*_COMMON, "xen_boot", "fdt", "all_video")),
    },
}
FOLDER = "usr/lib/grub"  # in the packages: one folder a platform
GROUPS = {"x86_64": "grub-x86", "ia32": "grub-x86", "arm64": "grub-arm64"}  # of the tools: where the modules are


def platforms(making: Making) -> dict[str, Platform]:
    """The platforms that an image has to start on, by firmware."""
    known = PLATFORMS[making.declaration.target.arch]
    return {name: known[name] for name in making.firmware}


def core(making: Making, platform: Platform, prefix: str, format: str = "", config: str = "") -> OutputOf:
    """GRUB for a platform. `prefix`: where grub.cfg is; `config`: commands that come before it."""
    params: Json = {
        "format": format or platform.format,
        "modules": list(platform.modules),
        "folder": f"{FOLDER}/{platform.format}",
        "prefix": prefix,
        "config": config,
    }
    return linked(making, f"link GRUB for {platform.format}", params, GROUPS[making.declaration.target.arch])


def linked(making: Making, label: str, params: Json, group: str) -> OutputOf:
    """GRUB as one file: `params` as in run(), and the group of the tools that has the modules."""
    inputs = {"tools": making.tools("media"), "modules": making.tools(group)}
    return Action(label, "xenbuild.media.grub:run", params, inputs, ("core",)).output("core")


def boot_code(making: Making, name: str) -> OutputOf:
    """A file of GRUB for a BIOS: the code of a boot sector."""
    inputs = {"modules": making.tools(GROUPS["x86_64"])}
    params = {"file": f"{FOLDER}/i386-pc/{name}"}
    return Action(f"take GRUB's {name}", "xenbuild.media.grub:pick", params, inputs, ("file",)).output("file")


def pick(job: Job) -> None:
    """Action: params file (a path); input modules, a tree -> file."""
    entry = job.tree("modules").get(job.params["file"])
    if not isinstance(entry, FileEntry):
        raise FormatError(f"no package holds {job.params['file']}", advice="correct recipes/tools.yaml")
    job.put_file("file", entry.digest)


def run(job: Job) -> None:
    """Action: inputs tools (grub-mkimage), modules -> core.

    params: format, folder (of the modules in their tree), modules, prefix, config.
    """
    from xenbuild.parts.toolstree import ToolsTree

    params = job.params
    words: list[str] = []
    if params["config"]:
        early = job.folder / "early.cfg"
        early.write_text(params["config"])
        words = ["-c", str(early)]
    folder = job.path("modules") / params["folder"]
    program = ToolsTree(job.path("tools")).argv("grub-mkimage")
    where = ["-O", params["format"], "-d", str(folder), "-p", params["prefix"], "-o", str(job.out("core"))]
    job.run([*program, *where, *words, *params["modules"]])
