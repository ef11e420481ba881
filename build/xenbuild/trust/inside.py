"""What stands in media: the files of their file systems, archives and sections, and the parts among them.

Media are recognised by their bytes. A part is a file whose name says so (`kernel`), a section of a unified UEFI
application (`.kernel`), or is in a bundle, which is looked into wherever it lies.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from xenbuild.compose.inspect import bundle_report
from xenbuild.compose.manifest import UNIFIED
from xenbuild.errors import FormatError, IntegrityError
from xenbuild.formats.fatread import is_fat, read_fat
from xenbuild.formats.fdt import MAGIC as FDT
from xenbuild.formats.fdt import parse_fdt
from xenbuild.formats.gpt import is_gpt, read_gpt
from xenbuild.formats.isoread import is_iso, read_iso
from xenbuild.formats.mbr import one_partition
from xenbuild.formats.pe import is_pe, read_pe
from xenbuild.formats.qcow2 import MAGIC as QCOW2
from xenbuild.formats.qcow2 import read_qcow2
from xenbuild.formats.vmdk import MAGIC as VMDK
from xenbuild.formats.vmdk import read_vmdk

Data = bytes | memoryview
PARTS = frozenset({"xen", *UNIFIED})  # names of files that are parts, where nobody tells
_TAR_AT = 257  # of the magic number of an archive
_TITLE = "org.opencontainers.image.title"
_ADVICE = "build or copy the images again"


@dataclass(slots=True)
class Inside:
    """The parts of an image: (size, SHA-256, command line or "") by name, and how often they were found."""

    parts: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    found: int = 0


def parts_in(path: Path, told: Mapping[str, str] | None = None) -> Inside:
    """The parts in an image, a file or a folder. `told`: SHA-256 by name, as somebody else says.

    Raises IntegrityError for a part that is damaged, is not what was told or is another one elsewhere in the image;
    FormatError for a medium that is damaged.
    """
    inside = Inside()
    for place, data in _files_of(path):
        report = bundle_report(data, place)
        if report is not None:
            if report.damage:
                raise IntegrityError(f"{place} is damaged: {'; '.join(report.damage)}", advice=_ADVICE)
            parts = report.facts.get("parts", [])
            if told is not None and parts and {part["name"] for part in parts} != told.keys():
                raise IntegrityError(f"{place} does not hold the parts that manifest.json tells of", advice=_ADVICE)
            for part in parts:
                _add(inside, place, part["name"], (part["size"], part["sha256"], part["cmdline"]), told)
            continue
        name = place.replace(": ", "/").rpartition("/")[2]
        if name in (PARTS if told is None else told):
            _add(inside, place, name, (len(data), sha256(data).hexdigest(), ""), told)
    return inside


def _add(inside: Inside, place: str, name: str, part: tuple[int, str, str], told: Mapping[str, str] | None) -> None:
    wanted = told.get(name) if told is not None else inside.parts.get(name, part)[1]
    if part[1] != wanted:
        says = "manifest.json tells of" if told is not None else "is elsewhere in the image"
        raise IntegrityError(f"{place}: its part {name!r} is not the one that {says}", advice=_ADVICE)
    if name not in inside.parts or part[2]:
        inside.parts[name] = part
    inside.found += 1


def _files_of(path: Path) -> Iterator[tuple[str, Data]]:
    """(where it is, content) of every file in an image."""
    if not path.is_dir():
        yield from files_in(_mapped(path), str(path))
    elif (path / "oci-layout").is_file():
        yield from _layout(path)
    else:
        files = sorted(one for one in path.rglob("*") if one.is_file())
        yield from _nested({str(file): _mapped(file) for file in files}, "")


def _mapped(path: Path) -> Data:
    try:
        with path.open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except ValueError:
        return b""  # an empty file
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror}", advice="check the path") from None


def files_in(data: Data, place: str) -> Iterator[tuple[str, Data]]:
    """The files in what is a medium, or the file itself. Raises FormatError for a medium that is damaged."""
    magic = bytes(data[:4])
    if magic == QCOW2:
        yield from files_in(read_qcow2(data, place), place)
    elif magic == VMDK:
        yield from files_in(read_vmdk(data, place), place)
    elif is_iso(data):
        yield from _nested(read_iso(data, place), f"{place}: ")
    elif is_gpt(data):
        for part in read_gpt(data, place).partitions:
            inside = data[part.offset : part.offset + part.size]
            if is_fat(inside):
                yield from _nested(read_fat(inside, f"{place}: {part.name}").files, f"{place}: {part.name}/")
    elif bytes(data[_TAR_AT : _TAR_AT + 5]) == b"ustar":
        yield from _in_tar(data, place)
    elif is_pe(data):
        sections = dict(_sections(data, place))
        yield from (sections or {place: data}).items()
    elif (part_at := one_partition(data)) and is_fat(data[part_at:]):
        yield from _nested(read_fat(data[part_at:], place).files, f"{place}: ")
    else:
        yield place, data


def _nested(files: Mapping[str, Data], prefix: str) -> Iterator[tuple[str, Data]]:
    """The files of a medium; for a FIT, those in it."""
    for name, data in files.items():
        if int.from_bytes(bytes(data[:4])) == FDT:
            yield from _in_fit(bytes(data), prefix + name)
        else:
            yield prefix + name, data


def _in_tar(data: Data, place: str) -> Iterator[tuple[str, Data]]:
    import io
    import tarfile

    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            members = [(one.name, one.offset_data, one.size) for one in archive if one.isreg()]
    except tarfile.TarError as error:
        raise FormatError(f"{place} is damaged: {error}", advice=_ADVICE) from None
    yield from _nested({name: data[start : start + size] for name, start, size in members}, f"{place}: ")


def _in_fit(data: bytes, place: str) -> Iterator[tuple[str, Data]]:
    """The images of a FIT; a device tree that is none has none."""
    images = parse_fdt(data).root.child("images")
    for node in images.children if images else ():
        if content := node.properties.get("data"):
            yield f"{place}/{node.name}", content


def _sections(data: Data, place: str) -> Iterator[tuple[str, Data]]:
    """The parts of a unified UEFI application."""
    names = {label: name for name, label in UNIFIED.items()}
    for section in read_pe(data, place).sections:
        if section.name in names:
            end = section.offset + min(section.size, section.memory)
            yield f"{place}: {section.name}/{names[section.name]}", data[section.offset : end]


def _layout(path: Path) -> Iterator[tuple[str, Data]]:
    """The files of an OCI layout, by their titles; each blob has to be what its name says."""
    try:
        index = json.loads((path / "index.json").read_bytes())
        for listed in index["manifests"]:
            for layer in json.loads(_blob(path, listed["digest"]))["layers"]:
                yield f"{path}: {layer['annotations'][_TITLE]}", _blob(path, layer["digest"])
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        raise FormatError(f"{path} is damaged: its index cannot be read", advice=_ADVICE) from None


def _blob(path: Path, digest: str) -> bytes:
    algorithm, _, name = digest.partition(":")
    content = bytes(_mapped(path / "blobs" / algorithm / Path(name).name))
    if algorithm != "sha256" or sha256(content).hexdigest() != name:
        raise IntegrityError(f"{path} is damaged: its blob {name[:16]}… is not what its name says", advice=_ADVICE)
    return content
