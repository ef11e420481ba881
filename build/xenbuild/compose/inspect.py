"""What a file is and whether it is whole: the work of `xenbuild inspect`.

Each kind of file has a function that takes the file's bytes and returns a report; `KINDS` lists them with the test
that recognises the kind, most telling first.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xenbuild.compose.arm import manifest_extent
from xenbuild.compose.inspect_kinds import arm_image, bzimage, cpio, elf, is_arm_image, is_cpio, pe
from xenbuild.compose.inspect_media import QCOW2, TAR, VMDK, cd, disk, is_cd, is_disk, qcow2, tar, vmdk
from xenbuild.compose.manifest import Manifest
from xenbuild.compose.x86 import ANCHOR, MANIFEST_SECTION
from xenbuild.errors import FormatError, IntegrityError
from xenbuild.formats.bzimage import is_bzimage
from xenbuild.formats.elf import MAGIC, Elf
from xenbuild.formats.pe import is_pe


@dataclass(slots=True)
class Report:
    """What was found. `facts` is ordered for people; `damage` lists what is wrong (empty: all is well)."""

    kind: str
    size: int
    sha256: str
    facts: dict[str, Any] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As `inspect --json` prints it."""
        return {**asdict(self), "ok": not self.damage}


def inspect(path: Path) -> Report:
    """Recognise and verify a file. Raises FormatError if it is of no known kind, cut short or unreadable."""
    try:
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except ValueError:
        raise FormatError(f"{path} is empty") from None
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror}", advice="check the path") from None
    for recognises, describe in KINDS:
        if recognises(data):
            kind, facts, damage = describe(data, path.name)
            return Report(kind, len(data), hashlib.sha256(data).hexdigest(), facts, damage)
    raise FormatError(
        f"{path} is of no kind that xenbuild knows",
        advice="it reads bundles, disks, CDs, ELF and PE files, Linux kernels (bzImage, Image, zImage), "
        "cpio and tar archives",
    )


def bundle_report(data: bytes | memoryview, name: str) -> Report | None:
    """What is found in the bytes of a bundle, wherever they lie; None for anything else."""
    view = memoryview(data)
    for recognises, describe in ((_is_x86_bundle, _x86_bundle), (_is_arm_bundle, _arm_bundle)):
        if recognises(view):
            kind, facts, damage = describe(view, name)
            return Report(kind, len(view), "", facts, damage)
    return None


def raise_damage(report: Report, name: str) -> None:
    """Raise IntegrityError if the report found damage."""
    if report.damage:
        raise IntegrityError(f"{name} is damaged: {'; '.join(report.damage)}", advice="build or copy it again")


def _is_x86_bundle(data: memoryview) -> bool:
    return bytes(data[:4]) == MAGIC and ANCHOR in bytes(data[4096:65536])


def _x86_bundle(data: memoryview, name: str) -> tuple[str, dict[str, Any], list[str]]:
    image = Elf.parse(data, name)
    if image.shoff + image.shnum * image.shentsize > len(data):
        whole = image.shoff + image.shnum * image.shentsize
        return "x86 bundle", {}, [f"it is cut short: it has {len(data)} bytes, not {whole}"]
    section = image.section(MANIFEST_SECTION)
    if section is None:
        return "x86 loader without parts", {}, []
    manifest = Manifest.from_bytes(bytes(image.slice(section.offset, section.size, "its manifest")), name)
    facts, damage = bundle_facts(data, manifest)
    _, more, _ = elf(data, name)
    facts["boots by"] = more["boots by"]
    return "x86 bundle", facts, damage


def _is_arm_bundle(data: memoryview) -> bool:
    return manifest_extent(data) is not None


def _arm_bundle(data: memoryview, name: str) -> tuple[str, dict[str, Any], list[str]]:
    offset, size = manifest_extent(data) or (0, 0)
    if offset + size > len(data):
        return "Arm bundle", {}, [f"it is cut short: it has {len(data)} bytes, its manifest ends at {offset + size}"]
    facts, damage = bundle_facts(data, Manifest.from_bytes(bytes(data[offset : offset + size]), name))
    return "Arm bundle", facts, damage


def bundle_facts(data: memoryview, manifest: Manifest) -> tuple[dict[str, Any], list[str]]:
    """What a manifest says about a bundle, and which of its parts are damaged; the same for x86 and ARM."""
    facts: dict[str, Any] = {"target": manifest.target}
    if manifest.declaration:
        facts["declaration"] = manifest.declaration
    damage, parts = [], []
    for part in manifest.parts:
        wrong = part.damage(data[part.offset : part.offset + part.size])
        if wrong:
            damage.append(f"part '{part.name}' {wrong}")
        parts.append({**asdict(part), "ok": not wrong})
    facts["parts"] = parts
    return facts, damage


KINDS: list[tuple[Callable[[memoryview], bool], Callable[[memoryview, str], tuple[str, dict[str, Any], list[str]]]]] = [
    (_is_x86_bundle, _x86_bundle),
    (_is_arm_bundle, _arm_bundle),
    (lambda data: bytes(data[:4]) == MAGIC, elf),
    (is_bzimage, bzimage),
    (is_arm_image, arm_image),
    (is_cd, cd),
    (is_disk, disk),
    (lambda data: bytes(data[:4]) == QCOW2, qcow2),
    (lambda data: bytes(data[:4]) == VMDK, vmdk),
    (lambda data: bytes(data[257:262]) == TAR, tar),
    (is_pe, pe),
    (is_cpio, cpio),
]
