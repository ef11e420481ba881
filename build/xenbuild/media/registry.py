"""The media by name. The module of each is imported when a declaration asks for it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xenbuild.media.medium import Medium

MEDIA = {
    "bundle": "xenbuild.media.bundle:MEDIUM",
    "efi": "xenbuild.media.efi:MEDIUM",
    "iso": "xenbuild.media.iso:MEDIUM",
    "oci": "xenbuild.media.parcel:OCI",
    "pxe": "xenbuild.media.pxe:MEDIUM",
    "qcow2": "xenbuild.media.virtual:QCOW2",
    "raw": "xenbuild.media.raw:MEDIUM",
    "tar": "xenbuild.media.parcel:TAR",
    "uboot": "xenbuild.media.uboot:MEDIUM",
    "vmdk": "xenbuild.media.virtual:VMDK",
}


def medium(name: str) -> Medium:
    """The medium of a name that recipes/capabilities.yaml has."""
    module, _, attribute = MEDIA[name].partition(":")
    found: Medium = getattr(import_module(module), attribute)
    return found
