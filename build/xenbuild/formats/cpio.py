"""The cpio archive of an initramfs, format "newc" (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).

The writer is deterministic: entries are numbered in their order, every time stamp is the same, nothing is taken from
the host's files, so that owners and device nodes need no privilege.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xenbuild.errors import FormatError

MAGIC = b"070701"
HEADER = 110  # the magic and 13 fields of 8 hexadecimal digits
TRAILER = "TRAILER!!!"
NAME_MAX = 4096  # the kernel's PATH_MAX; longer names are skipped silently at boot


@dataclass(frozen=True, slots=True)
class CpioEntry:
    """One member. `mode` holds the type bits too (stat.S_IFREG, ...); a symbolic link's target is its `data`."""

    name: str  # relative, without "./"
    mode: int
    data: bytes = b""
    uid: int = 0
    gid: int = 0
    mtime: int = 0  # seconds since 1970
    device: tuple[int, int] = (0, 0)  # major, minor of a device node


def encode(entry: CpioEntry, number: int) -> bytes:
    """The record of one entry, a multiple of 4 bytes; `number` becomes its inode number. Raises FormatError."""
    name = entry.name.encode()
    if not name or b"\0" in name or len(name) >= NAME_MAX:
        raise FormatError(f"cpio cannot hold the name {entry.name[:80]!r}")
    if len(entry.data) >= 1 << 32:
        raise FormatError(f"cpio cannot hold '{entry.name}': it has {len(entry.data)} bytes, 4 GiB or more")
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    major, minor = entry.device
    fields = (number, entry.mode, entry.uid, entry.gid, links, entry.mtime, len(entry.data), 0, 0, major, minor)
    head = MAGIC + b"".join(b"%08x" % field for field in (*fields, len(name) + 1, 0)) + name + b"\0"
    return head + bytes(-len(head) % 4) + entry.data + bytes(-len(entry.data) % 4)


def write(entries: Iterable[CpioEntry]) -> Iterator[bytes]:
    """The records of an archive in order, its trailer last."""
    number = 0
    for number, entry in enumerate(entries, 1):
        yield encode(entry, number)
    yield encode(CpioEntry(TRAILER, 0), 0)


def read(data: bytes | memoryview, name: str = "cpio archive") -> Iterator[CpioEntry]:
    """The entries of one or more uncompressed archives in a row. Raises FormatError with the byte where it is wrong.

    Hard links (several entries of one inode number) are given as they are stored: the bytes come with the last.
    """
    view, at, open_archive = memoryview(data), 0, False
    while at < len(view):
        if not open_archive and view[at] == 0:
            at += 1  # padding between archives
            continue
        fields = _header(view, at, name)
        size, name_size = fields[6], fields[11]
        name_end = at + HEADER + name_size
        start = name_end + (-(HEADER + name_size) % 4)
        end = start + size
        if end > len(view):
            raise FormatError(f"{name} is cut short in the entry at byte {at}")
        label = _name(view[at + HEADER : name_end], at, name)
        at = min(end + (-size % 4), len(view)) if start <= len(view) else len(view)
        open_archive = label != TRAILER
        if open_archive:
            content = bytes(view[start:end])
            yield CpioEntry(label, fields[1], content, fields[2], fields[3], fields[5], (fields[9], fields[10]))
    if open_archive:
        raise FormatError(f"{name} is cut short: its trailer is missing")


def _header(view: memoryview, at: int, name: str) -> tuple[int, ...]:
    head = bytes(view[at : at + HEADER])
    if not any(magic.startswith(head[:6]) for magic in (MAGIC, b"070702")):
        raise FormatError(f"{name} has no newc header at byte {at}")
    if len(head) < HEADER:
        raise FormatError(f"{name} is cut short in the header at byte {at}")
    digits = head[6:]
    if not all(byte in b"0123456789abcdefABCDEF" for byte in digits):
        raise FormatError(f"{name} has a damaged header at byte {at}")
    return tuple(int(digits[i : i + 8], 16) for i in range(0, len(digits), 8))


def _name(raw: memoryview, at: int, name: str) -> str:
    data = bytes(raw)
    if len(data) < 2 or len(data) > NAME_MAX or data[-1] != 0 or b"\0" in data[:-1]:
        raise FormatError(f"{name} has a damaged name in the entry at byte {at}")
    try:
        return data[:-1].decode()
    except UnicodeDecodeError:
        raise FormatError(f"{name} has a name that is not UTF-8 in the entry at byte {at}") from None
