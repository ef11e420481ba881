"""What a medium is: one module of this package, a row of `registry.MEDIA`, with a plan that wraps a target's parts.

A medium's module holds `MEDIUM`, whose `plan` returns the output of an action, a file or a tree, and the function of
that action beside it. What the medium goes with (targets, firmware, keys of the declaration, ways into a machine) is
in recipes/capabilities.yaml.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from xenbuild.compose.bundle import Parts
    from xenbuild.errors import Position
    from xenbuild.plan.action import Action, Input, OutputOf
    from xenbuild.spec.image import Image
    from xenbuild.spec.model import Declaration
    from xenbuild.spec.recipe import Release


@dataclass(frozen=True, slots=True)
class Making:
    """What a medium can be made of."""

    declaration: Declaration
    image: Image
    release: Release
    parts: Parts  # hypervisor, kernel, initramfs, their command lines, guests
    compose: Action  # its outputs are "bundle" and "manifest"
    firmware: tuple[str, ...]  # that must start it
    tools: Callable[[str], Input]  # a group of recipes/tools.yaml as a tree
    file: Callable[[Path, Position | None], Input]  # a file that the declaration names
    hypervisor_efi: Callable[[], Input]  # Xen as a UEFI application, where the release has one
    kernel_files: Callable[[list[str]], OutputOf]  # files of the release's kernel packages that match patterns: a tree

    @property
    def bundle(self) -> OutputOf:
        return self.compose.output("bundle")


@dataclass(frozen=True, slots=True)
class Medium:
    """A form of delivery. `suffix` is of the result's file name by architecture; None: the result is a folder."""

    plan: Callable[[Making], OutputOf]
    suffix: Callable[[str], str] | None
    format: str = "raw"  # of a disk, as QEMU calls it
    mapped: bool = False  # a disk with free space, beside which lies a map of its blocks (media/blockmap.py)
