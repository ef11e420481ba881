"""dom0's initramfs as it is in the bundle: what the kernel will find after it has unpacked all segments.

Each check is a function that lists what is wrong, so that it can be shown to fail on a damaged copy.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from posixpath import dirname, normpath

import pytest
import zstandard

from xenbuild.compose.inspect import inspect
from xenbuild.formats.cpio import CpioEntry, read
from xenbuild.formats.elf import MAGIC, Elf
from xenbuild.formats.kmod import module_name, read_modinfo
from xenbuild.parts.modules import LIST
from xenbuild.parts.unpack import DOCUMENTATION
from xenbuild.spec.data import data_dir

pytestmark = pytest.mark.image

LIBRARIES = {"x86_64": "x86_64-linux-gnu", "armv7": "arm-linux-gnueabihf"}  # Debian's multiarch folders
MACHINES = {"x86_64": "x86_64", "armv7": "arm"}  # as ELF headers say it
RUNPATH = (15, 29)  # DT_RPATH and DT_RUNPATH (elf.h)
PACKED, UNPACKED = 4 << 20, 12 << 20  # bytes: about a fifth more than what x86_64 takes
MODULES = {"xen_privcmd", "xenfs", "xen_evtchn", "xen_gntdev", "loop", "xen_blkback", "xen_netback", "bridge", "tun"}


@dataclass(frozen=True)
class Root:
    """dom0's root file system, and the bytes that it takes in the bundle and unpacked."""

    arch: str
    entries: dict[str, CpioEntry]
    packed: int
    unpacked: int

    def resolve(self, path: str, links: int = 20) -> CpioEntry | None:
        """The entry at a path, through symbolic links; None if there is none."""
        done = ""
        for name in path.strip("/").split("/"):
            done = normpath(f"{done}/{name}").lstrip("/")
            entry = self.entries.get(done)
            if entry is None or not links:
                return None
            if stat.S_ISLNK(entry.mode):
                rest = path.strip("/").split("/")[done.count("/") + 1 :]
                target = entry.data.decode()
                start = target if target.startswith("/") else f"/{dirname(done)}/{target}"
                return self.resolve(normpath("/".join([start, *rest])), links - 1)
        return self.entries.get(done)

    def elves(self) -> Iterator[tuple[str, Elf]]:
        for path, entry in self.entries.items():
            if stat.S_ISREG(entry.mode) and entry.data[:4] == MAGIC:
                yield path, Elf.parse(entry.data, path)


@pytest.fixture(scope="module")
def root(bundle: Callable[[str], Path]) -> Callable[[str], Root]:
    """The initramfs of the showcase's bundle of an architecture."""

    @cache
    def made(arch: str) -> Root:
        path = bundle(f"{arch}/xen")
        (part,) = (part for part in inspect(path).facts["parts"] if part["role"] == "initramfs")
        packed = path.read_bytes()[part["offset"] : part["offset"] + part["size"]]
        archive = unpack(packed)
        return Root(arch, {entry.name: entry for entry in read(archive)}, len(packed), len(archive))

    return made


def unpack(frames: bytes) -> bytes:
    archive = b""
    while frames := frames.lstrip(b"\0"):
        decoder = zstandard.ZstdDecompressor().decompressobj()
        archive += decoder.decompress(frames)
        frames = decoder.unused_data
    return archive


def init(root: Root) -> Iterator[str]:
    """The kernel can start /init (Linux, init/main.c), and its console is there before devtmpfs is."""
    found = root.entries.get("init")
    if found is None or found.mode != stat.S_IFREG | 0o755:
        yield "init is no program"
    console = root.entries.get("dev/console")
    if console is None or console.mode != stat.S_IFCHR | 0o600 or console.device != (5, 1):
        yield "dev/console is not the console"


def interpreters(root: Root) -> Iterator[str]:
    """What a script or a program asks to be started with."""
    for path, entry in root.entries.items():
        if stat.S_ISREG(entry.mode) and (match := re.match(rb"#! *(\S+)", entry.data)):
            found = root.resolve(match[1].decode())
            if found is None or not found.mode & 0o111:
                yield f"{path} is run by {match[1].decode()}"
    for path, elf in root.elves():
        if loader := next((elf.content(s) for s in elf.segments if s.type == 3), None):  # PT_INTERP
            name = bytes(loader).rstrip(b"\0").decode()
            if root.resolve(name) is None:
                yield f"{path} is loaded by {name}"


def libraries(root: Root) -> Iterator[str]:
    """The dynamic loader finds every library in the folders where it looks (ld.so(8)), without a cache of them."""
    triplet = LIBRARIES[root.arch]
    usual = [f"lib/{triplet}", f"usr/lib/{triplet}", "lib", "usr/lib"]
    for path, elf in root.elves():
        if path.endswith(".ko"):
            continue
        own = [folder for tag in RUNPATH for text in elf.dynamic_strings(tag) for folder in text.split(":")]
        for name in elf.dynamic_strings(1):  # DT_NEEDED
            if not any(root.resolve(f"{folder}/{name}") for folder in [*own, *usual]):
                yield f"{path} needs {name}"


def architecture(root: Root) -> Iterator[str]:
    yield from (f"{path} is for {elf.arch}" for path, elf in root.elves() if elf.arch != MACHINES[root.arch])


def links(root: Root) -> Iterator[str]:
    """Symbolic links lead somewhere; /proc, /dev and /run are filled when dom0 runs."""
    for path, entry in root.entries.items():
        target = entry.data.decode(errors="replace") if stat.S_ISLNK(entry.mode) else ""
        if target and not target.startswith(("/proc/", "/dev/", "/run/")) and root.resolve(path) is None:
            yield f"{path} leads to {target}"


def applets(root: Root) -> Iterator[str]:
    """busybox knows its names: they are strings in it."""
    busybox = root.entries["usr/bin/busybox"].data
    for name in (data_dir("dom0-image") / "linux" / "applets").read_text().split():
        if root.resolve(f"usr/bin/{name}") is None or b"\0" + name.encode() + b"\0" not in busybox:
            yield f"no applet {name}"


def modules(root: Root) -> Iterator[str]:
    """insmod loads them one by one, so each comes behind what it depends on, and none is carried for nothing."""
    listed = root.entries[LIST].data.decode().splitlines()
    files = {path.removeprefix("usr/lib/modules/") for path in root.entries if path.endswith(".ko")}
    yield from (f"{path} is listed and not there, or there and not listed" for path in files ^ set(listed))
    loaded: set[str] = set()
    for path in listed:
        if entry := root.entries.get(f"usr/lib/modules/{path}"):
            info = read_modinfo(entry.data, path)
            yield from (f"{info.name} comes before {need}" for need in info.depends if need not in loaded)
        loaded.add(module_name(path))
    yield from (f"no module {name}" for name in sorted(MODULES - loaded))


def documentation(root: Root) -> Iterator[str]:
    yield from (path for path in root.entries if any(fnmatchcase(path, pattern) for pattern in DOCUMENTATION))


def owners(root: Root) -> Iterator[str]:
    """Everything is root's, and nothing but /tmp can be written by others."""
    for path, entry in root.entries.items():
        if (entry.uid, entry.gid) != (0, 0):
            yield f"{path} belongs to {entry.uid}:{entry.gid}"
        if entry.mode & 0o6002 and not stat.S_ISLNK(entry.mode) and path != "tmp":
            yield f"{path} has mode {entry.mode:o}"


def size(root: Root) -> Iterator[str]:
    if root.packed > PACKED or root.unpacked > UNPACKED:
        yield f"it takes {root.packed} bytes, unpacked {root.unpacked}"


CHECKS = [init, interpreters, libraries, architecture, links, applets, modules, documentation, owners, size]


@pytest.mark.parametrize("arch", ["x86_64", "armv7"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_initramfs(check: Callable[[Root], Iterator[str]], arch: str, root: Callable[[str], Root]) -> None:
    assert list(check(root(arch))) == []


Damage = Callable[[dict[str, CpioEntry]], None]


def lose(pattern: str) -> Damage:
    """Takes away what matches."""

    def damage(entries: dict[str, CpioEntry]) -> None:
        lost = [path for path in entries if fnmatchcase(path, pattern)]
        assert lost
        for path in lost:
            del entries[path]

    return damage


def change(path: str, **values: object) -> Damage:
    def damage(entries: dict[str, CpioEntry]) -> None:
        entries[path] = replace(entries.get(path, CpioEntry(path, stat.S_IFREG | 0o644)), **values)  # type: ignore[arg-type]

    return damage


def turn_modules(entries: dict[str, CpioEntry]) -> None:
    lines = reversed(entries[LIST].data.splitlines(keepends=True))
    entries[LIST] = replace(entries[LIST], data=b"".join(lines))


DAMAGES: list[tuple[Callable[[Root], Iterator[str]], Damage, str]] = [
    (init, change("init", mode=stat.S_IFREG | 0o644), "init is no program"),
    (init, change("dev/console", device=(5, 0)), "dev/console is not the console"),
    (interpreters, lose("usr/bin/sh"), "init is run by /bin/sh"),
    (interpreters, lose("*/ld-linux-x86-64.so.2"), ".* is loaded by /lib64/ld-linux-x86-64.so.2"),
    (libraries, lose("*/libxenlight.so*"), ".*/xl needs libxenlight.so.*"),
    (libraries, lose("*/libc.so.6"), ".* needs libc.so.6"),
    (architecture, change("x", data=MAGIC + bytes([2, 1, 1]) + bytes(9) + b"\2\0\xb7\0" + bytes(44)), "x is for arm64"),
    (links, lose("usr/bin/busybox"), "usr/bin/cat leads to busybox"),
    (applets, change("usr/bin/busybox", data=b"\0cat\0"), "no applet ls"),
    (modules, turn_modules, "bridge comes before stp"),
    (modules, lose("*/xen-netback.ko"), ".*xen-netback.ko is listed and not there, or .*"),
    (documentation, change("usr/share/doc/xl/copyright"), "usr/share/doc/xl/copyright"),
    (owners, change("etc/hostname", uid=1), "etc/hostname belongs to 1:0"),
    (owners, change("etc/hostname", mode=stat.S_IFREG | 0o666), "etc/hostname has mode 100666"),
]


@pytest.mark.parametrize(("check", "damage", "complaint"), DAMAGES)
def test_each_check_can_fail(
    check: Callable[[Root], Iterator[str]], damage: Damage, complaint: str, root: Callable[[str], Root]
) -> None:
    entries = dict(root("x86_64").entries)
    damage(entries)
    said = list(check(replace(root("x86_64"), entries=entries)))
    assert any(re.fullmatch(complaint, line) for line in said), said


def test_a_big_initramfs_is_told(root: Callable[[str], Root]) -> None:
    assert list(size(replace(root("x86_64"), packed=PACKED + 1)))
