"""x86 Linux kernels: the boot protocol's header and the compressed payload (Linux Documentation/arch/x86/boot.rst)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from xenbuild.errors import FormatError

HEADER = b"HdrS"
XLF_KERNEL_64 = 1
_PIECE = 1 << 18  # bytes
COMPRESSIONS = {
    b"\x1f\x8b": "gzip", b"\xfd7": "xz", b"(\xb5": "zstd", b"BZ": "bzip2", b"]\0": "lzma", b"\x89L": "lzo",
    b"\x02!": "lz4",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BzImage:
    """The header of a bzImage: protocol version, kernel's version text, command line limit, and the payload."""

    protocol: tuple[int, int]
    version: str
    is_64bit: bool
    relocatable: bool
    init_size: int  # bytes of memory that the kernel uses before it reads a memory map
    cmdline_size: int
    payload: memoryview
    compression: str  # gzip, xz, …; empty if unknown


def is_bzimage(data: bytes | memoryview) -> bool:
    """Does the file carry the boot protocol's magic numbers?"""
    return len(data) > 0x250 and bytes(data[0x1FE:0x200]) == b"\x55\xaa" and bytes(data[0x202:0x206]) == HEADER


def read_bzimage(data: bytes | memoryview, name: str) -> BzImage:
    """Read the header. Raises FormatError if the file is no bzImage, too old, or cut short."""
    view = memoryview(data)
    if not is_bzimage(view):
        raise FormatError(f"{name} is no Linux bzImage")
    minor, major = view[0x206], view[0x207]
    if (major, minor) < (2, 8):
        message = f"{name} speaks boot protocol {major}.{minor}, which has no payload"
        raise FormatError(message, advice="use Linux 2.6.26 or newer")
    setup = (view[0x1F1] or 4) * 512 + 512
    offset, length = struct.unpack_from("<II", view, 0x248)
    start = setup + offset
    if not length or start + length > len(view):
        raise FormatError(
            f"{name} is cut short: its payload ends at {start + length:#x}, the file at {len(view):#x}",
            advice="copy or download it again",
        )
    (version_at,) = struct.unpack_from("<H", view, 0x20E)
    text = bytes(view[version_at + 512 : version_at + 512 + 256]).partition(b"\0")[0] if version_at else b""
    payload = view[start : start + length]
    (xloadflags,) = struct.unpack_from("<H", view, 0x236)
    return BzImage(
        protocol=(major, minor),
        version=text.decode("utf-8", "replace"),
        is_64bit=bool(xloadflags & XLF_KERNEL_64),
        relocatable=bool(view[0x234]),
        init_size=struct.unpack_from("<I", view, 0x260)[0],
        cmdline_size=struct.unpack_from("<I", view, 0x238)[0],
        payload=payload,
        compression=COMPRESSIONS.get(bytes(payload[:2]), ""),
    )


def unpack_payload(image: BzImage, name: str) -> memoryview:
    """The kernel inside, an ELF file.

    Raises FormatError for a damaged payload or a compression that cannot be undone.
    """
    try:
        decoder = _decoder(image.compression)
        if decoder is None:
            message = f"the payload of {name} is compressed by {image.compression or 'an unknown method'}"
            raise FormatError(message, advice="use a kernel compressed with gzip, xz or zstd")
        # In pieces: at once, a decoder holds the kernel twice. Behind the stream lie 4 bytes, the unpacked size.
        kernel = bytearray()
        for at in range(0, len(image.payload), _PIECE):
            kernel += decoder.decompress(image.payload[at : at + _PIECE])
            if decoder.eof:
                return memoryview(kernel)
        raise EOFError("it is cut short")
    except _unpack_errors() as error:
        raise FormatError(f"the payload of {name} is damaged: {error}", advice="copy or download it again") from None


def _decoder(compression: str) -> Any:
    if compression == "gzip":
        import zlib

        return zlib.decompressobj(31)
    if compression in ("xz", "lzma"):
        import lzma

        return lzma.LZMADecompressor()
    if compression == "bzip2":
        import bz2

        return bz2.BZ2Decompressor()
    if compression == "zstd":
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj()
    return None


def _unpack_errors() -> tuple[type[Exception], ...]:
    import lzma
    import sys
    import zlib

    # zstandard is loaded only by a zstd payload, and only then can its error occur.
    loaded = sys.modules.get("zstandard")
    return (EOFError, OSError, zlib.error, lzma.LZMAError, *((loaded.ZstdError,) if loaded else ()))
