"""File systems of CDs, written whole: ISO 9660 (ECMA-119) with Rock Ridge's names (RRIP 1.09), El Torito boot entries.

    sectors 0-15   the system area: a disk's partition table and boot code, which are not written here
    16, 17, 18     volume descriptor, El Torito's boot record, end of the descriptors
    behind         path tables, folders, boot catalog; files in the order of their names, each in one piece

A sector has 2048 bytes. Numbers are stored in both byte orders. (isoread.py reads it.)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xenbuild.formats.extents import Content, Output, size_of, write_content

SECTOR = 2048
SYSTEM_AREA = 16  # sectors
BIOS, UEFI = 0, 0xEF  # platforms of boot entries
LABEL = 32  # characters of a volume's name
_DATE = bytes([70, 1, 1, 0, 0, 1, 0])  # 1970-01-01 00:00:01 UTC, which is SOURCE_DATE_EPOCH=1
_LONG_DATE = b"1970010100000100\0"
_NO_DATE = b"0" * 16 + b"\0"
_DIRECTORY = 0x02  # flag of a record
_RECORD = 255  # bytes of the longest one
_LARGEST = (1 << 32) - SECTOR  # bytes of a file in one piece


@dataclass(frozen=True, slots=True)
class Boot:
    """An entry of the boot catalog: what is loaded, `place` and `size` in bytes, and how many units of 512 bytes."""

    platform: int
    place: int
    load: int


@dataclass(slots=True)
class _Folder:
    path: str = ""  # with a slash at its end
    number: int = 1  # in the path table
    parent: int = 1
    sector: int = 0
    sectors: int = 1
    folders: dict[str, _Folder] = field(default_factory=dict)
    files: dict[str, Content] = field(default_factory=dict)


class Cd:
    """A file system of files by path, laid out: it is known where each file will lie, and where all of it ends.

    Raises ValueError for names and files that it cannot hold.
    """

    def __init__(self, files: Mapping[str, Content]) -> None:
        self._places: dict[str, int] = {}  # of files by path: first sectors
        self._root = _tree(files)
        self._folders = list(_walk(self._root))
        self._path_table = SYSTEM_AREA + 3
        tables = -(-len(self._paths("<")) // SECTOR)
        at = self._path_table + 2 * tables
        for folder in self._folders:
            folder.sectors = -(-sum(map(len, _padded(self._records(folder)))) // SECTOR)
            folder.sector = at
            at += folder.sectors
        self._catalog, at = at, at + 1
        for folder in self._folders:
            for name in sorted(folder.files):
                if size_of(folder.files[name]) > _LARGEST:
                    raise ValueError(f"{name!r} is larger than a file in one piece can be")
                self._places[folder.path + name] = at
                at += -(-size_of(folder.files[name]) // SECTOR)
        self._end = at

    @property
    def end(self) -> int:
        """The byte behind the last file."""
        return self._end * SECTOR

    def place(self, path: str) -> int:
        """Where one of the files lies, in bytes."""
        return self._places[path] * SECTOR

    def write(self, out: Output, volume: str, size: int, boots: Sequence[Boot], own: Mapping[str, bytes]) -> None:
        """Write all of it; `size`: bytes of the whole CD. `own`: what is written instead of the content of a path."""
        paths = len(self._paths("<"))
        tables = -(-paths // SECTOR)
        _put(out, SYSTEM_AREA, self._descriptor(volume, size // SECTOR, paths, tables))
        record = b"\0CD001\1" + b"EL TORITO SPECIFICATION".ljust(64, b"\0") + struct.pack("<I", self._catalog)
        _put(out, SYSTEM_AREA + 1, record)
        _put(out, SYSTEM_AREA + 2, b"\xffCD001\1")
        for number, order in enumerate("<>"):
            _put(out, self._path_table + number * tables, self._paths(order))
        for folder in self._folders:
            _put(out, folder.sector, b"".join(_padded(self._records(folder))))
            for name, content in folder.files.items():
                out.seek(self.place(folder.path + name))
                write_content(out, own.get(folder.path + name, content))
        _put(out, self._catalog, _boot_catalog(boots))

    def _descriptor(self, volume: str, sectors: int, paths: int, tables: int) -> bytes:
        root = _record(b"\0", self._root.sector, self._root.sectors * SECTOR, _DIRECTORY, b"")
        texts = b" " * (4 * 128 + 3 * 37)  # of publishers and the like
        return (
            b"\1CD001\1\0"
            + b" " * 32
            + volume.encode("ascii").ljust(LABEL)
            + bytes(8)
            + _both(sectors)
            + bytes(32)
            + _short(1)
            + _short(1)
            + _short(SECTOR)
            + _both(paths)
            + struct.pack("<II", self._path_table, 0)
            + struct.pack(">II", self._path_table + tables, 0)
            + root
            + texts
            + _LONG_DATE
            + _LONG_DATE
            + _NO_DATE
            + _NO_DATE
            + b"\1"
        )

    def _paths(self, order: str) -> bytes:
        """The path table: every folder with the number of the one above."""
        rows = [(self._root, b"\0")]
        for folder in self._folders:
            names = _identifiers([*folder.folders, *folder.files])
            rows += [(folder.folders[name], names[name].encode()) for name in sorted(folder.folders)]
        found = b""
        for folder, label in rows:
            found += struct.pack(f"{order}BBIH", len(label), 0, folder.sector, folder.parent) + label
            found += bytes(len(label) % 2)
        return found

    def _records(self, folder: _Folder) -> Iterator[bytes]:
        above = next(one for one in self._folders if one.number == folder.parent)
        more = _SUSP if folder is self._root else b""
        yield _record(b"\0", folder.sector, folder.sectors * SECTOR, _DIRECTORY, more + _posix(folder))
        yield _record(b"\1", above.sector, above.sectors * SECTOR, _DIRECTORY, _posix(above))
        names = _identifiers([*folder.folders, *folder.files])
        for name in sorted(names, key=names.__getitem__):
            use = b"NM" + bytes([5 + len(name), 1, 0]) + name.encode("ascii")
            if inside := folder.folders.get(name):
                label = names[name].encode()
                yield _record(label, inside.sector, inside.sectors * SECTOR, _DIRECTORY, _posix(inside) + use)
            else:
                content = folder.files[name]
                sector = self._places.get(folder.path + name, 0)  # 0 while it is only about the record's length
                yield _record(f"{names[name]};1".encode(), sector, size_of(content), 0, _posix(None) + use)


# What says that there is Rock Ridge: SP begins it in the root's first record, ER names it.
_SUSP = b"SP\7\1\xbe\xef\0" + b"ER" + bytes([18, 1, 10, 0, 0, 1]) + b"RRIP_1991A"


def _tree(files: Mapping[str, Content]) -> _Folder:
    root = _Folder()
    for path in sorted(files):
        *folders, name = path.split("/")
        folder = root
        for one in folders:
            folder = folder.folders.setdefault(one, _Folder(f"{folder.path}{one}/"))
        folder.files[name] = files[path]
    return root


def _walk(root: _Folder) -> Iterator[_Folder]:
    """All folders, level by level, as the path table has them; gives them their numbers."""
    level, number = [root], 1
    while level:
        yield from level
        below = []
        for folder in level:
            for name in sorted(folder.folders):
                inside = folder.folders[name]
                number += 1
                inside.number, inside.parent = number, folder.number
                below.append(inside)
        level = below


def _identifiers(names: Sequence[str]) -> dict[str, str]:
    """Each name as eight characters and three, of capitals, digits and underscores, none of them twice."""
    made: dict[str, str] = {}
    for name in sorted(names):
        if not name.isascii() or not name.isprintable() or not 0 < len(name) <= 128:
            raise ValueError(f"{name!r} cannot name a file on a CD")
        base, dot, extension = name.upper().rpartition(".") if "." in name[1:] else (name.upper(), "", "")
        plain = ["".join(c if c.isalnum() else "_" for c in text) for text in (base[:8], extension[:3])]
        number = 0
        while (label := f"{plain[0]}{dot and '.'}{plain[1]}") in made.values():
            number += 1
            plain[0] = f"{plain[0][: 8 - len(str(number))]}{number}"
        made[name] = label
    return made


def _record(label: bytes, sector: int, size: int, flags: int, use: bytes) -> bytes:
    body = b"\0" + _both(sector) + _both(size) + _DATE + bytes([flags, 0, 0]) + _short(1) + bytes([len(label)]) + label
    body += bytes((len(label) + 1) % 2) + use
    body += bytes((len(body) + 1) % 2)
    if len(body) >= _RECORD:
        raise ValueError("a name is too long for a CD")
    return bytes([len(body) + 1]) + body


def _padded(records: Iterator[bytes]) -> Iterator[bytes]:
    """Records do not cross sectors."""
    at = 0
    for record in records:
        if at % SECTOR + len(record) > SECTOR:
            gap = -at % SECTOR
            yield bytes(gap)
            at += gap
        yield record
        at += len(record)
    yield bytes(-at % SECTOR)


def _posix(folder: _Folder | None) -> bytes:
    """Rock Ridge's mode, links, owner, group, and three times (modification, access, attributes)."""
    mode, links = (0o100444, 1) if folder is None else (0o040555, 2 + len(folder.folders))
    return b"PX\x24\1" + _both(mode) + _both(links) + _both(0) + _both(0) + b"TF\x1a\1\x0e" + 3 * _DATE


def _boot_catalog(boots: Sequence[Boot]) -> bytes:
    """The first entry and, each with a header of its own, the others (El Torito 1.0; UEFI specification, 13.3.2)."""
    first = struct.pack("<BBH24sHBB", 1, boots[0].platform, 0, b"", 0, 0x55, 0xAA)
    total = sum(struct.unpack("<16H", first))
    rows = [first[:28] + struct.pack("<H", -total & 0xFFFF) + first[30:], _boot_entry(boots[0])]
    for number, boot in enumerate(boots[1:], 1):
        last = number == len(boots) - 1
        rows += [struct.pack("<BBH28s", 0x91 if last else 0x90, boot.platform, 1, b""), _boot_entry(boot)]
    return b"".join(rows)


def _boot_entry(boot: Boot) -> bytes:
    return struct.pack("<BBHBBHI20s", 0x88, 0, 0, 0, 0, boot.load, boot.place // SECTOR, b"")


def _put(out: Output, sector: int, data: bytes) -> None:
    out.seek(sector * SECTOR)
    out.write(data)


def _both(value: int) -> bytes:
    return struct.pack("<I", value) + struct.pack(">I", value)


def _short(value: int) -> bytes:
    return struct.pack("<H", value) + struct.pack(">H", value)
