"""What is served: the network trees of finished images, and which file each kind of client is told to take."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xenbuild.errors import DeclarationError, FormatError
from xenbuild.media.pxe import MANIFEST
from xenbuild.media.results import Image


@dataclass(frozen=True, slots=True)
class Tree:
    """A network tree: `path` is where it lies, `place` its folder on the server, "x86_64-xen/lab"."""

    target: str
    name: str
    path: Path
    place: str
    manifest: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """What one kind of client is told to take; paths are the server's, `script` is for iPXE."""

    client: str
    codes: tuple[int, ...]
    http: bool
    help: str
    loader: str
    file: str
    script: str | None


def trees(images: Iterable[Image], wanted: str | None) -> list[Tree]:
    """The network trees among images, one a target. Raises DeclarationError if there is nothing to serve."""
    images = list(images)
    served = [image for image in images if image.medium == "pxe"]
    if not served:
        advice = "add one to the declaration's images: {name: net, medium: pxe}"
        raise DeclarationError("there is nothing to serve: no image is of medium pxe", advice=advice)
    if wanted is not None:
        names = sorted({image.name for image in served})
        served = [image for image in served if image.name == wanted]
        if not served:
            advice = f"named are: {', '.join(names)}"
            raise DeclarationError(f"no image of medium pxe is named {wanted!r}", advice=advice)
    firsts = {image.target: image for image in reversed(served)}
    return [_tree(image) for image in served if firsts[image.target] is image]


def _tree(image: Image) -> Tree:
    file = image.path / MANIFEST
    try:
        manifest = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise FormatError(f"{file} cannot be read: {error}", advice="run `xenbuild image` again") from error
    place = f"{image.path.parent.name}/{image.path.name}"
    return Tree(image.target, image.name, image.path, place, manifest)


def choices(served: Sequence[Tree], loader: str | None, *, proxy: bool) -> list[Choice]:
    """For every kind of client its file: of the loader that is wanted, or of the first that suits it.

    `proxy`: another server gives out the addresses. Raises DeclarationError for a loader that no tree has, or that
    does not work so.
    """
    loaders = [one for tree in served for one in tree.manifest["loaders"]]
    known = dict.fromkeys(one["name"] for one in loaders)
    if proxy and any(one["name"] == loader and not one["proxy"] for one in loaders):
        message = f"{loader} finds its menu only where this server gives out the addresses"
        raise DeclarationError(message, advice="add --dhcp-range, or take another loader")
    if loader is not None and loader not in known:
        raise DeclarationError(f"no tree has the boot loader {loader!r}", advice=f"they have: {', '.join(known)}")
    found = []
    for tree in served:
        for name, client in tree.manifest["clients"].items():
            having = [one for one in tree.manifest["loaders"] if name in one["files"] and (one["proxy"] or not proxy)]
            having.sort(key=lambda one: one["name"] != loader)  # stable: the recipe's order but for the wanted one
            if having:
                chosen = having[0]
                script = f"{tree.place}/{chosen['script']}" if chosen["script"] else None
                file = f"{tree.place}/{chosen['files'][name]}"
                codes = tuple(client["codes"])
                found.append(Choice(name, codes, client["http"], client["help"], chosen["name"], file, script))
    return found
