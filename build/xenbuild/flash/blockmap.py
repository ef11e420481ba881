"""Which blocks of an image have to be written: by the map beside it, or by asking its file system for holes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xenbuild.errors import FormatError
from xenbuild.formats.bmap import BLOCK, BlockMap, merge, read_bmap
from xenbuild.store.files import data_of, in_words


@dataclass(frozen=True, slots=True)
class Plan:
    """A map, and whether what it leaves out has to read as zeros.

    A map beside the image was made by who knows what its file systems need. Holes that are found are only zeros, and
    zeros can mean something: free clusters in a FAT, for instance.
    """

    map: BlockMap
    clear: bool


def plan(image: Path) -> Plan:
    """The map beside the image (NAME.raw.bmap or NAME.bmap) if there is one, else one of its holes, unhashed.

    Raises FormatError for a map that is damaged or another image's.
    """
    with in_words(image):
        size = image.stat().st_size
    for beside in (image.with_name(image.name + ".bmap"), image.with_suffix(".bmap")):
        if beside.is_file() and beside != image:
            with in_words(beside):
                map = read_bmap(beside.read_bytes(), str(beside))
            if map.size != size:
                message = f"{beside} maps an image of {map.size} bytes; {image.name} has {size}"
                raise FormatError(message, advice="remove the map, or build the image again")
            if map.block % BLOCK:
                raise FormatError(f"{beside} maps blocks of {map.block} bytes", advice="remove it: it is not needed")
            return Plan(map, clear=False)
    with in_words(image), image.open("rb") as file:
        return Plan(BlockMap(size, merge(list(data_of(file.fileno(), size)), size)), clear=True)
