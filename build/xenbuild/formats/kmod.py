"""Linux kernel modules: what a .ko says of itself in its section .modinfo (Linux, include/linux/module.h)."""

from __future__ import annotations

import gzip
import lzma
import re
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from xenbuild.errors import FormatError
from xenbuild.formats.elf import Elf

_SUFFIX = re.compile(r"\.ko(\.xz|\.gz|\.zst)?$")


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """The keys of .modinfo that order loading. Names are in the kernel's spelling, with underscores."""

    name: str
    depends: tuple[str, ...]  # must be loaded before
    softdeps: tuple[str, ...]  # "pre:" of softdep: are loaded before, where they exist
    vermagic: str


def module_name(path: str) -> str:
    """The kernel's name of a module file or of a name as people write it: `xen-gntdev.ko.xz` is `xen_gntdev`."""
    return _SUFFIX.sub("", PurePosixPath(path).name).replace("-", "_")


def is_module(path: str) -> bool:
    """Whether a path looks like a kernel module's."""
    return _SUFFIX.search(path) is not None


def decompress(path: str, data: bytes) -> bytes:
    """The module's ELF file; the path's suffix tells how it is packed. Raises FormatError."""
    try:
        if path.endswith(".xz"):
            return lzma.decompress(data)
        if path.endswith(".gz"):
            return gzip.decompress(data)
        if path.endswith(".zst"):
            return _unzstd(data)
    except (lzma.LZMAError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FormatError(f"kernel module {path} is damaged: {error}") from None
    return data


def _unzstd(data: bytes) -> bytes:
    import zstandard

    decoder = zstandard.ZstdDecompressor().decompressobj()
    try:
        content = decoder.decompress(data)
    except zstandard.ZstdError as error:
        raise EOFError(str(error)) from None
    if not decoder.eof:
        raise EOFError("the zstd frame is cut short")
    return content


def read_modinfo(data: bytes, path: str) -> ModuleInfo:
    """Reads an unpacked module; raises FormatError if it is damaged or none."""
    elf = Elf.parse(data, f"kernel module {path}")
    section = next((section for section in elf.sections if section.name == ".modinfo"), None)
    if section is None:
        raise FormatError(f"kernel module {path} has no section .modinfo")
    return parse_modinfo(bytes(elf.slice(section.offset, section.size, ".modinfo")), path)


def parse_modinfo(section: bytes, path: str) -> ModuleInfo:
    """Reads the section: `key=value` strings that end with NUL."""
    values: dict[str, list[str]] = {}
    for item in section.split(b"\0"):
        key, equals, value = item.decode("utf-8", "replace").partition("=")
        if equals:
            values.setdefault(key, []).append(value)
    depends = [module_name(name) for text in values.get("depends", []) for name in text.split(",") if name]
    soft: list[str] = []
    for text in values.get("softdep", []):
        before = False
        for word in text.split():
            if word in ("pre:", "post:"):
                before = word == "pre:"
            elif before:
                soft.append(module_name(word))
    name = values.get("name", [module_name(path)])[0]
    return ModuleInfo(name, tuple(depends), tuple(soft), values.get("vermagic", [""])[0])
