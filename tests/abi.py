"""Numbers and layouts of two sets of C headers, as the compiler has them, for tests that compare them.

A translation unit of either set is compiled to an object, whose data are the constants and whose debug information
has the structures; nothing is run, so any architecture will do.
"""

from __future__ import annotations

import re
import shlex
import struct
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_ENUM = re.compile(r"\benum\s+(?:\w+\s*)?\{(.*?)\}", re.DOTALL)
_DEFINE = re.compile(r"^#define +(\w+)[ \t]+(?:[^\\\n]|\\\n)+$", re.MULTILINE)
_STRUCT = re.compile(r"^struct (\w+) \{", re.MULTILINE)
_PADDING = re.compile(r"(^|[._])_?(pad|rsvd|space)\d*$")


@dataclass(frozen=True)
class Layout:
    """A structure: its size, and offset and size of everything in it by its path ("a.b")."""

    size: int
    fields: Mapping[str, tuple[int, int]]

    def without_padding(self) -> dict[str, tuple[int, int]]:
        return {path: place for path, place in self.fields.items() if not _PADDING.search(path)}


def constants_in(headers: Sequence[Path]) -> list[str]:
    """The names of all constants that headers define, by enum or #define."""
    found: dict[str, None] = {}
    for header in headers:
        text = _COMMENT.sub(" ", header.read_text())
        for body in _ENUM.findall(text):
            found.update(dict.fromkeys(re.findall(r"(?:^|,)\s*(\w+)", body)))
        found.update(dict.fromkeys(_DEFINE.findall(text)))
    return list(found)


def structures_in(headers: Sequence[Path]) -> list[str]:
    """The names of all structures that headers define at their left margin."""
    return [name for header in headers for name in _STRUCT.findall(_COMMENT.sub(" ", header.read_text()))]


@dataclass(frozen=True)
class Compiler:
    """How a set of headers is compiled."""

    program: Sequence[str]  # clang
    flags: Sequence[str]
    preamble: str  # what includes them

    def measure(
        self, constants: Sequence[str], structures: Sequence[str], folder: Path
    ) -> tuple[list[int], list[Layout]]:
        """The values of constant expressions, and the layouts of types ("struct x")."""
        folder.mkdir(parents=True, exist_ok=True)
        values = "".join(f"\t(unsigned long long)({name}),\n" for name in [*constants, "0"])
        named = "".join(f"{name} measured_{n};\n" for n, name in enumerate(structures))
        source = folder / "measured.c"
        source.write_text(f"{self.preamble}\nconst unsigned long long values[] = {{\n{values}}};\n{named}")
        made = folder / "measured.o"
        for step in self._steps([*self.program, *self.flags, "-g", "-c", str(source), "-o", str(made)]):
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        with made.open("rb") as stream:
            elf = ELFFile(stream)
            return _values(elf, len(constants)), _layouts(elf, len(structures))

    def _steps(self, argv: list[str]) -> Iterator[list[str]]:
        """What clang's driver would start: it cannot start itself where the tests have it from."""
        printed = subprocess.run([*argv, "-###"], capture_output=True, text=True, check=True).stderr
        for line in printed.splitlines():
            if line.startswith(' "'):
                yield [*self.program, *shlex.split(line)[1:]]


def _values(elf: Any, count: int) -> list[int]:
    symbol = elf.get_section_by_name(".symtab").get_symbol_by_name("values")[0]
    data = elf.get_section(symbol["st_shndx"]).data()[symbol["st_value"] :]
    return list(struct.unpack_from(f"<{count}Q", data))


def _layouts(elf: Any, count: int) -> list[Layout]:
    found: dict[str, Layout] = {}
    for unit in elf.get_dwarf_info(relocate_dwarf_sections=True).iter_CUs():
        for die in unit.get_top_DIE().iter_children():
            name = die.attributes.get("DW_AT_name")
            if die.tag == "DW_TAG_variable" and name and name.value.startswith(b"measured_"):
                kind = _bare(die.get_DIE_from_attribute("DW_AT_type"))
                found[name.value.decode()] = Layout(_size(kind), dict(_fields(kind, "", 0)))
    return [found[f"measured_{n}"] for n in range(count)]


def _fields(kind: DIE, prefix: str, base: int) -> Iterator[tuple[str, tuple[int, int]]]:
    for member in kind.iter_children():
        if member.tag != "DW_TAG_member":
            continue
        name = member.attributes["DW_AT_name"].value.decode() if "DW_AT_name" in member.attributes else ""
        place = member.attributes.get("DW_AT_data_member_location")
        at = base + (place.value if place else 0)
        inner = _bare(member.get_DIE_from_attribute("DW_AT_type"))
        path = f"{prefix}.{name}" if prefix and name else prefix or name
        if name:
            yield path, (at, _size(inner))
        if _is_compound(inner):
            yield from _fields(inner, path, at)
        elif inner.tag == "DW_TAG_array_type":
            element = _bare(inner.get_DIE_from_attribute("DW_AT_type"))
            if _is_compound(element):
                yield from _fields(element, f"{path}[]", at)


def _is_compound(kind: DIE) -> bool:
    """Whether there is more to say of it: Xen's guest handles are pointers, whatever they are made of."""
    name = kind.attributes.get("DW_AT_name")
    handle = bool(name) and name.value.startswith(b"__guest_handle")
    return kind.tag in ("DW_TAG_structure_type", "DW_TAG_union_type") and not handle


def _bare(kind: DIE) -> DIE:
    while kind.tag in ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type"):
        kind = kind.get_DIE_from_attribute("DW_AT_type")
    return kind


def _size(kind: DIE) -> int:
    if "DW_AT_byte_size" in kind.attributes:
        return int(kind.attributes["DW_AT_byte_size"].value)
    if kind.tag == "DW_TAG_pointer_type":
        return int(kind.cu["address_size"])
    assert kind.tag == "DW_TAG_array_type", kind
    counts = [d.attributes["DW_AT_count"].value for d in kind.iter_children() if "DW_AT_count" in d.attributes]
    size = _size(_bare(kind.get_DIE_from_attribute("DW_AT_type")))
    for count in counts:
        size *= count
    return size
