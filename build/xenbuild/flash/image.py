"""Judges whether a file is an image for a disk, and one that this project built and nobody changed since."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xenbuild.errors import FormatError, IntegrityError
from xenbuild.formats import signature
from xenbuild.store.digest import Digest
from xenbuild.store.files import in_words

GPT_SECTORS = (512, 4096)  # bytes: sizes of sectors for which images are made
PACKED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"(\xb5/\xfd": "zstd", b"BZh": "bzip2", b"PK\x03\x04": "zip"}
_DISK = "declare one in `images:` with a medium that is a disk, such as raw or iso, and run `xenbuild image`"


@dataclass(frozen=True, slots=True)
class DiskImage:
    """An image that may be written to a disk."""

    path: Path
    size: int  # bytes
    kind: str  # "GPT", "MBR", "hybrid ISO"
    sector: int | None  # bytes that the image takes a sector for; None: it does not care
    sha256: str  # what it must have; "" if nobody says


def read_image(path: Path, *, foreign: bool = False) -> DiskImage:
    """Judge a file. Raises FormatError for what no disk starts from, and unless `foreign`, for an image of others."""
    with in_words(path):
        size = path.stat().st_size
        with path.open("rb") as file:

            def read(offset: int, count: int) -> bytes:
                return os.pread(file.fileno(), count, offset) if 0 <= offset < size else b""

            kind, sector = _kind(path, size, read)
    told = told_by_manifest(path)
    if told is None and not foreign:
        raise FormatError(
            f"{path} is not an image that xenbuild built: no manifest.json beside it names it",
            advice="give the image in out/, or --foreign to write an image of others",
        )
    return DiskImage(path, size, kind, sector, str((told or {}).get("sha256", "")))


def _kind(path: Path, size: int, read: signature.Read) -> tuple[str, int | None]:
    """What kind of disk image it is; judged by its bytes, since files are renamed."""
    head = read(0, 8)
    if not size:
        raise FormatError(f"{path} is empty", advice="build the image again")
    for sector in GPT_SECTORS:
        if signature.is_gpt_header(read(sector, 8)):
            if read(32769, 5) == b"CD001":
                return "hybrid ISO", None
            return "GPT", sector
    if read(32769, 5) == b"CD001":
        if not signature.is_mbr(read(0, 512)):
            raise FormatError(f"{path} is an ISO image for a CD only: no disk starts from it", advice=_DISK)
        return "hybrid ISO", None
    if head[:4] == b"\x7fELF" or head[:2] == b"MZ" or read(56, 4) == b"ARM\x64" or read(0x24, 4) == b"\x18\x28\x6f\x01":
        what = "a bundle or kernel" if head[:2] != b"MZ" else "a kernel or an EFI application"
        raise FormatError(f"{path} is {what}, which a boot loader starts, not an image of a disk", advice=_DISK)
    for magic, name in PACKED.items():
        if head.startswith(magic):
            raise FormatError(f"{path} is packed with {name}", advice="unpack it first")
    for magic, name in ((b"QFI\xfb", "a qcow2 image"), (b"KDMV", "a vmdk image"), (b"070701", "an initramfs")):
        if head.startswith(magic):
            raise FormatError(f"{path} is {name}, which is for virtual machines, not for a disk", advice=_DISK)
    if signature.is_mbr(read(0, 512)):
        return "MBR", None
    raise FormatError(f"{path} is no image of a disk: it has no partition table", advice=_DISK)


def told_by_manifest(path: Path) -> dict[str, Any] | None:
    """What manifest.json beside an image says about it: file, sha256, size, medium; None if it does not name it."""
    try:
        listed = json.loads((path.parent / "manifest.json").read_bytes())["images"]
        return next((dict(one) for one in listed if one["file"] == path.name), None)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def require_unchanged(image: DiskImage, digest: Digest) -> None:
    """Raises IntegrityError if the file is not what its manifest says."""
    if image.sha256 and image.sha256 != digest.hash:
        raise IntegrityError(
            f"{image.path} is not what was built: its SHA-256 is {digest.hash[:16]}…, manifest.json"
            f" has {image.sha256[:16]}…",
            advice="run `xenbuild image` again",
        )


def built_images(out: Path) -> Iterator[Path]:
    """Images below out/ that a disk starts from."""
    for manifest in sorted(out.glob("*/manifest.json")):
        for path in sorted(manifest.parent.iterdir()):
            if path.is_file() and told_by_manifest(path) is not None:
                try:
                    yield read_image(path).path
                except FormatError:
                    continue
