"""Microcode as AMD and Intel give it out, by its first bytes (Linux, Documentation/arch/x86/microcode.rst).

AMD: containers, each with a table of the CPUs that it is for. Intel: updates of one CPU each, which say their size.
Both may be laid end to end.
"""

from __future__ import annotations

import struct

AMD, INTEL = "AuthenticAMD", "GenuineIntel"  # what CPUID calls their makers
FOLDER = "kernel/x86/microcode"  # of an early initramfs, with a file MAKER.bin
_AMD_MAGIC = 0x00414D44
_INTEL_HEADER = struct.Struct("<9I")  # version, revision, date, CPU, checksum, loader, flags, sizes of data and all
_INTEL_DEFAULT = 2048  # bytes of an update whose sizes are 0


def maker(data: bytes) -> str | None:
    """Whose microcode a file holds; None if it is none."""
    if len(data) >= 12 and struct.unpack_from("<I", data)[0] == _AMD_MAGIC:
        return AMD
    if len(data) < _INTEL_HEADER.size:
        return None
    version, *_, loader, _, _, total = _INTEL_HEADER.unpack_from(data)
    if version == 1 and loader == 1 and (total or _INTEL_DEFAULT) <= len(data) and not total % 1024:
        return INTEL
    return None
