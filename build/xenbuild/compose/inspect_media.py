"""What media say about themselves; one function a kind, like those of inspect_kinds.py."""

from __future__ import annotations

import struct
from typing import Any

from xenbuild.compose.inspect_kinds import Result
from xenbuild.errors import FormatError
from xenbuild.formats.fatread import is_fat, read_fat
from xenbuild.formats.gpt import BASIC_DATA, BIOS_BOOT, ESP, LINUX, Gpt, is_gpt, read_gpt

_KINDS = {ESP: "EFI system", BIOS_BOOT: "BIOS boot", BASIC_DATA: "data", LINUX: "Linux"}
_CD_SECTOR = 2048
QCOW2, VMDK, TAR = b"QFI\xfb", b"KDMV", b"ustar"


def is_disk(data: memoryview) -> bool:
    """Whether a GUID partition table is in the second sector."""
    return is_gpt(data)


def disk(data: memoryview, name: str) -> Result:
    """A disk with a GUID partition table; what its FAT file systems hold."""
    table = read_gpt(data, name)
    facts: dict[str, Any] = {"disk": str(table.disk), "boots by": _firmware(table, data)}
    rows, damage = [], []
    for part in table.partitions:
        inside = data[part.offset : part.offset + part.size]
        content = "-"
        if is_fat(inside):
            try:
                system = read_fat(inside, f"partition {part.name}")
                content = f"FAT{system.bits} {system.label}: {', '.join(sorted(system.files)) or 'empty'}"
            except FormatError as error:
                damage.append(error.message)
        kind = _KINDS.get(part.kind, str(part.kind))
        rows.append({"name": part.name, "kind": kind, "offset": part.offset, "size": part.size, "content": content})
    return "disk image", {**facts, "partitions": rows}, damage


def _firmware(table: Gpt, data: memoryview) -> list[str]:
    kinds = {part.kind for part in table.partitions}
    return [*(["BIOS"] if any(data[:440]) else []), *(["UEFI"] if ESP in kinds else [])]


def is_cd(data: memoryview) -> bool:
    """Whether there is a volume descriptor of ECMA-119."""
    at = 16 * _CD_SECTOR
    return bytes(data[at + 1 : at + 6]) == b"CD001"


def cd(data: memoryview, name: str) -> Result:
    """A CD: its volume, what starts it (El Torito), and its partitions where it is on a stick."""
    at = 16 * _CD_SECTOR
    (blocks,) = struct.unpack_from("<I", data, at + 80)
    facts: dict[str, Any] = {"volume": bytes(data[at + 40 : at + 72]).decode("latin-1").rstrip()}
    damage = []
    if blocks * _CD_SECTOR > len(data):
        damage.append(f"it is cut short: it has {len(data)} bytes, not {blocks * _CD_SECTOR}")
    boot = at + _CD_SECTOR
    if bytes(data[boot + 7 : boot + 30]) == b"EL TORITO SPECIFICATION":
        (catalog,) = struct.unpack_from("<I", data, boot + 71)
        facts["boots by"] = _el_torito(data[catalog * _CD_SECTOR : (catalog + 1) * _CD_SECTOR])
    if is_disk(data):
        table = read_gpt(data, name)
        facts["on a stick"] = _firmware(table, data)
    return "CD image", facts, damage


def _el_torito(catalog: memoryview) -> list[str]:
    """Platforms of the entries (El Torito 1.0, 2.0; UEFI is 0xef)."""
    names = {0: "BIOS", 0xEF: "UEFI"}
    found = [names.get(catalog[1], f"platform {catalog[1]:#x}")] if len(catalog) >= 64 and catalog[32] == 0x88 else []
    for at in range(64, len(catalog) - 31, 32):
        if catalog[at] in (0x90, 0x91):
            found.append(names.get(catalog[at + 1], f"platform {catalog[at + 1]:#x}"))
    return found


def qcow2(data: memoryview, name: str) -> Result:
    """A disk of QEMU (QEMU, docs/interop/qcow2.txt)."""
    if len(data) < 72:
        raise FormatError(f"{name} is cut short: it has no whole qcow2 header")
    version, size = struct.unpack_from(">I16xQ", data, 4)
    return "qcow2 disk", {"version": version, "disk": size}, []


def vmdk(data: memoryview, name: str) -> Result:
    """A disk of VMware, as one sparse file (Virtual Disk Format 5.0)."""
    if len(data) < 512:
        raise FormatError(f"{name} is cut short: it has no whole vmdk header")
    version, _, sectors = struct.unpack_from("<IIQ", data, 4)
    return "vmdk disk", {"version": version, "disk": sectors * 512}, []


def tar(data: memoryview, name: str) -> Result:
    """An archive: names and sizes of its members."""
    import io
    import tarfile

    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            members = [{"name": member.name, "size": member.size} for member in archive]
    except tarfile.TarError as error:
        raise FormatError(f"{name} is damaged: {error}") from None
    return "tar archive", {"members": members}, []
