"""The boot menu: GRUB's configuration, by the templates grub.cfg and slots.cfg of recipes/templates/."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.compose.policy import XSM_POLICY
from xenbuild.errors import DeclarationError
from xenbuild.spec.data import data_dir

if TYPE_CHECKING:
    from jinja2 import Template

    from xenbuild.compose.manifest import Manifest
    from xenbuild.media.medium import Making
    from xenbuild.plan.action import Json
    from xenbuild.spec.image import Entry

SECTOR = 512
_PLAIN = re.compile(r"[A-Za-z0-9_./:,=+@%^~-]+")


def template(name: str, folder: Path) -> str:
    """A template's text; one in recipes/templates/ beside the declaration (in `folder`) goes first."""
    places = [folder / "recipes" / "templates", data_dir("recipes") / "templates"]
    return next(place / name for place in places if (place / name).is_file()).read_text("utf-8")


def values(making: Making, folder: str = "/xenbuild") -> Json:
    """What the menu says, as parameters of an action; `folder` is where GRUB finds the files."""
    menu, slots = making.image.menu, making.image.slots
    titles = [making.declaration.name, *(entry.title for entry in menu.entries)]
    words = "xenbuild.slot=$slot xenbuild.disk=$disk xenbuild.state=$sector panic=10" if slots else ""
    return {
        "template": template("grub.cfg", making.declaration.folder),
        "arch": making.declaration.target.arch,
        "folder": folder,
        "timeout": int(menu.timeout),
        "default": titles.index(menu.default) if menu.default else 0,
        "serial": "serial" in menu.consoles,
        "vga": "vga" in menu.consoles,
        "hypervisor": quoted(making.parts.hypervisor_cmdline.split()),
        "dom0": quoted(making.parts.kernel_cmdline.split()),
        "entries": [{"title": titles[0], "hypervisor": "", "dom0": ""}, *map(_entry, menu.entries)],
        "slots": bool(slots),
        "slot": words,
    }


def render(params: Mapping[str, Json], manifest: Manifest) -> bytes:
    """The menu's text: `params` as of values(), and where the parts lie in the bundle."""
    sectors = {part.name: f"{part.offset // SECTOR}+{-(-part.size // SECTOR)}" for part in manifest.parts}
    names = {part.name for part in manifest.parts}
    more = {
        "sectors": sectors,
        "kernel": "kernel" in names,
        "initramfs": "initramfs" in names,
        "policy": XSM_POLICY in names,
    }
    return fill(params["template"], {**params, **more})


def fill(text: str, given: Mapping[str, object]) -> bytes:
    """A template with values in it. Raises DeclarationError for one that does not fit them."""
    from jinja2 import TemplateError

    try:
        return _compiled(text).render(**given).encode()
    except TemplateError as error:
        first = text.partition("\n")[0]
        advice = "a template in recipes/templates/ beside the declaration goes before the project's own"
        raise DeclarationError(f"the template that begins with {first!r}: {error}", advice=advice) from error


@cache
def _compiled(text: str) -> Template:
    """Several media of a build share a template."""
    from jinja2 import Environment, StrictUndefined

    jinja = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    jinja.filters["grub"] = lambda value: quoted([str(value)])
    return jinja.from_string(text)


def quoted(words: Sequence[str]) -> str:
    """Words in the syntax of GRUB's scripts, where single quotes keep everything but themselves."""
    return " ".join(word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'" for word in words)


def _entry(entry: Entry) -> Json:
    return {
        "title": entry.title,
        "hypervisor": quoted([one for word in entry.hypervisor for one in word.split()]),
        "dom0": quoted([one for word in entry.dom0 for one in word.split()]),
    }
