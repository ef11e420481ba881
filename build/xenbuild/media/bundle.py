"""The bundle as it is: one file that a boot loader, a PXE ROM or `qemu -kernel` starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xenbuild.media.medium import Medium

if TYPE_CHECKING:
    from xenbuild.media.medium import Making
    from xenbuild.plan.action import OutputOf


def plan(making: Making) -> OutputOf:
    return making.bundle


def suffix(arch: str) -> str:
    from xenbuild.compose.bundle import FORMATS

    return FORMATS[arch].suffix


MEDIUM = Medium(plan, suffix)
