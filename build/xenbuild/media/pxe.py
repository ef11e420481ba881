"""A tree for booting from the network: the same machine for pxelinux, GRUB, iPXE, UEFI's HTTP boot and U-Boot.

Under BIOS and U-Boot every menu names the bundle alone. UEFI has left nothing for the bundle's loader to enter Xen
with, so there Xen starts as a UEFI application (which reads its parts from iPXE) or by GRUB, part by part.
All paths in the menus are relative: the tree works in any folder of a TFTP or HTTP server. `netboot.json` says which
machine is to be given which file, by the recipe recipes/netboot.yaml; `xenbuild serve` obeys it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from xenbuild.compose.policy import XSM_POLICY
from xenbuild.media.medium import Medium

if TYPE_CHECKING:
    from collections.abc import Collection

    from xenbuild.media.medium import Making
    from xenbuild.plan.action import Input, Json, OutputOf
    from xenbuild.plan.job import Job
    from xenbuild.spec.netboot import GrubImage, Netboot

MANIFEST = "netboot.json"
U_BOOT = ("arm64", "armv7")  # architectures whose boards have U-Boot
MACHINES = {"ia32": "x86_64"}  # architecture of an image -> that of the machines that start it, if it is another


def plan(making: Making) -> OutputOf:
    from xenbuild.plan.action import Action
    from xenbuild.spec.netboot import load_netboot

    recipe = load_netboot(making.declaration.folder)
    arch = _machines(making)
    parts = _uefi_parts(making)
    inputs: dict[str, Input] = {"bundle": making.bundle, **{f"part-{name}": part for name, part in parts.items()}}
    copied = recipe.files.get(arch)
    if copied is not None:
        inputs["files"] = making.tools(copied.group)
    images = {name: image for name, image in recipe.grub.items() if image.arch == arch and parts}
    for name, image in images.items():
        inputs[f"grub-{name}"] = _grub(making, name, image)
    texts = _texts(making, parts)
    copy = dict(copied.copy) if copied else {}
    names = {_bundle_name(making), *(f"efi/{name}" for name in parts), *texts, *copy, *images, MANIFEST}
    params = {
        "bundle": _bundle_name(making),
        "copy": copy,
        "grub": list(images),
        "texts": {**texts, MANIFEST: _manifest(recipe, arch, names)},
    }
    label = f"network tree {making.image.name}"
    return Action(label, "xenbuild.media.pxe:run", params, inputs, ("tree",)).output("tree")


def _machines(making: Making) -> str:
    arch = making.declaration.target.arch
    return MACHINES.get(arch, arch)


def _grub(making: Making, name: str, image: GrubImage) -> OutputOf:
    """GRUB that looks for its menu where it was loaded from."""
    from xenbuild.media.grub import linked

    params: Json = {
        "format": image.format,
        "modules": list(image.modules),
        "folder": image.folder,
        "prefix": "",
        "config": "",
    }
    return linked(making, f"link GRUB as {name}", params, image.group)


def _bundle_name(making: Making) -> str:
    from xenbuild.compose.bundle import FORMATS

    return f"{making.image.name}{FORMATS[making.declaration.target.arch].suffix}"


def _uefi_parts(making: Making) -> dict[str, Input]:
    """What UEFI machines are sent, by name below efi/; nothing where Xen is not started with a dom0 beside it."""
    declaration, parts = making.declaration, making.parts
    arch = declaration.target.arch
    if parts.kernel is None or parts.initramfs is None or arch == "armv7" or making.firmware == ("bios",):
        return {}
    if any(domain.start == "dom0less" for domain in declaration.domains.values()):
        return {}
    found: dict[str, Input] = {"kernel": parts.kernel, "initramfs": parts.initramfs}
    if parts.xsm_policy is not None:
        found[XSM_POLICY] = parts.xsm_policy
    if arch == "arm64":
        return {"xen.efi": parts.hypervisor, **found}  # one file is Image and UEFI application
    found["xen"] = parts.hypervisor
    if declaration.hypervisor.file is None:
        found["xen.efi"] = making.hypervisor_efi()
    return found


def _texts(making: Making, parts: Collection[str]) -> dict[str, str]:
    """Menus and configurations by their names in the tree; `parts` are the names below efi/."""
    from xenbuild.media import menu
    from xenbuild.parts.templates import render, source

    folder, arch, bundle = making.declaration.folder, _machines(making), _bundle_name(making)
    values: dict[str, Any] = {
        **menu.values(making),
        "arch": arch,
        "bundle": bundle if arch == "x86_64" else "",
        "parts": "xen.efi" in parts,
        "initramfs": "initramfs" in parts,
        "policy": XSM_POLICY in parts,
    }
    language = {**values, "loader": "u-boot" if arch in U_BOOT else "pxelinux", "bundle": bundle}
    found = {"pxelinux.cfg/default": render("netboot.pxelinux", folder, **language)}
    if values["bundle"] or values["parts"]:
        found["boot.ipxe"] = render("netboot.ipxe", folder, **values)
    if values["parts"]:
        found["efi/xen.cfg"] = render("xen.cfg", folder, **values)
    if parts:
        places = {name: f"$prefix/efi/{name}" for name in parts}
        places.setdefault("xen", "$prefix/efi/xen.efi")
        given = {**values, "slots": False, "slot": ""}
        found["grub.cfg"] = menu.grub(source("grub.cfg", folder), given, f"$prefix/{bundle}", places, loopback=False)
    return found


def _manifest(recipe: Netboot, arch: str, names: set[str]) -> str:
    """The loaders that this tree has, with what each client of this architecture is given."""
    clients = {name: client for name, client in recipe.clients.items() if client.arch == arch}
    loaders: list[dict[str, Any]] = []
    for name, loader in recipe.loaders.items():
        files = {client: file for client, file in loader.files.items() if client in clients and file in names}
        if loader.script is not None and loader.script not in names:
            continue
        if "efi/xen.efi" not in names and loader.script is not None:
            files = {client: file for client, file in files.items() if client == "bios"}
        if files:
            loaders.append({"name": name, "files": files, "script": loader.script, "proxy": loader.proxy})
    content = {
        "arch": arch,
        "clients": {n: {"codes": c.codes, "http": c.http, "help": c.help} for n, c in clients.items()},
        "loaders": loaders,
    }
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def run(job: Job) -> None:
    """Action: the tree.

    params: bundle (its name), copy (name -> place in `files`), grub (names), texts.
    inputs: bundle, part-NAME (files below efi/), files, grub-NAME.  output: tree.
    """
    from xenbuild.errors import FormatError
    from xenbuild.store.tree import Entry, FileEntry, Tree

    entries: dict[str, Entry] = {job.params["bundle"]: FileEntry(job.digest("bundle"))}
    for name in job.inputs:
        if name.startswith("part-"):
            entries[f"efi/{name.removeprefix('part-')}"] = FileEntry(job.digest(name))
    if job.params["copy"]:
        packages = job.tree("files")
        for name, place in job.params["copy"].items():
            entry = packages.get(place)
            if not isinstance(entry, FileEntry):
                raise FormatError(f"no package holds {place}", advice="correct recipes/netboot.yaml")
            entries[name] = FileEntry(entry.digest)
    for name in job.params["grub"]:
        entries[name] = FileEntry(job.digest(f"grub-{name}"))
    for name, text in job.params["texts"].items():
        entries[name] = FileEntry(job.store.put_bytes(text.encode()))
    job.put_tree("tree", Tree(entries))


MEDIUM = Medium(plan, None)
