"""Flattened device trees (Devicetree Specification v0.4, chapter 5), read and written."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from xenbuild.errors import FormatError

MAGIC = 0xD00DFEED
_BEGIN, _END_NODE, _PROP, _NOP, _END = 1, 2, 3, 4, 9
_HEADER = struct.Struct(">10I")
_MAX_DEPTH = 64
_ADVICE = "check it with `dtc -I dtb -O dts`"


@dataclass(slots=True)
class Node:
    """A node: its properties' bytes by name, and its children in their order."""

    name: str
    properties: dict[str, bytes] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    def child(self, name: str) -> Node | None:
        return next((c for c in self.children if c.name == name), None)

    def find(self, path: str) -> Node | None:
        """The node at a path such as "/chosen/module@0", from this node on."""
        node: Node | None = self
        for name in path.split("/"):
            if name and node:
                node = node.child(name)
        return node

    def strings(self, name: str) -> list[str]:
        """A property's list of strings; empty if it is absent."""
        value = self.properties.get(name, b"")
        return [s.decode("utf-8", "replace") for s in value.split(b"\0")[:-1]]

    def cells(self, name: str) -> list[int]:
        """A property's 32-bit numbers; empty if it is absent."""
        value = self.properties.get(name, b"")
        return [n for (n,) in struct.iter_unpack(">I", value[: len(value) & ~3])]


@dataclass(slots=True)
class DeviceTree:
    """A tree, the ranges of memory that it reserves as (address, size), and its boot processor."""

    root: Node
    reserved: list[tuple[int, int]] = field(default_factory=list)
    boot_cpu: int = 0


def cells(*numbers: int) -> bytes:
    """A property of 32-bit numbers."""
    return struct.pack(f">{len(numbers)}I", *numbers)


def strings(*texts: str) -> bytes:
    """A property of strings."""
    return b"".join(t.encode() + b"\0" for t in texts)


def _damaged(what: str) -> FormatError:
    return FormatError(f"the device tree is damaged: {what}", advice=_ADVICE)


def parse_fdt(data: bytes) -> DeviceTree:
    """Reads a version 16 or 17 tree; raises FormatError."""
    if len(data) < _HEADER.size or struct.unpack_from(">I", data)[0] != MAGIC:
        raise FormatError("not a flattened device tree", advice=_ADVICE)
    _, total, structure, names, reserved, version, compatible, boot_cpu, names_size, structure_size = (
        _HEADER.unpack_from(data)
    )
    if version < 17 or compatible > 17:
        raise FormatError(f"the device tree is of version {version}, not 17", advice=_ADVICE)
    if total > len(data):
        raise _damaged(f"{len(data)} of {total} bytes are there")
    if structure + structure_size > total or names + names_size > total:
        raise _damaged("a block lies outside")
    reader = _Reader(data[structure : structure + structure_size], data[names : names + names_size])
    return DeviceTree(reader.tree(), _reservations(data[:total], reserved), boot_cpu)


def _reservations(data: bytes, at: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while at + 16 <= len(data):
        address, size = struct.unpack_from(">QQ", data, at)
        if not address and not size:
            return found
        found.append((address, size))
        at += 16
    raise _damaged("the list of reserved memory has no end")


class _Reader:
    def __init__(self, structure: bytes, names: bytes) -> None:
        self.structure = structure
        self.names = names
        self.at = 0

    def tree(self) -> Node:
        if self.token() != _BEGIN:
            raise _damaged("it has no root")
        root = self.node(0)
        if self.token() != _END:
            raise _damaged("there is more behind the root")
        return root

    def number(self) -> int:
        if self.at + 4 > len(self.structure):
            raise _damaged("it ends early")
        (n,) = struct.unpack_from(">I", self.structure, self.at)
        self.at += 4
        return int(n)

    def token(self) -> int:
        while (tag := self.number()) == _NOP:
            pass
        return tag

    def align(self) -> None:
        self.at = (self.at + 3) & ~3

    def node(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise _damaged(f"it is deeper than {_MAX_DEPTH} nodes")
        node = Node(_string(self.structure, self.at))
        self.at += len(node.name.encode("latin-1")) + 1
        self.align()
        while (tag := self.token()) != _END_NODE:
            if tag == _BEGIN:
                node.children.append(self.node(depth + 1))
            elif tag == _PROP and not node.children:
                size, name = self.number(), self.number()
                if self.at + size > len(self.structure):
                    raise _damaged("a property lies outside")
                node.properties[_string(self.names, name)] = self.structure[self.at : self.at + size]
                self.at += size
                self.align()
            else:
                raise _damaged(f"token {tag} at {self.at - 4:#x}")
        return node


def _string(block: bytes, at: int) -> str:
    end = block.find(b"\0", at)
    if at > len(block) or end < 0:
        raise _damaged("a name has no end")
    return block[at:end].decode("latin-1")


def write_fdt(tree: DeviceTree) -> bytes:
    """The tree as bytes of version 17; names of properties are kept once, in order of first use."""
    names: dict[str, int] = {}
    names_block = bytearray()
    body = bytearray()

    def pad() -> None:
        body.extend(bytes(-len(body) % 4))

    def put(node: Node) -> None:
        body.extend(struct.pack(">I", _BEGIN) + node.name.encode("latin-1") + b"\0")
        pad()
        for name, value in node.properties.items():
            if name not in names:
                names[name] = len(names_block)
                names_block.extend(name.encode("latin-1") + b"\0")
            body.extend(struct.pack(">III", _PROP, len(value), names[name]) + value)
            pad()
        for child in node.children:
            put(child)
        body.extend(struct.pack(">I", _END_NODE))

    put(tree.root)
    body.extend(struct.pack(">I", _END))
    reserved = b"".join(struct.pack(">QQ", *r) for r in [*tree.reserved, (0, 0)])
    structure = _HEADER.size + len(reserved)
    strings_at = structure + len(body)
    header = _HEADER.pack(
        MAGIC, strings_at + len(names_block), structure, strings_at, _HEADER.size, 17, 16,
        tree.boot_cpu, len(names_block), len(body),
    )  # fmt: skip
    return header + reserved + bytes(body) + bytes(names_block)


def walk(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """All nodes with their paths, parents first."""
    yield path or "/", node
    for child in node.children:
        yield from walk(child, f"{path}/{child.name}")
