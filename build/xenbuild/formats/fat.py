"""FAT file systems, written whole (Microsoft, "FAT: General Overview of On-Disk Format", version 1.03; ECMA-107).

Every file lies in one piece, files behind each other in the order of their names, so that equal contents are equal
bytes. What the type of a FAT is follows from the number of its clusters alone, and so it does here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from xenbuild.formats.extents import Content, Output, size_of, write_content

SECTOR = 512
FAT16_LEAST, FAT32_LEAST = 4085, 65525  # clusters
FAT32_MOST = 0x0FFFFFF5
MARGIN = 16  # clusters that one keeps away from those numbers: other people's code is off by some
LABEL = 11  # characters
_ENTRY = struct.Struct("<11sBBBHHHHHHHI")
_LONG = struct.Struct("<B10sBBB12sH4s")
_DIRECTORY, _VOLUME, _LONG_NAME = 0x10, 0x08, 0x0F
_DATE = 0x21  # 1 January 1980: there is no time in an image
_ALLOWED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'()-@^_`{}~")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a file system lie; counted in sectors except for `clusters` and `bits`."""

    bits: int  # of an entry of the FAT: 12, 16, 32
    per_cluster: int
    reserved: int
    fat: int  # of one copy; there are two
    root: int  # of the root directory of FAT12 and FAT16
    clusters: int
    total: int

    @property
    def size(self) -> int:
        """Bytes of the whole file system."""
        return self.total * SECTOR

    @property
    def data(self) -> int:
        """The sector of cluster 2, which is the first."""
        return self.reserved + 2 * self.fat + self.root


@dataclass(slots=True)
class _Folder:
    """A folder while the tree is laid out. `cluster` is 0 for the root of FAT12 and FAT16."""

    folders: dict[str, _Folder] = field(default_factory=dict)
    files: dict[str, Content] = field(default_factory=dict)
    cluster: int = 0


def smallest(files: Mapping[str, Content], room: int = 0) -> Layout:
    """The smallest FAT32 that holds the files and `room` more bytes.

    FAT32 has 65525 clusters at least, which is 32 MiB; firmware wants it on disks (UEFI specification, 13.3.1.1).
    """
    tree = _tree(files)
    per_cluster = 8
    while per_cluster > 1 and _needed(tree, per_cluster, room) < FAT32_LEAST + MARGIN:
        per_cluster //= 2
    clusters = max(_needed(tree, per_cluster, room), FAT32_LEAST + MARGIN)
    return _layout(32, per_cluster, clusters)


def fitting(size: int) -> Layout:
    """A file system that fills `size` bytes as far as it can. Raises ValueError if that is too little for one."""
    for bits, per_cluster in _KINDS:
        least, most = _LIMITS[bits]
        clusters = size // (SECTOR * per_cluster)
        if clusters > most:
            continue  # too large for this kind
        while clusters >= least:
            made = _layout(bits, per_cluster, clusters)
            if made.size <= size:
                return made
            clusters -= max((made.size - size) // (SECTOR * per_cluster), 1)
    raise ValueError(f"no FAT has {size} bytes")


_LIMITS = {
    12: (1, FAT16_LEAST - MARGIN),
    16: (FAT16_LEAST + MARGIN, FAT32_LEAST - MARGIN),
    32: (FAT32_LEAST + MARGIN, FAT32_MOST),
}
# The first kind that has enough clusters is taken: from some size on each is followed by one with larger clusters.
_KINDS = [(12, 1), (12, 2), *((16, 1 << n) for n in range(5)), *((32, 1 << n) for n in range(3, 8))]


def write_fat(
    out: Output, at: int, files: Mapping[str, Content], layout: Layout, label: str, serial: int, hidden: int = 0
) -> None:
    """Write a file system at byte `at` of a file that has zeros there, or ends before.

    `files`: contents by path ("EFI/BOOT/BOOTX64.EFI"); `serial`: 32 bits; `hidden`: sectors before the partition.
    Raises ValueError for what it cannot hold.
    """
    tree = _tree(files)
    next_free = _place(tree, layout)
    if next_free - 2 > layout.clusters:
        raise ValueError(f"{next_free - 2} clusters of files in a file system of {layout.clusters}")
    start = _boot_sector(layout, label, serial, hidden)
    out.seek(at)
    out.write(start)
    if layout.bits == 32:
        info = _info_sector(layout.clusters - (next_free - 2), next_free)
        for sector, content in ((1, info), (6, start), (7, info)):
            out.seek(at + sector * SECTOR)
            out.write(content)
    fat = _table(tree, layout)
    for copy in range(2):
        out.seek(at + (layout.reserved + copy * layout.fat) * SECTOR)
        out.write(fat)
    _write_folder(out, at, tree, layout, label, parent=None)


def label_of(text: str) -> str:
    """A text as the label of a volume: upper case, what FAT does not know left out."""
    kept = "".join(c for c in text.upper() if c in " -_" or (c.isascii() and c.isalnum()))
    return kept[:LABEL].rstrip()


def _tree(files: Mapping[str, Content]) -> _Folder:
    root = _Folder()
    for path in sorted(files):
        *folders, name = path.split("/")
        folder = root
        for one in folders:
            folder = folder.folders.setdefault(one, _Folder())
        folder.files[name] = files[path]
    return root


def _all_folders(folder: _Folder) -> Iterator[_Folder]:
    yield folder
    for name in sorted(folder.folders):
        yield from _all_folders(folder.folders[name])


def _entries(folder: _Folder, root: bool) -> int:
    """Directory entries of a folder: label or the two dots, and for each name the long ones and the short one."""
    names = [*folder.folders, *folder.files]
    aliases = _aliases(names)
    return (1 if root else 2) + sum(1 + (_long(name, aliases[name]) and -(-len(name) // 13)) for name in names)


def _needed(tree: _Folder, per_cluster: int, room: int) -> int:
    """Clusters of all folders and files of a FAT32, and of `room` bytes."""
    cluster = per_cluster * SECTOR
    sizes = [_entries(folder, folder is tree) * 32 for folder in _all_folders(tree)]
    sizes += [size_of(content) for folder in _all_folders(tree) for content in folder.files.values()]
    return sum(-(-size // cluster) for size in [*sizes, room])


def _layout(bits: int, per_cluster: int, clusters: int) -> Layout:
    fat = -(-((clusters + 2) * bits) // (8 * SECTOR))
    reserved, root = (32, 0) if bits == 32 else (1, 32)
    total = reserved + 2 * fat + root + clusters * per_cluster
    return Layout(bits, per_cluster, reserved, fat, root, clusters, total)


def _place(tree: _Folder, layout: Layout) -> int:
    """Gives every folder its first cluster, behind the ones before; returns the first cluster behind all of them."""
    free = 2
    for folder in _all_folders(tree):
        entries = _entries(folder, folder is tree)
        if folder is tree and layout.bits != 32:
            if entries * 32 > layout.root * SECTOR:
                raise ValueError(f"{entries} entries in a root directory that holds {layout.root * SECTOR // 32}")
        else:
            folder.cluster = free
            free += _count(entries * 32, layout)
        for name in sorted(folder.files):
            free += _count(size_of(folder.files[name]), layout)
    return free


def _count(size: int, layout: Layout) -> int:
    return -(-size // (layout.per_cluster * SECTOR))


def _extents(tree: _Folder, layout: Layout) -> Iterator[tuple[int, int]]:
    """(first cluster, clusters) of every folder and file, in the order in which they lie."""
    for folder in _all_folders(tree):
        free = folder.cluster
        if free:
            clusters = _count(_entries(folder, folder is tree) * 32, layout)
            yield free, clusters
            free += clusters
        for first, name in _files(folder, tree, layout):
            yield first, _count(size_of(folder.files[name]), layout)


def _files(folder: _Folder, tree: _Folder, layout: Layout) -> Iterator[tuple[int, str]]:
    """(first cluster, name) of a folder's files; an empty file has no cluster."""
    inside = _count(_entries(folder, folder is tree) * 32, layout) if folder.cluster else 0
    free = (folder.cluster or 2) + inside
    for name in sorted(folder.files):
        clusters = _count(size_of(folder.files[name]), layout)
        yield (free if clusters else 0), name
        free += clusters


def _table(tree: _Folder, layout: Layout) -> bytes:
    """The used part of the FAT: each cluster names the one behind it, the last of a file the end."""
    end = (1 << min(layout.bits, 28)) - 1
    links = [end & ~7, end]
    for first, clusters in _extents(tree, layout):
        if clusters:
            links += [*range(first + 1, first + clusters), end]
    if layout.bits == 12:
        links += [0] * (len(links) % 2)
        pairs = zip(links[::2], links[1::2], strict=True)
        return b"".join((low | high << 12).to_bytes(3, "little") for low, high in pairs)
    return struct.pack(f"<{len(links)}{'I' if layout.bits == 32 else 'H'}", *links)


def _write_folder(
    out: Output,
    at: int,
    folder: _Folder,
    layout: Layout,
    label: str,
    parent: _Folder | None,
    root: _Folder | None = None,
) -> None:
    """Write a folder with all that is in it."""
    root = root or folder
    aliases = _aliases([*folder.folders, *folder.files])
    rows: list[bytes] = []
    if parent is None:
        rows.append(_entry(label.encode("ascii").ljust(11), _VOLUME, 0, 0))
    else:
        rows.append(_entry(b".".ljust(11), _DIRECTORY, folder.cluster, 0))
        rows.append(_entry(b"..".ljust(11), _DIRECTORY, 0 if parent is root else parent.cluster, 0))
    for name in sorted(folder.folders):
        rows += _named(name, aliases[name], _DIRECTORY, folder.folders[name].cluster, 0)
    for first, name in _files(folder, root, layout):
        content = folder.files[name]
        rows += _named(name, aliases[name], 0x20, first, size_of(content))
        if first:
            out.seek(at + _sector(first, layout) * SECTOR)
            write_content(out, content)
    out.seek(at + (_sector(folder.cluster, layout) if folder.cluster else layout.reserved + 2 * layout.fat) * SECTOR)
    out.write(b"".join(rows))
    for name in sorted(folder.folders):
        _write_folder(out, at, folder.folders[name], layout, label, folder, root)


def _sector(cluster: int, layout: Layout) -> int:
    return layout.data + (cluster - 2) * layout.per_cluster


def _entry(short: bytes, attributes: int, cluster: int, size: int) -> bytes:
    return _ENTRY.pack(short, attributes, 0, 0, 0, _DATE, _DATE, cluster >> 16, 0, _DATE, cluster & 0xFFFF, size)


def _named(name: str, short: bytes, attributes: int, cluster: int, size: int) -> list[bytes]:
    """The entries of a name: the long ones, last piece first, if it needs them, and the short one."""
    rows = []
    if _long(name, short):
        text = name.encode("utf-16-le")
        text = (text + b"\0\0").ljust(-(-len(name) // 13) * 26, b"\xff") if len(name) % 13 else text
        check = _checksum(short)
        pieces = [text[at : at + 26] for at in range(0, len(text), 26)]
        for number, piece in reversed(list(enumerate(pieces, 1))):
            order = number | (0x40 if number == len(pieces) else 0)
            rows.append(_LONG.pack(order, piece[:10], _LONG_NAME, 0, check, piece[10:22], 0, piece[22:]))
    return [*rows, _entry(short, attributes, cluster, size)]


def _long(name: str, short: bytes) -> bool:
    """Whether the short name does not say all."""
    base, extension = short[:8].rstrip().decode("ascii"), short[8:].rstrip().decode("ascii")
    return name != (f"{base}.{extension}" if extension else base)


def _aliases(names: list[str]) -> dict[str, bytes]:
    """A short name for each name of a folder, none of them twice."""
    made: dict[str, bytes] = {}
    for name in sorted(names):
        if not name or len(name) > 255 or any(c in name for c in '"*/:<>?\\|') or min(name) < " ":
            raise ValueError(f"{name!r} cannot name a file")
        if not name.isascii() or name.strip(" .") != name:
            raise ValueError(f"{name!r} cannot name a file here")
        base, _, extension = name.upper().rpartition(".") if "." in name else (name.upper(), "", "")
        plain = all(ord(c) in _ALLOWED for c in base + extension)
        short = base.encode("ascii").ljust(8) + extension.encode("ascii").ljust(3)
        if not plain or len(base) > 8 or len(extension) > 3 or short in made.values():
            short = _numbered(base, extension, set(made.values()))
        made[name] = short
    upper = [name.upper() for name in names]
    if len(set(upper)) != len(upper):
        raise ValueError("two names in a folder differ in case only")
    return made


def _numbered(base: str, extension: str, taken: set[bytes]) -> bytes:
    """NAME~1.EXT, or the next number that is free."""
    head, tail = ("".join(c if ord(c) in _ALLOWED else "_" for c in text) for text in (base, extension))
    for number in range(1, 1_000_000):
        end = f"~{number}"
        short = (head[: 8 - len(end)] + end).encode("ascii").ljust(8) + tail[:3].encode("ascii").ljust(3)
        if short not in taken:
            return short
    raise ValueError("too many files in one folder")


def _checksum(short: bytes) -> int:
    total = 0
    for byte in short:
        total = ((total & 1) << 7) + (total >> 1) + byte & 0xFF
    return total


def _boot_sector(layout: Layout, label: str, serial: int, hidden: int) -> bytes:
    small = layout.total < 1 << 16 and layout.bits != 32
    common = struct.pack(
        "<3s8sHBHBHHBHHHII", b"\xeb\x58\x90" if layout.bits == 32 else b"\xeb\x3c\x90", b"MSWIN4.1", SECTOR,
        layout.per_cluster, layout.reserved, 2, layout.root * SECTOR // 32, layout.total if small else 0, 0xF8,
        0 if layout.bits == 32 else layout.fat, 63, 255, hidden, 0 if small else layout.total,
    )  # fmt: skip
    if layout.bits == 32:
        common += struct.pack("<IHHIHH12x", layout.fat, 0, 0, 2, 1, 6)
    name = f"FAT{layout.bits}".encode().ljust(8)
    end = struct.pack("<BBBI11s8s", 0x80, 0, 0x29, serial, label.encode("ascii").ljust(11), name)
    # What a BIOS that starts it runs: int 18h, which tells the BIOS to try the next medium.
    return (common + end + b"\xcd\x18\xf4\xeb\xfd").ljust(510, b"\0") + b"\x55\xaa"


def _info_sector(free: int, next_free: int) -> bytes:
    return struct.pack("<I480xIII12xI", 0x41615252, 0x61417272, free, next_free, 0xAA550000)
