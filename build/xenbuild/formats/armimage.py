"""Headers of Arm kernels and hypervisors: the arm64 Image and the 32-bit zImage.

Sources: Linux, Documentation/arch/arm64/booting.rst ("Call the kernel image") and
arch/arm/boot/compressed/head.S; for EFI zboot drivers/firmware/efi/libstub/zboot-header.S.
"""

from __future__ import annotations

import gzip
import lzma
import struct
import zlib
from dataclasses import dataclass

from xenbuild.errors import FormatError

ARM64_MAGIC = b"ARM\x64"
ZIMAGE_MAGIC = 0x016F2818
HEADER_SIZE = 64
DEFAULT_SIZE = 16 << 20
"""Room for an arm64 kernel older than 3.17, whose image_size is 0 ("as much as possible")."""

_ADVICE = "name a kernel or hypervisor of the target's architecture"


@dataclass(frozen=True, slots=True)
class Arm64Image:
    """Sizes and offsets in bytes. `image_size` is the memory that the image uses, bss included."""

    text_offset: int
    image_size: int
    flags: int

    @property
    def big_endian(self) -> bool:
        return bool(self.flags & 1)


@dataclass(frozen=True, slots=True)
class ZImage:
    """`start` and `end` are addresses; start is 0 if the image runs anywhere."""

    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


def kind_of(data: bytes) -> str:
    """What the file is, in words for a message."""
    if data[56:60] == ARM64_MAGIC:
        return "an arm64 Image"
    if len(data) >= 48 and struct.unpack_from("<I", data, 0x24)[0] == ZIMAGE_MAGIC:
        return "a 32-bit Arm zImage"
    if data[:2] == b"MZ" and data[4:8] == b"zimg":
        return "an EFI zboot image"
    if data[0x202:0x206] == b"HdrS":
        return "an x86 bzImage"
    for magic, kind in (
        (b"\x1f\x8b", "gzip data"),
        (b"\x7fELF", "an ELF file"),
        (b"\x27\x05\x19\x56", "a U-Boot uImage"),
        (b"MZ", "a PE file"),
    ):
        if data.startswith(magic):
            return kind
    return "an empty file" if not data else "no known kernel format"


def parse_arm64_image(data: bytes) -> Arm64Image:
    """Reads the header; raises FormatError if it is another kind of file or the file is cut."""
    if len(data) < HEADER_SIZE or data[56:60] != ARM64_MAGIC:
        raise FormatError(f"not an arm64 Image but {kind_of(data)}", advice=_ADVICE)
    text_offset, image_size, flags = struct.unpack_from("<QQQ", data, 8)
    image = Arm64Image(text_offset, image_size or max(DEFAULT_SIZE, len(data)), flags)
    if image.big_endian:
        raise FormatError("the arm64 Image is big-endian, which Xen does not start", advice=_ADVICE)
    stated = _pe_file_size(data)
    if stated > len(data):
        raise FormatError(
            f"the arm64 Image is cut short: {len(data)} of {stated} bytes are there", advice="fetch the file anew"
        )
    return image


def _pe_file_size(data: bytes) -> int:
    """The end of the last PE section in the file, 0 without a PE header.

    An Image's own header tells the size in memory only; Images that are EFI applications, as
    distributions ship them, tell the size of the file too.
    """
    pe = struct.unpack_from("<I", data, 60)[0]
    if pe < HEADER_SIZE or data[pe : pe + 4] != b"PE\0\0" or len(data) < pe + 24:
        return 0
    sections, optional_size = struct.unpack_from("<6xH12xH", data, pe)[0], struct.unpack_from("<20xH", data, pe)[0]
    end: int = 0
    for i in range(sections):
        at = pe + 24 + optional_size + 40 * i
        if len(data) < at + 40:
            return int(at + 40)
        size, offset = struct.unpack_from("<16xII", data, at)
        end = max(end, offset + size)
    return end


def parse_zimage(data: bytes) -> ZImage:
    """Reads the header; raises FormatError if it is another kind of file.

    Linux ends the image where its file ends; Xen where its memory ends, behind the file (see `require_whole`).
    """
    if len(data) < 48 or struct.unpack_from("<I", data, 0x24)[0] != ZIMAGE_MAGIC:
        raise FormatError(f"not a 32-bit Arm zImage but {kind_of(data)}", advice=_ADVICE)
    image = ZImage(*struct.unpack_from("<II", data, 0x28))
    if image.size < 48:
        raise FormatError(f"the zImage's header is damaged: it ends at {image.end:#x}", advice="fetch the file anew")
    return image


def require_whole(image: ZImage, data: bytes) -> None:
    """Raises FormatError if a Linux zImage's file is cut short."""
    if image.size > len(data):
        raise FormatError(
            f"the zImage is cut short: {len(data)} of {image.size} bytes are there", advice="fetch the file anew"
        )


def unpack(data: bytes) -> bytes:
    """The plain image of a gzip'd or EFI zboot one (which Xen cannot start); other data as it is."""
    try:
        if data.startswith(b"\x1f\x8b"):
            return gzip.decompress(data)
        if data[:2] == b"MZ" and data[4:8] == b"zimg" and len(data) >= HEADER_SIZE:
            return _unpack_zboot(data)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise FormatError(f"the compressed kernel is damaged: {error}", advice="fetch the file anew") from error
    return data


def _unpack_zboot(data: bytes) -> bytes:
    offset, size = struct.unpack_from("<II", data, 8)
    method = data[24:56].split(b"\0")[0].decode("ascii", "replace")
    payload = data[offset : offset + size]
    if not payload or len(payload) < size:
        raise EOFError(f"{len(payload)} of {size} bytes are there")
    if method == "gzip":
        return gzip.decompress(payload)
    if method in ("xz", "lzma"):
        return lzma.decompress(payload)
    if method in ("zstd", "zstd22"):
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj().decompress(payload)
    raise FormatError(f"the EFI zboot kernel is packed by {method!r}", advice="known are gzip, xz, lzma and zstd")
