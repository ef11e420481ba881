"""The Arm bundle: one arm64 Image or armv7 zImage that holds the loader (compose/loader/arm) and all parts.

Memory, from the bundle's first byte: loader, command lines, manifest, guests' nodes, buffer for the device tree; at
2 MiB Xen with its bss, then dom0's kernel and initramfs and those of guests that Xen starts, each at a page boundary.
All is used in place, and the file is as long as the memory, so a boot loader that knows the file's size alone keeps
off all of it.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.compose import dom0less, nodes, policy
from xenbuild.compose.dom0less import Booted, Partition
from xenbuild.compose.manifest import Manifest, Part, require_intact
from xenbuild.compose.policy import XSM_POLICY
from xenbuild.compose.toolchain import STRICT
from xenbuild.errors import DeclarationError, FormatError
from xenbuild.formats.armimage import (
    ARM64_MAGIC,
    ZIMAGE_MAGIC,
    parse_arm64_image,
    parse_zimage,
    require_whole,
    unpack,
)

if TYPE_CHECKING:
    from xenbuild.plan.action import Json
    from xenbuild.plan.job import Job

MIB = 1 << 20
PAGE = 4096
XEN_OFFSET = 2 * MIB
"""Linux' arm64/booting.rst has images at 2 MiB boundaries; Xen's own is kept there too."""
TREE_ROOM = 512 << 10
"""Least room for the device tree. Real ones have up to 200 KiB."""
XEN_MEMORY = 64 * MIB
"""Xen's own heap (at least 32 MiB, aligned to that, on arm32) and tables."""
DOM0_DEFAULT = 512 * MIB
"""What Xen gives dom0 without dom0_mem (xen/arch/arm/domain_build.c)."""
XEN_CMDLINE_MAX = 1023
"""xen/common/kernel.c: saved_cmdline[1024]."""

# struct bundle of loader/arm/bundle.h, at offset 64: magic, version, loader_size, total_size, memory_needed;
# extents (offset, size) of tree, xen_cmdline, dom0_cmdline, manifest, domains, parts, xen, kernel, initramfs.
TABLE_OFFSET = 64
TABLE = struct.Struct("<8s4I18I")
MAGIC, VERSION = b"xenbuild", 2
# struct part: extents of the part and of its title, crc32.
ROW = struct.Struct("<5I")

TITLES = {"xen": "Xen", "kernel": "the dom0 kernel", "initramfs": "the dom0 initramfs", XSM_POLICY: policy.TITLE}
ROLES = {"xen": "hypervisor", "kernel": "kernel", "initramfs": "initramfs"}


@dataclass(frozen=True, slots=True)
class Content:
    """A part before it has a place; `room` is the memory it uses from its first byte on.

    Names are xen, kernel, initramfs, and GUEST:ROLE for parts of guests.
    """

    name: str
    data: bytes
    room: int
    cmdline: str = ""

    @property
    def role(self) -> str:
        if self.name == XSM_POLICY:
            return policy.ROLE
        return ROLES.get(self.name) or f"guest {self.name.partition(':')[2].replace('_', ' ')}"

    @property
    def title(self) -> str:
        """What messages call it."""
        guest, _, role = self.name.partition(":")
        return TITLES.get(self.name) or f"the {role.replace('_', ' ')} of guest {guest}"


def loader_params(arch: str) -> dict[str, Json]:
    """Parameters of parts/compiler.py for the loader of "arm64" or "armv7": a flat, position independent file."""
    target, flags = {
        "arm64": ("aarch64-none-elf", ["-mcmodel=tiny", "-mgeneral-regs-only", "-mstrict-align"]),
        "armv7": ("arm-none-eabi", ["-march=armv7ve", "-marm", "-mfloat-abi=soft", "-mno-unaligned-access"]),
    }[arch]
    common = ["-fpie", "-fvisibility=hidden", "-fno-builtin", "-fno-jump-tables", *STRICT]
    return {
        "folders": ["common", "arm", f"arm/{arch}"],
        "target": target,
        "flags": [*common, *flags],
        "script": "arm/loader.lds",
        "symbols": {},
        "format": "binary",
    }


def run(job: Job) -> None:
    """Action: inputs loader (flat), xen, maybe kernel, initramfs and those of guests; outputs "bundle", "manifest".

    params: xen_cmdline, kernel_cmdline (strings), target ("arm64/xen", "armv7/xen"), declaration (digest, optional),
    partition (a compose.dom0less.Partition, optional).
    """
    target = str(job.params["target"])
    arch = target.split("/")[0]
    xen = read_xen(job.path("xen").read_bytes(), arch, str(job.params.get("xen_cmdline", "")))
    contents = [xen]
    if "kernel" in job.inputs:
        contents.append(read_kernel(job.path("kernel").read_bytes(), arch, str(job.params.get("kernel_cmdline", ""))))
    if "initramfs" in job.inputs:
        data = job.path("initramfs").read_bytes()
        contents.append(Content("initramfs", data, len(data)))
    if XSM_POLICY in job.inputs:
        data = job.path(XSM_POLICY).read_bytes()
        policy.check(data, xen.data)
        contents.append(Content(XSM_POLICY, data, len(data)))
    partition = Partition.from_json(job.params.get("partition", {}))
    for domain in partition.domains:
        contents += _read_guest(job, domain, arch)
    declaration = str(job.params.get("declaration", ""))
    loader = job.path("loader").read_bytes()
    manifest = write_bundle(job.out("bundle"), loader, contents, target, declaration, partition)
    require_intact(manifest, job)
    if "manifest" in job.action.outputs:
        job.out("manifest").write_bytes(manifest.to_bytes())


def read_xen(data: bytes, arch: str, cmdline: str) -> Content:
    """Checks a hypervisor's file; raises FormatError."""
    return _read("xen", "the hypervisor", data, arch, cmdline)


def read_kernel(data: bytes, arch: str, cmdline: str) -> Content:
    """Checks a dom0 kernel's file, unpacking one that Xen cannot (gzip, EFI zboot); raises FormatError."""
    return _read("kernel", "the dom0 kernel", data, arch, cmdline)


def _read_guest(job: Job, domain: Booted, arch: str) -> Iterator[Content]:
    for role in dom0less.ROLES:
        name = f"{domain.name}:{role}"
        if name in job.inputs:
            data = job.path(name).read_bytes()
            if role == "kernel":
                yield _read(name, f"the kernel of guest {domain.name}", data, arch, domain.cmdline)
            else:
                yield Content(name, data, len(data))


def _read(name: str, title: str, data: bytes, arch: str, cmdline: str) -> Content:
    try:
        data = unpack(data)
        if arch == "arm64":
            room = parse_arm64_image(data).image_size
        else:
            image = parse_zimage(data)
            if name != "xen":
                require_whole(image, data)
            room = image.size
    except FormatError as error:
        raise FormatError(f"{title} for {arch}: {error.message}", advice=error.advice) from error
    return Content(name, data, max(room, len(data)), cmdline)


def write_bundle(
    out: Path,
    loader: bytes,
    contents: Sequence[Content],
    target: str,
    declaration: str = "",
    partition: Partition = Partition(),  # noqa: B008 - frozen
) -> Manifest:
    """Writes the bundle; the contents are Xen and all that it starts. Raises XenbuildError."""
    _check_cmdlines(contents)
    named = {c.name: c for c in contents}
    table = _read_table(loader)
    if table is None:
        raise FormatError("the loader's file is no Arm loader", advice="build it by compose.toolchain")
    offsets, total = _place(contents)
    sizes = {c.name: c.room for c in contents}
    modules = len(set(offsets)) - 1
    dom0less.check(partition, sizes, contents[0].data, dom0="kernel" in named, modules=modules)
    parts = tuple(Part.of(c.name, c.role, c.data, at, c.cmdline) for c, at in zip(contents, offsets, strict=True))
    places = {part.name: (part.offset, part.size) for part in parts}
    manifest = Manifest(target, parts, declaration)
    kernel_cmdline = named["kernel"].cmdline.encode() if "kernel" in named else b""
    texts = [named["xen"].cmdline.encode(), kernel_cmdline, manifest.to_bytes(), _nodes(partition, places, named)]
    front, extents = _front(table[2], texts, parts, contents)
    for name in ROLES:
        extents += places.get(name, (0, 0))
    memory = sum(domain.total for domain in partition.domains)
    if "kernel" in named:
        memory += dom0_memory(named["xen"].cmdline)
    head = bytearray(loader)
    needed = _mib(total + XEN_MEMORY + memory)
    TABLE.pack_into(head, TABLE_OFFSET, MAGIC, VERSION, table[2], total, needed, *extents)
    _patch_header(head, total)
    with out.open("wb") as file:
        file.write(head)
        file.seek(table[2])
        file.write(front)
        for part, content in zip(parts, contents, strict=True):
            file.seek(part.offset)
            file.write(content.data)
        file.truncate(total)
    return manifest


def _nodes(partition: Partition, places: Mapping[str, tuple[int, int]], named: Mapping[str, Content]) -> bytes:
    """What the loader merges into /chosen; nothing if Xen starts dom0 only."""
    if not partition and XSM_POLICY not in places:
        return b""
    trees = {domain.name: named.get(f"{domain.name}:device_tree") for domain in partition.domains}
    devices = {name: dom0less.passed_through(tree.data, name) for name, tree in trees.items() if tree}
    return nodes.tree(partition, places, devices)


def dom0_memory(xen_cmdline: str) -> int:
    """Bytes that Xen gives dom0. Xen takes the last dom0_mem; a number without a unit counts KiB."""
    found = re.findall(r"(?:^|\s)dom0_mem=(?:max:)?(\d+)([bBkKmMgGtT]?)", xen_cmdline)
    if not found:
        return DOM0_DEFAULT
    number, unit = found[-1]
    return int(number) << {"b": 0, "k": 10, "m": 20, "g": 30, "t": 40}[unit.lower() or "k"]


def manifest_extent(data: bytes | memoryview) -> tuple[int, int] | None:
    """Where an Arm bundle's manifest begins, and its size; None if these are not the first bytes of one."""
    table = _read_table(data)
    return (table[11], table[12]) if table and table[12] else None


def _read_table(data: bytes | memoryview) -> tuple[int, ...] | None:
    """The table's numbers (version, loader_size, total_size, …) behind a place for the magic; None if there is none."""
    if len(data) < TABLE_OFFSET + TABLE.size:
        return None
    if data[56:60] != ARM64_MAGIC and struct.unpack_from("<I", data, 0x24)[0] != ZIMAGE_MAGIC:
        return None
    magic, *numbers = TABLE.unpack_from(data, TABLE_OFFSET)
    if magic != MAGIC or numbers[0] != VERSION:
        return None
    return (0, *numbers)


def _patch_header(head: bytearray, total: int) -> None:
    """The size of the whole in the boot protocol's header, and on armv7 in that of the UEFI application."""
    if head[56:60] == ARM64_MAGIC:
        struct.pack_into("<Q", head, 16, total)
        return
    struct.pack_into("<I", head, 0x2C, total)
    (pe,) = struct.unpack_from("<I", head, 0x3C)
    if pe:
        optional, section = pe + 24, pe + 24 + struct.unpack_from("<H", head, pe + 20)[0]
        headers = struct.unpack_from("<I", head, optional + 60)[0]
        struct.pack_into("<I", head, optional + 56, total)
        for at in (optional + 4, section + 8, section + 16):
            struct.pack_into("<I", head, at, total - headers)


def _check_cmdlines(contents: Sequence[Content]) -> None:
    for content in contents:
        if "\0" in content.cmdline or "\n" in content.cmdline:
            raise DeclarationError(f"the command line of {content.name} must be one line of text")
    size = len(contents[0].cmdline.encode())
    if size > XEN_CMDLINE_MAX:
        raise DeclarationError(
            f"Xen's command line has {size} bytes", advice=f"Xen reads no more than {XEN_CMDLINE_MAX}: shorten it"
        )


def _place(contents: Sequence[Content]) -> tuple[list[int], int]:
    """The parts' offsets and the end of the last one's room. Equal modules lie, and count for Xen, once."""
    offsets: list[int] = []
    at = XEN_OFFSET
    known: dict[tuple[str, bytes], int] = {}
    for content in contents:
        key = (content.name.rpartition(":")[2], content.data)
        if key not in known:
            known[key] = at
            at = _page(at + content.room)
        offsets.append(known[key])
    if at >= 1 << 31:
        raise FormatError(f"the bundle would have {_mib(at)} MiB", advice="make the initramfs smaller: below 2 GiB")
    return offsets, at


def _front(
    start: int, texts: Sequence[bytes], parts: Sequence[Part], contents: Sequence[Content]
) -> tuple[bytes, list[int]]:
    """What lies between the loader and Xen: the texts, the last one the guests' nodes, and the rows of parts.

    Returns it with the extents of the tree's buffer, of each text, and of the rows. What the loader reads in words
    begins at a multiple of 8.
    """
    front = bytearray()
    extents: list[int] = []

    def put(text: bytes) -> tuple[int, int]:
        front.extend(bytes(-(start + len(front)) % 8))
        front.extend(text)
        return start + len(front) - len(text), len(text)

    for text in texts:
        extents += put(text)
    nodes = (*extents[-2:], *put(b"the device tree of the guests"), zlib.crc32(texts[-1]))
    rows = [ROW.pack(*nodes)] if texts[-1] else []
    seen: set[int] = set()
    for part, content in zip(parts, contents, strict=True):
        if part.offset not in seen:
            rows.append(ROW.pack(part.offset, part.size, *put(content.title.encode()), part.crc32))
        seen.add(part.offset)
    extents += put(b"".join(rows))
    tree = _page(start + len(front))
    if tree + TREE_ROOM > XEN_OFFSET:
        raise FormatError("the command lines and the manifest are too long", advice="1 MiB is there for them")
    return bytes(front), [tree, XEN_OFFSET - tree, *extents]


def _page(size: int) -> int:
    return -(-size // PAGE) * PAGE


def _mib(size: int) -> int:
    return -(-size // MIB)
