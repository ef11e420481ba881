"""One function a kind of file: what it says about itself. Each returns (kind, facts, damage)."""

from __future__ import annotations

import gzip
import lzma
import zlib
from typing import Any

from xenbuild.errors import FormatError
from xenbuild.formats.bzimage import read_bzimage
from xenbuild.formats.elf import Elf
from xenbuild.formats.multiboot import find_multiboot1, find_multiboot2
from xenbuild.formats.pe import read_pe
from xenbuild.formats.xennotes import XenNotes, kernel_notes, notes_of_elf

Result = tuple[str, dict[str, Any], list[str]]
ARM64_MAGIC, ZIMAGE_MAGIC = b"ARM\x64", b"\x18\x28\x6f\x01"
CPIO_MAGICS = (b"070701", b"070702")
COMPRESSED = {b"\x1f\x8b": "gzip", b"\xfd7": "xz", b"(\xb5": "zstd"}


def elf(data: memoryview, name: str) -> Result:
    """An ELF file: how it boots, where it goes, and its Xen notes."""
    image = Elf.parse(data, name)
    one, two = find_multiboot1(data), find_multiboot2(data)
    notes = notes_of_elf(image)
    facts: dict[str, Any] = {"machine": image.arch, "class": f"ELF{image.bits}", "entry": f"{image.entry:#x}"}
    boots = [*(["multiboot 1"] if one else []), *(["multiboot 2"] if two else [])]
    facts["boots by"] = boots + (["PVH"] if "PHYS32_ENTRY" in notes.values else [])
    if one:
        facts["multiboot 1"] = f"header at {one.offset:#x}, flags {one.flags:#x}"
    if two:
        facts["multiboot 2"] = f"header at {two.offset:#x}, tags {', '.join(two.tag_names)}"
    facts["memory"] = [f"{s.paddr:#x}-{s.paddr + s.memsz:#x}" for s in image.loads()]
    damage = []
    for s in image.loads():
        try:
            image.content(s)
        except FormatError as error:
            damage.append(error.message.removeprefix(f"{name} "))
    if notes.values:
        facts.update(_notes(notes))
    kind = "hypervisor (ELF)" if two and not notes.modes else "Xen kernel (ELF)" if notes.values else "ELF file"
    return kind, facts, damage


def bzimage(data: memoryview, name: str) -> Result:
    """An x86 Linux kernel."""
    image = read_bzimage(data, name)
    facts: dict[str, Any] = {
        "version": image.version,
        "machine": "x86_64" if image.is_64bit else "ia32",
        "protocol": "{}.{}".format(*image.protocol),
        "compression": image.compression or "unknown",
        "memory": f"{image.init_size} bytes",
    }
    try:
        notes = kernel_notes(data, name)
    except FormatError as error:
        return "Linux bzImage", facts, [error.message]
    return "Linux bzImage", {**facts, **_notes(notes)}, []


def _notes(notes: XenNotes) -> dict[str, Any]:
    shown = {k: v if isinstance(v, str) else f"{v:#x}" for k, v in notes.values.items()}
    features = sorted(notes.features)
    return {"domains": notes.modes, "dom0": "dom0" in features, "features": features, "notes": shown}


def is_arm_image(data: memoryview) -> bool:
    """An arm64 Image (magic at 56) or a zImage (magic at 0x24)."""
    return bytes(data[56:60]) == ARM64_MAGIC or bytes(data[0x24:0x28]) == ZIMAGE_MAGIC


def arm_image(data: memoryview, name: str) -> Result:
    """A kernel or hypervisor by the Linux Image or zImage protocol."""
    from xenbuild.formats import armimage

    if bytes(data[56:60]) == ARM64_MAGIC:
        image = armimage.parse_arm64_image(bytes(data))
        facts = {"text offset": f"{image.text_offset:#x}", "memory": f"{image.image_size} bytes"}
        return "arm64 Image", facts, []
    small = armimage.parse_zimage(bytes(data))
    return "32-bit Arm zImage", {"start": f"{small.start:#x}", "end": f"{small.end:#x}"}, []


def pe(data: memoryview, name: str) -> Result:
    """A PE file, for instance Xen's EFI form; unified images have the sections .config, .kernel, .ramdisk."""
    image = read_pe(data, name)
    kind = "EFI application" if image.is_efi_application else "PE file"
    names = {s.name for s in image.sections}
    facts: dict[str, Any] = {
        "machine": image.arch,
        "unified": bool(names & {".config", ".kernel", ".ramdisk"}),
        "signed": image.signature > 0,
        "sections": [{"name": s.name, "address": f"{s.address:#x}", "size": s.size} for s in image.sections],
    }
    return kind, facts, []


def is_cpio(data: memoryview) -> bool:
    """A cpio archive in newc format, or a compressed file that may hold one."""
    return bytes(data[:6]) in CPIO_MAGICS or bytes(data[:2]) in COMPRESSED


def cpio(data: memoryview, name: str) -> Result:
    """An initramfs: its segments one after the other, each compressed or not, with the files of each."""
    segments, at = [], 0
    while at < len(data):
        if not data[at]:
            at += 1  # the kernel skips zeros between segments
            continue
        compression, archive, size = _segment(data[at:], name)
        files = _names(archive, name)
        row = {"offset": at, "size": size, "compression": compression, "unpacked": len(archive), "files": files}
        segments.append(row)
        at += size
    return "initramfs", {"segments": segments}, []


def _segment(data: memoryview, name: str) -> tuple[str, bytes, int]:
    """The first segment: its compression, its unpacked bytes, and the size it takes."""
    if bytes(data[:6]) in CPIO_MAGICS:
        size = _archive_size(data, name)
        return "none", bytes(data[:size]), size
    compression = COMPRESSED.get(bytes(data[:2]))
    try:
        if compression == "gzip":
            zlib_decoder = zlib.decompressobj(31)
            out = zlib_decoder.decompress(data) + zlib_decoder.flush()
            return _whole(zlib_decoder.eof, "gzip", out, len(data) - len(zlib_decoder.unused_data))
        if compression == "xz":
            xz_decoder = lzma.LZMADecompressor()
            out = xz_decoder.decompress(data)
            return _whole(xz_decoder.eof, "xz", out, len(data) - len(xz_decoder.unused_data))
        if compression == "zstd":
            import zstandard

            zstd_decoder = zstandard.ZstdDecompressor().decompressobj()
            try:
                out = zstd_decoder.decompress(data)
            except zstandard.ZstdError as error:
                raise EOFError(str(error)) from None
            return _whole(zstd_decoder.eof, "zstd", out, len(data) - len(zstd_decoder.unused_data))
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise FormatError(f"{name} is damaged: a {compression} segment cannot be unpacked ({error})") from None
    raise FormatError(f"{name} holds something that is no cpio archive")


def _whole(eof: bool, compression: str, out: bytes, size: int) -> tuple[str, bytes, int]:
    if not eof:
        raise EOFError("it is cut short")
    return compression, out, size


def _entries(data: bytes | memoryview, name: str) -> tuple[list[str], int]:
    """Names of an archive in newc format (cpio(5)) and the size up to the end of its trailer."""
    names: list[str] = []
    at = 0
    while True:
        header = bytes(data[at : at + 110])
        try:
            if header[:6] not in CPIO_MAGICS:
                raise ValueError
            size, length = (int.from_bytes(bytes.fromhex(header[i : i + 8].decode())) for i in (54, 94))
        except ValueError:
            raise FormatError(f"{name} holds something that is no cpio archive, or one that is cut short") from None
        label = bytes(data[at + 110 : at + 110 + length]).rstrip(b"\0").decode("utf-8", "replace")
        at = (at + 110 + length + 3 & ~3) + (size + 3 & ~3)
        if label == "TRAILER!!!":
            return names, min(at, len(data))
        names.append(label)


def _archive_size(data: memoryview, name: str) -> int:
    return _entries(data, name)[1]


def _names(archive: bytes, name: str) -> list[str]:
    return _entries(archive, name)[0]
