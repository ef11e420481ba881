"""The x86 bundle: one ELF file that holds the loader (compose/loader/x86) and all parts, placed in memory.

Memory, from the loader's link address up: loader, table, hypervisor's file, dom0 kernel, initramfs; each at a page
boundary and used in place. Only the hypervisor's segments are copied, to where its own ELF wants them.
"""

from __future__ import annotations

import json
import mmap
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.compose import policy
from xenbuild.compose.manifest import Manifest, Part, require_intact
from xenbuild.compose.policy import XSM_POLICY
from xenbuild.errors import DeclarationError, FormatError
from xenbuild.formats.elf import EM_386, EM_X86_64, MAGIC, PT_NOTE, Elf
from xenbuild.formats.elfwrite import Piece, align, patch, write_elf
from xenbuild.formats.multiboot import find_multiboot2
from xenbuild.formats.xennotes import check_dom0, kernel_notes

if TYPE_CHECKING:
    from xenbuild.plan.job import Job

ANCHOR = b"XENBUILD-X86-1\0\0"  # loader/x86/bundle.h
MANIFEST_SECTION = ".xenbuild.manifest"
TABLE, PART, COPY = struct.Struct("<6I"), struct.Struct("<6I"), struct.Struct("<4I")
FOUR_GIB = 1 << 32
MODULES = ("kernel", "initramfs", XSM_POLICY)  # inputs that become modules, in the order that hypervisors expect


@dataclass(frozen=True, slots=True)
class Copy:
    """A piece of the hypervisor: offset and size in its file, physical address and size in memory."""

    offset: int
    size: int
    to: int
    memory: int


@dataclass(frozen=True, slots=True)
class Hypervisor:
    """How a hypervisor is entered and what has to be copied where before."""

    entry: int
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """A part before it has a place."""

    name: str
    role: str
    data: memoryview
    cmdline: str = ""


def run(job: Job) -> None:
    """Action: inputs loader, xen, kernel and optionally initramfs; params below; output "bundle" (and "manifest").

    params: xen_cmdline, kernel_cmdline (strings), target ("x86_64/xen"), declaration (digest, optional).
    An input "kernel_notes" (output of `check_kernel`) says that the kernel has been checked already.
    """
    if "kernel_notes" not in job.inputs:
        check_dom0(kernel_notes(_map(job.path("kernel"), "kernel"), "kernel"), "the dom0 kernel")
    contents = [Content("xen", "hypervisor", _map(job.path("xen"), "xen"), str(job.params["xen_cmdline"]))]
    for name in MODULES:
        if name in job.inputs:
            words = str(job.params.get(f"{name}_cmdline", ""))
            role = policy.ROLE if name == XSM_POLICY else name
            contents.append(Content(name, role, _map(job.path(name), name), words))
    if XSM_POLICY in job.inputs:
        policy.check(contents[-1].data, contents[0].data)
    declaration = str(job.params.get("declaration", ""))
    loader = job.path("loader").read_bytes()
    manifest = write_bundle(job.out("bundle"), loader, contents, str(job.params["target"]), declaration)
    require_intact(manifest, job)
    if "manifest" in job.action.outputs:
        job.out("manifest").write_bytes(manifest.to_bytes())


def check_kernel(job: Job) -> None:
    """Action: refuse an input "kernel" that cannot be dom0; output "notes", its Xen notes as JSON.

    An action of its own because it unpacks the kernel, which takes a second: a changed word must not repeat it.
    """
    name = str(job.params.get("name", "the dom0 kernel"))
    notes = kernel_notes(_map(job.path("kernel"), name), name)
    check_dom0(notes, name, str(job.params.get("kind", "")))
    job.out("notes").write_text(json.dumps({"arch": notes.arch, **notes.values}, sort_keys=True, indent=1) + "\n")


def _map(path: Path, name: str) -> memoryview:
    """A file as memory, without reading it before it is needed."""
    if not path.stat().st_size:
        raise FormatError(f"{name} is empty")
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def write_bundle(out: Path, loader: bytes, contents: Sequence[Content], target: str, declaration: str = "") -> Manifest:
    """Write the bundle; the first content is the hypervisor. Raises FormatError for parts that do not go together."""
    hypervisor = read_hypervisor(contents[0].data, contents[0].name)
    _check_cmdlines(contents)
    elf = Elf.parse(loader, "the loader")
    code = elf.loads()[0]
    note = next(s for s in elf.segments if s.type == PT_NOTE)
    image = bytes(elf.content(code))
    table_at = align(code.paddr + code.memsz)
    table_size = _table_size(contents, hypervisor)
    places = _places(table_at + table_size, contents)
    _check_places(code.paddr, places[-1] + len(contents[-1].data), hypervisor)
    parts, offset = [], 4096 + align(len(image)) + align(table_size)
    for content in contents:
        parts.append(Part.of(content.name, content.role, content.data, offset, content.cmdline))
        offset += align(len(content.data))
    table = _table(table_at, parts, places, hypervisor)
    anchor = image.index(ANCHOR) + len(ANCHOR)
    end = align(places[-1] + len(contents[-1].data))
    image = patch(image, anchor, "<4I", table_at, len(table), zlib.crc32(table), end)
    pieces = [Piece(".xenbuild.loader", image, code.paddr, code.memsz, executable=True)]
    pieces.append(Piece(".xenbuild.table", table, table_at))
    pieces += [Piece(f".part.{c.name}", c.data, at) for c, at in zip(contents, places, strict=True)]
    manifest = Manifest(target, tuple(parts), declaration)
    pieces.append(Piece(MANIFEST_SECTION, manifest.to_bytes()))
    with out.open("wb") as file:
        write_elf(file, pieces, entry=elf.entry, note=(note.paddr, note.filesz))
    return manifest


def read_hypervisor(data: memoryview, name: str) -> Hypervisor:
    """What the loader needs to know of a hypervisor. Raises FormatError if the file is none for x86."""
    advice = "give the gunzipped ELF hypervisor, as in Debian's xen-hypervisor-*-amd64 packages"
    if bytes(data[:4]) != MAGIC:
        raise FormatError(f"{name} is no x86 hypervisor: it is no ELF file", advice=advice)
    elf = Elf.parse(data, name)
    if elf.machine not in (EM_386, EM_X86_64):
        raise FormatError(f"{name} is no x86 hypervisor: it is made for {elf.arch}", advice=advice)
    header = find_multiboot2(data)
    if header is None:
        raise FormatError(f"{name} is no Xen hypervisor: it has no multiboot 2 header", advice=advice)
    copies = []
    for s in elf.loads():
        elf.content(s)
        if s.filesz > s.memsz:
            raise FormatError(f"{name} is a damaged ELF file: a segment is larger in the file than in memory")
        copies.append(Copy(s.offset, s.filesz, s.paddr, s.memsz))
    if not copies:
        raise FormatError(f"{name} is no Xen hypervisor: it has nothing to load", advice=advice)
    return Hypervisor(header.entry if header.entry is not None else elf.physical(elf.entry), tuple(copies))


def _check_cmdlines(contents: Sequence[Content]) -> None:
    for content in contents:
        if "\0" in content.cmdline or "\n" in content.cmdline:
            raise DeclarationError(f"the command line of {content.name} must be one line of text")


def _places(start: int, contents: Sequence[Content]) -> list[int]:
    places, at = [], start
    for content in contents:
        at = align(at)
        places.append(at)
        at += len(content.data)
    return places


def _check_places(base: int, end: int, hypervisor: Hypervisor) -> None:
    if end > FOUR_GIB:
        raise FormatError(
            f"the bundle is too large: it would end at {end:#x}, above 4 GiB", advice="make the initramfs smaller"
        )
    for copy in hypervisor.copies:
        if copy.to < end and base < copy.to + copy.memory:
            place = f"{copy.to:#x}-{copy.to + copy.memory:#x}"
            raise FormatError(
                f"the hypervisor's place {place} overlaps the bundle's {base:#x}-{end:#x}",
                advice="link the loader at an address above the hypervisor",
            )


def _strings(contents: Sequence[Content] | Sequence[Part]) -> list[bytes]:
    return [text.encode() + b"\0" for c in contents for text in (c.name, c.cmdline)]


def _table_size(contents: Sequence[Content], hypervisor: Hypervisor) -> int:
    fixed = TABLE.size + PART.size * len(contents) + COPY.size * len(hypervisor.copies)
    return fixed + sum(map(len, _strings(contents)))


def _table(at: int, contents: Sequence[Part], places: Sequence[int], hypervisor: Hypervisor) -> bytes:
    """The loader's table (loader/x86/bundle.h), as it lies at address `at`."""
    parts_at = at + TABLE.size
    copies_at = parts_at + PART.size * len(contents)
    strings_at = copies_at + COPY.size * len(hypervisor.copies)
    strings = _strings(contents)
    where = [strings_at + sum(map(len, strings[:i])) for i in range(len(strings))]
    rows = [
        PART.pack(where[2 * i], where[2 * i + 1], places[i], c.size, c.crc32, c.role != "hypervisor")
        for i, c in enumerate(contents)
    ]
    copies = [COPY.pack(places[0] + c.offset, c.to, c.size, c.memory) for c in hypervisor.copies]
    head = TABLE.pack(hypervisor.entry, where[1], parts_at, len(contents), copies_at, len(copies))
    return b"".join([head, *rows, *copies, *strings])
