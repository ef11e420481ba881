"""How large an ext4 file system has to be for given files (Linux, Documentation/filesystems/ext4/; mke2fs(8)).

The sums are those of mke2fs as parts/filesystem.py calls it: blocks of 4 KiB, all tables in front, no copies.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass

from xenbuild.parts.layers import Member

BLOCK = 4096  # bytes
INODE = 256  # bytes
_GROUP = 8 * BLOCK  # blocks: as many as the bits of one block
_DESCRIPTOR = 64  # bytes for each group
_RESERVED = 11  # inodes that are there from the start, lost+found among them
_LOST_FOUND = 4  # blocks
_INLINE_LINK = 59  # bytes of a symbolic link's target that need no block
_INLINE_EXTENTS = 4
_EXTENT = 32767  # blocks, at most
_EXTENTS = 340  # in a block of the extent tree
_LEAST = 52  # blocks beside the tables, which mke2fs insists on
_TAIL = 12  # bytes of a directory's block for its checksum
JOURNAL = 4 << 20  # bytes: the smallest that may be
_JOURNALLED = 16 << 20  # bytes of the smallest file system that gets one
_ROOM = 16 << 20  # bytes free beside a quarter of the content, where the guest may write
_PER_INODE = 64 << 10  # bytes of free room for which there is an inode more


@dataclass(frozen=True, slots=True)
class Layout:
    """What mke2fs is told; sizes in bytes."""

    needed: int  # the smallest image that holds everything
    blocks: int
    inodes: int
    journal: int


def layout(members: Mapping[str, Member], size: int, *, writable: bool) -> Layout:
    """The layout for an image of `size` bytes (0: as the content asks for)."""
    inodes, content = _RESERVED + len(members), content_blocks(members)
    needed = _total(content, inodes, 0)
    if not size and writable:
        room = (content * BLOCK // 4 + _ROOM) // BLOCK
        inodes += room * BLOCK // _PER_INODE
        journal = JOURNAL
        return Layout(needed * BLOCK, _total(content + room, inodes, journal), inodes, journal)
    blocks = size // BLOCK if size else needed
    journal = JOURNAL if writable and size >= _JOURNALLED else 0
    if journal and _total(content, inodes, journal) > blocks:
        needed = _total(content, inodes, journal)  # rather too small than without the journal that others have
    free = blocks - _total(content, inodes, journal)
    more = max(0, free * BLOCK // _PER_INODE)
    return Layout(needed * BLOCK, blocks, inodes + more - more % 16, journal)


def content_blocks(members: Mapping[str, Member]) -> int:
    """Blocks of files, folders and long links."""
    inside: dict[str, list[str]] = {"": []}
    blocks = _LOST_FOUND
    seen: set[object] = set()
    for path, member in members.items():
        parent, _, name = path.rpartition("/")
        inside.setdefault(parent, []).append(name)
        if stat.S_ISDIR(member.mode):
            inside.setdefault(path, [])
        elif stat.S_ISLNK(member.mode):
            blocks += len(member.target.encode()) > _INLINE_LINK
        elif member.same is None or member.same not in seen:
            seen.add(member.same)
            blocks += file_blocks(member.size)
    inside[""].append("lost+found")
    return blocks + sum(map(folder_blocks, inside.values()))


def file_blocks(size: int) -> int:
    """Blocks of a file, with its extent tree."""
    blocks = -(-size // BLOCK)
    extents = -(-blocks // _EXTENT)
    return blocks + (-(-extents // _EXTENTS) if extents > _INLINE_EXTENTS else 0)


def folder_blocks(names: list[str]) -> int:
    """Blocks of a folder: entries of 8 bytes and the name, rounded up to 4, none across the end of a block."""
    blocks, used = 1, 24  # "." and ".."
    for name in names:
        length = 8 + -(-len(name.encode()) // 4) * 4
        if used + length > BLOCK - _TAIL:
            blocks, used = blocks + 1, 0
        used += length
    return blocks


def _total(content: int, inodes: int, journal: int) -> int:
    """Blocks of the file system that has room for `content` blocks."""
    blocks = content + journal // BLOCK
    while True:
        groups = -(-blocks // _GROUP)
        per_group = -(-inodes // groups)
        tables = groups * -(-per_group * INODE // BLOCK)
        made = max(content + journal // BLOCK, _LEAST) + 1 + -(-groups * _DESCRIPTOR // BLOCK) + 2 * groups + tables
        rest = made % _GROUP
        if groups > 1 and rest < _GROUP // 16:  # mke2fs leaves a last group out that holds little but its own tables
            made += _GROUP // 16 - rest
        if made <= blocks:
            return blocks
        blocks = made
