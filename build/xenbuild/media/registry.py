"""The media by name. The module of each is imported when a declaration asks for it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xenbuild.media.medium import Medium

MEDIA = {
    "bundle": "xenbuild.media.bundle",
    "efi": "xenbuild.media.efi",
    "iso": "xenbuild.media.iso",
    "raw": "xenbuild.media.raw",
}


def medium(name: str) -> Medium:
    """The medium of a name that recipes/capabilities.yaml has."""
    found: Medium = import_module(MEDIA[name]).MEDIUM
    return found
