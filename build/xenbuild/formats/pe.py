"""PE executables: the sections of xen.efi and of unified images (Microsoft PE format, sections 3 and 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from xenbuild.errors import FormatError

MACHINES = {0x14C: "ia32", 0x8664: "x86_64", 0xAA64: "arm64", 0x1C2: "arm", 0x1C0: "arm"}
SECTION = struct.Struct("<8sIIIIIIHHI")
EFI_APPLICATION = 10


@dataclass(frozen=True, slots=True)
class PeSection:
    """A section; addresses are relative to the image's base."""

    name: str
    address: int
    memory: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Pe:
    """A PE file's machine, subsystem and sections."""

    arch: str
    subsystem: int
    sections: tuple[PeSection, ...]
    signature: int = 0  # bytes of signatures behind the last section

    @property
    def is_efi_application(self) -> bool:
        """Can UEFI firmware start it?"""
        return self.subsystem == EFI_APPLICATION


def is_pe(data: bytes | memoryview) -> bool:
    """Does the file start with an MZ header that leads to a PE signature?"""
    if len(data) < 0x40 or bytes(data[:2]) != b"MZ":
        return False
    (at,) = struct.unpack_from("<I", data, 0x3C)
    return bytes(data[at : at + 4]) == b"PE\0\0"


def read_pe(data: bytes | memoryview, name: str) -> Pe:
    """Read headers and section table. Raises FormatError."""
    if not is_pe(data):
        raise FormatError(f"{name} is no PE file")
    (at,) = struct.unpack_from("<I", data, 0x3C)
    try:
        machine, count, _, _, _, optional_size, _ = struct.unpack_from("<HHIIIHH", data, at + 4)
        (subsystem,) = struct.unpack_from("<H", data, at + 24 + 68)
        table = at + 24 + optional_size
        (magic,) = struct.unpack_from("<H", data, at + 24)
        security = at + 24 + (112 if magic == 0x20B else 96) + 8 * 4  # the fifth data directory
        signature = struct.unpack_from("<4xI", data, security)[0] if security + 8 <= table else 0
        rows = [SECTION.unpack_from(data, table + i * SECTION.size) for i in range(count)]
    except struct.error:
        message = f"{name} is cut short: its PE headers are incomplete"
        raise FormatError(message, advice="copy or download it again") from None
    sections = []
    for label, memory, address, size, offset, *_ in rows:
        text = label.rstrip(b"\0").decode("latin-1")
        if size and offset + size > len(data):
            raise FormatError(
                f"{name} is cut short: section {text} ends at {offset + size:#x}, the file at {len(data):#x}",
                advice="copy or download it again",
            )
        sections.append(PeSection(text, address, memory, offset, size))
    return Pe(MACHINES.get(machine, f"machine {machine:#x}"), subsystem, tuple(sections), signature)
