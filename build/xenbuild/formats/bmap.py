"""Block maps in the format of bmap-tools, version 2.0: which blocks of a disk image matter, with their checksums.

Blocks that the map leaves out may hold anything once the image is written. The file vouches for itself: its checksum
is that of its own text with zeros in the checksum's place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from xenbuild.errors import FormatError

BLOCK = 4096  # bytes; what bmaptool makes its maps of
_NONE = "0" * 64  # where the file's own checksum will stand
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")


@dataclass(frozen=True, slots=True)
class Range:
    """Blocks `first` to `last`, both included, and the SHA-256 of their bytes ("" if nobody computed it)."""

    first: int
    last: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class BlockMap:
    """The map of an image of `size` bytes; its last block may be cut short by the end of the image."""

    size: int
    ranges: tuple[Range, ...]
    block: int = BLOCK

    @property
    def blocks(self) -> int:
        return -(-self.size // self.block)

    @property
    def mapped(self) -> int:
        """How many bytes of the image the ranges cover."""
        return sum(end - start for start, end in map(self.extent, self.ranges))

    def extent(self, range: Range) -> tuple[int, int]:
        """First byte of a range, and the one behind its last."""
        return range.first * self.block, min((range.last + 1) * self.block, self.size)


def write_bmap(map: BlockMap) -> bytes:
    """The map as bmaptool reads it; every range must have its checksum."""
    mapped = sum(range.last - range.first + 1 for range in map.ranges)
    lines = [
        '<?xml version="1.0" ?>',
        '<bmap version="2.0">',
        f"    <ImageSize>{map.size}</ImageSize>",
        f"    <BlockSize>{map.block}</BlockSize>",
        f"    <BlocksCount>{map.blocks}</BlocksCount>",
        f"    <MappedBlocksCount>{mapped}</MappedBlocksCount>",
        "    <ChecksumType>sha256</ChecksumType>",
        f"    <BmapFileChecksum>{_NONE}</BmapFileChecksum>",
        "    <BlockMap>",
        *(f'        <Range chksum="{range.sha256}">{_blocks(range)}</Range>' for range in map.ranges),
        "    </BlockMap>",
        "</bmap>",
    ]
    text = "".join(f"{line}\n" for line in lines).encode()
    return text.replace(_NONE.encode(), hashlib.sha256(text).hexdigest().encode(), 1)


def _blocks(range: Range) -> str:
    return str(range.first) if range.first == range.last else f"{range.first}-{range.last}"


def read_bmap(data: bytes, name: str) -> BlockMap:
    """Read a map; `name` is the file that messages speak of. Raises FormatError for any that is not whole and sound."""
    try:
        root = _root(data)
        if root.tag != "bmap" or root.get("version") != "2.0":
            version = root.get("version") if root.tag == "bmap" else None
            what = f"is a block map of version {version}" if version else "is no block map"
            raise FormatError(f"{name} {what}", advice="version 2.0 is read; remove the file to do without it")
        if _text(root, "ChecksumType") != "sha256":
            raise ValueError("its checksums are not SHA-256")
        _check_own(data, _text(root, "BmapFileChecksum"))
        map = BlockMap(_number(root, "ImageSize"), tuple(_ranges(root)), _number(root, "BlockSize"))
        _check_ranges(map, _number(root, "BlocksCount"), _number(root, "MappedBlocksCount"))
        return map
    except (ElementTree.ParseError, ValueError, RecursionError) as error:
        advice = "make the image again, or remove the map: it is then made anew"
        raise FormatError(f"{name} is damaged: {error}", advice=advice) from None


def _root(data: bytes) -> ElementTree.Element:
    if b"<!" in data.replace(b"<!--", b""):
        raise ValueError("it declares entities, which a block map has no use for")
    return ElementTree.fromstring(data)


def _text(root: ElementTree.Element, tag: str) -> str:
    text = (root.findtext(tag) or "").strip()
    if not text:
        raise ValueError(f"it has no {tag}")
    return text


def _number(root: ElementTree.Element, tag: str) -> int:
    text = _text(root, tag)
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise ValueError(f"{tag} is no number")
    return int(text)


def _check_own(data: bytes, own: str) -> None:
    if not _SHA256.fullmatch(own) or data.count(own.encode()) != 1:
        raise ValueError("its own checksum is none")
    if hashlib.sha256(data.replace(own.encode(), _NONE.encode())).hexdigest() != own:
        raise ValueError("it does not match its own checksum")


def _ranges(root: ElementTree.Element) -> list[Range]:
    ranges = []
    for node in root.iterfind("BlockMap/Range"):
        match, sha256 = _RANGE.fullmatch((node.text or "").strip()), node.get("chksum", "")
        if match is None or not _SHA256.fullmatch(sha256):
            raise ValueError("a range is not of the form FIRST-LAST with its checksum")
        ranges.append(Range(int(match[1]), int(match[2] or match[1]), sha256))
    return ranges


def _check_ranges(map: BlockMap, blocks: int, mapped: int) -> None:
    if not map.block or map.block % 512:
        raise ValueError("its blocks are no whole sectors")
    if map.blocks != blocks:
        raise ValueError(f"an image of {map.size} bytes has {map.blocks} blocks, not {blocks}")
    behind = 0
    for range in map.ranges:
        if not behind <= range.first <= range.last < blocks:
            raise ValueError(f"the blocks {_blocks(range)} overlap others, or lie outside the image")
        behind = range.last + 1
    if sum(range.last - range.first + 1 for range in map.ranges) != mapped:
        raise ValueError("MappedBlocksCount is not the sum of the ranges")


def merge(extents: Sequence[tuple[int, int]], size: int, block: int = BLOCK) -> tuple[Range, ...]:
    """The ranges of whole blocks that cover extents (first byte, byte behind the last) of an image of `size` bytes."""
    ranges: list[Range] = []
    for start, end in sorted(extents):
        if start >= (end := min(end, size)):
            continue
        first, last = start // block, (end - 1) // block
        if ranges and first <= ranges[-1].last + 1:
            ranges[-1] = Range(ranges[-1].first, max(last, ranges[-1].last))
        else:
            ranges.append(Range(first, last))
    return tuple(ranges)
