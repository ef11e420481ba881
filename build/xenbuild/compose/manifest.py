"""What a bundle says about itself: its parts with digests, its command lines, and where it came from."""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import asdict, astuple, dataclass, fields
from typing import TYPE_CHECKING

from xenbuild.errors import FormatError, IntegrityError

if TYPE_CHECKING:
    from xenbuild.plan.job import Job

VERSION = 1
UNIFIED = {"kernel": ".kernel", "initramfs": ".ramdisk", "xsm_policy": ".xsm"}  # sections of a UEFI application by part
_TYPES = {"int": int, "str": str}  # of fields, as the classes spell them


@dataclass(frozen=True, slots=True)
class Part:
    """One file inside a bundle. `offset` and `size` count bytes of the bundle; `crc32` is what the loader checks."""

    name: str
    role: str  # hypervisor, kernel, initramfs, guest kernel, guest initramfs, guest device tree
    size: int
    sha256: str
    crc32: int
    offset: int
    cmdline: str = ""

    @classmethod
    def of(cls, name: str, role: str, data: bytes | memoryview, offset: int, cmdline: str = "") -> Part:
        """Describe the bytes of a part."""
        return cls(name, role, len(data), hashlib.sha256(data).hexdigest(), zlib.crc32(data), offset, cmdline)

    def damage(self, data: bytes | memoryview) -> str:
        """What is wrong with the bytes that a file holds for this part; empty if they are right."""
        if len(data) != self.size:
            return f"has {len(data)} bytes, not {self.size}"
        if hashlib.sha256(data).hexdigest() != self.sha256:
            return "does not match its SHA-256"
        return ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of a whole bundle."""

    target: str  # arch/hypervisor
    parts: tuple[Part, ...]
    declaration: str = ""  # digest of the declaration

    def to_bytes(self) -> bytes:
        """Canonical JSON: sorted keys, no spaces, one final newline."""
        body = {"xenbuild": VERSION, **asdict(self)}
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Manifest:
        """Read it back; `name` is the file that messages speak of. Raises FormatError."""
        try:
            body = json.loads(data)
            if body.pop("xenbuild") != VERSION:
                raise FormatError(f"{name} was made by another version of xenbuild", advice="inspect it with that one")
            parts = tuple(Part(**part) for part in body.pop("parts"))
            manifest = cls(parts=parts, **body)
            if not isinstance(manifest.target, str) or not isinstance(manifest.declaration, str):
                raise TypeError
            for part in parts:
                _require_types(part)
            return manifest
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise FormatError(f"the manifest of {name} is damaged") from error


def _require_types(part: Part) -> None:
    """Raises TypeError for a field of another type, ValueError for a negative number."""
    for field, value in zip(fields(part), astuple(part), strict=True):
        if type(value) is not _TYPES[str(field.type)]:
            raise TypeError(field.name)
        if isinstance(value, int) and value < 0:
            raise ValueError(field.name)


def require_intact(manifest: Manifest, job: Job) -> None:
    """Raises IntegrityError if a part is not the content that the plan named: it was damaged in the store.

    This costs nothing, because the parts were hashed for the manifest. A part of another size was unpacked on the way.
    """
    for part in manifest.parts:
        digest = job.digest(part.name)
        if part.size == digest.size and part.sha256 != digest.hash:
            raise IntegrityError(f"the {part.role} is damaged in the store", advice="run the command again")
