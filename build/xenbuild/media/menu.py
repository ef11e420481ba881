"""The boot menu of every medium that has one: its lines, and GRUB's by the template grub.cfg of recipes/templates/.

The templates of all media are given the same values. An entry has the command lines in whole, for a loader that starts
Xen by its parts, and the words to tell a bundle beside its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xenbuild.compose.policy import XSM_POLICY
from xenbuild.parts.templates import fill

if TYPE_CHECKING:
    from xenbuild.compose.manifest import Manifest
    from xenbuild.media.medium import Making
    from xenbuild.plan.action import Json

SECTOR = 512
PARTS = ("xen", "kernel", "initramfs", XSM_POLICY)  # what Xen is started with, by names of the manifest


def values(making: Making) -> dict[str, Json]:
    """What a menu says, as parameters of an action."""
    menu = making.image.menu
    titles = [making.declaration.name, *(entry.title for entry in menu.entries)]
    entries: list[Json] = [_entry("machine", titles[0], making, [], [])]
    for number, entry in enumerate(menu.entries, 1):
        entries.append(_entry(f"entry{number}", entry.title, making, entry.hypervisor, entry.dom0))
    return {
        "name": making.declaration.name,
        "arch": making.declaration.target.arch,
        "timeout": int(menu.timeout),
        "default": titles.index(menu.default) if menu.default else 0,
        "consoles": list(menu.consoles),
        "entries": entries,
    }


def _entry(name: str, title: str, making: Making, hypervisor: Sequence[str], dom0: Sequence[str]) -> Json:
    return {
        "id": name,
        "title": title,
        "hypervisor": words(making.parts.hypervisor_cmdline, *hypervisor),
        "dom0": words(making.parts.kernel_cmdline, *dom0),
        "more": {"hypervisor": words(*hypervisor), "dom0": words(*dom0)},
        "words": [*hypervisor, *(["--", *dom0] if dom0 else [])],
    }


def words(*texts: str) -> list[str]:
    """The words of command lines; as for Linux, a space between double quotes ends none."""
    found, quoted = [""], False
    for c in " ".join(texts):
        if c == " " and not quoted:
            found.append("")
        else:
            quoted ^= c == '"'
            found[-1] += c
    return [word for word in found if word]


def in_bundle(manifest: Manifest) -> dict[str, str]:
    """Where GRUB finds each part in the bundle's file, which it has as a device: by their sectors."""
    return {part.name: f"(bundle){part.offset // SECTOR}+{-(-part.size // SECTOR)}" for part in manifest.parts}


def grub(template: str, given: Mapping[str, Json], bundle: str, places: Mapping[str, str], *, loopback: bool) -> str:
    """GRUB's menu by the text of grub.cfg. `places`: where it finds parts by their names; none: only the bundle.

    `loopback`: the parts lie in the bundle.
    """
    more = {"bundle": bundle, "places": {name: places.get(name, "") for name in PARTS}, "loopback": loopback}
    return fill("grub.cfg", template, {**given, **more})
