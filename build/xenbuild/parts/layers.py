"""The files of a disk image: layers of packages and stated entries, one over the other, with owners and modes.

Trees of the store have no owners and few modes, so packages are read anew here: what is setuid in them stays so.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from posixpath import normpath
from tarfile import BLKTYPE, CHRTYPE, DIRTYPE, GNU_FORMAT, LNKTYPE, REGTYPE, SYMTYPE, TarInfo

from xenbuild.errors import FormatError
from xenbuild.formats.deb import Deb, DebMember, read_deb
from xenbuild.parts.unpack import MERGED, merged, merged_target, wanted
from xenbuild.plan.action import Json
from xenbuild.plan.job import Job

_BLOCK = 512  # of a tar archive
_CHUNK = 1 << 20
_TYPES = {
    stat.S_IFDIR: DIRTYPE, stat.S_IFLNK: SYMTYPE, stat.S_IFCHR: CHRTYPE, stat.S_IFBLK: BLKTYPE, stat.S_IFREG: REGTYPE,
}  # fmt: skip


def _nothing() -> Iterator[bytes]:
    yield from ()


@dataclass(frozen=True, slots=True)
class Member:
    """A file, link, folder or device of the image."""

    mode: int  # with type bits
    uid: int = 0
    gid: int = 0
    size: int = 0  # bytes of a file
    chunks: Callable[[], Iterator[bytes]] = _nothing  # its bytes
    target: str = ""  # of a symbolic link
    device: tuple[int, int] = (0, 0)
    same: object = None  # equal for names of one file


Members = dict[str, Member]  # relative path -> member


def read_layers(job: Job, layers: Sequence[Json], packages: ExitStack) -> Members:
    """All members, sorted by path, with the folders that they lie in; of two with one path that of the later layer.

    A layer is {deb: input, globs, exclude} or {entries: as of segments.config, or with `copy`: the path of another
    member}. With `unless` or `if` it is there only if the other layers have no or some member of that path.
    Packages stay open in `packages`. Raises FormatError if something lies below what is no folder.
    """
    members: Members = {}
    found = [_layer(job, layer, packages) for layer in layers]
    fixed: set[str] = set()
    for layer, content in zip(layers, found, strict=True):
        fixed.update(content if "unless" not in layer and "if" not in layer else ())
    for layer, content in zip(layers, found, strict=True):
        if layer.get("unless") not in fixed and ("if" not in layer or layer["if"] in fixed):
            members.update(content)
    for path, member in list(members.items()):
        if isinstance(member.same, _Copy):
            members[path] = _copied(member, members[member.same.path])
    return _with_folders(members)


def tar(members: Mapping[str, Member]) -> Iterator[bytes]:
    """A tar archive (GNU) of the members, the root itself first; every time stamp is 0."""
    yield _header("./", Member(stat.S_IFDIR | 0o755))
    first: dict[object, str] = {}
    for path, member in members.items():
        other = first.setdefault(member.same, path) if member.same is not None else path
        if other != path:
            yield _header(path, member, link=other)
            continue
        yield _header(path, member)
        size = 0
        for chunk in member.chunks():
            size += len(chunk)
            yield chunk
        if size != member.size:
            raise FormatError(f"{path} has {size} bytes instead of {member.size}: it changed meanwhile")
        yield bytes(-size % _BLOCK)
    yield bytes(2 * _BLOCK)


def resolve(members: Mapping[str, Member], path: str) -> Member | None:
    """The member at a path, through symbolic links that stay inside."""
    done = ""
    parts = path.strip("/").split("/")
    for _ in range(200):  # links in a circle end here
        if not parts:
            return members.get(done)
        here = normpath(f"{done}/{parts.pop(0)}").lstrip("/")
        member = members.get(here)
        if member is not None and stat.S_ISLNK(member.mode):
            whole = member.target if member.target.startswith("/") else f"/{done}/{member.target}"
            parts = [*normpath(f"/{whole}").strip("/").split("/"), *parts]
            done = ""
        else:
            done = here
    return None


@dataclass(frozen=True, slots=True)
class _Copy:
    path: str


def _copied(member: Member, source: Member) -> Member:
    return replace(member, size=source.size, chunks=source.chunks, same=None)


def _layer(job: Job, layer: Json, packages: ExitStack) -> Members:
    if "deb" in layer:
        deb = packages.enter_context(read_deb(job.path(layer["deb"]), scratch=job.folder))
        return dict(_package(deb, layer["globs"], layer["exclude"]))
    return {entry["path"]: _stated(job, entry) for entry in layer["entries"]}


def _package(deb: Deb, globs: Sequence[str], exclude: Sequence[str]) -> Iterator[tuple[str, Member]]:
    types = {"file": stat.S_IFREG, "symlink": stat.S_IFLNK, "dir": stat.S_IFDIR}
    for one in deb.members():
        path = merged(one.name)
        if one.name in MERGED or one.kind not in types or not wanted(path, globs, exclude):
            continue
        mode = types[one.kind] | (0o777 if one.kind == "symlink" else one.mode)
        target = merged_target(one.name, one.target) if one.kind == "symlink" else ""
        same = (deb.path, one.offset) if one.size else None
        yield path, Member(mode, one.uid, one.gid, one.size, _reader(deb, one), target, same=same)


def _reader(deb: Deb, member: DebMember) -> Callable[[], Iterator[bytes]]:
    return lambda: deb.chunks(member)


def _stated(job: Job, entry: Json) -> Member:
    mode, uid, gid = entry["mode"], entry["uid"], entry["gid"]
    if "content" in entry:
        content = entry["content"].encode()
        return Member(mode, uid, gid, len(content), lambda: iter([content]))
    if "input" in entry:
        path = job.path(entry["input"])
        return Member(mode, uid, gid, path.stat().st_size, lambda: _file(path))
    if "copy" in entry:
        return Member(mode, uid, gid, same=_Copy(entry["copy"]))
    major, minor = entry.get("device", (0, 0))
    return Member(mode, uid, gid, target=entry.get("link", ""), device=(major, minor))


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _with_folders(members: Members) -> Members:
    for path in list(members):
        parent = path.rpartition("/")[0]
        while parent:
            found = members.setdefault(parent, Member(stat.S_IFDIR | 0o755))
            if not stat.S_ISDIR(found.mode):
                raise _no_folder(path, parent, found)
            parent = parent.rpartition("/")[0]
    return dict(sorted(members.items()))


def _no_folder(path: str, parent: str, found: Member) -> FormatError:
    if not stat.S_ISLNK(found.mode):
        return FormatError(f"/{path} cannot be put there: /{parent} is a file")
    leads = posixpath.join("/", posixpath.dirname(parent), found.target)
    advice = f"write the path that it leads to ({normpath(leads)})"
    return FormatError(f"/{path} cannot be put there: /{parent} is a link", advice=advice)


def _header(path: str, member: Member, link: str = "") -> bytes:
    info = TarInfo(path)
    info.type = LNKTYPE if link else _TYPES[stat.S_IFMT(member.mode)]
    info.mode, info.uid, info.gid = stat.S_IMODE(member.mode), member.uid, member.gid
    info.size = 0 if link else member.size
    info.linkname = link or member.target
    info.devmajor, info.devminor = member.device
    return info.tobuf(GNU_FORMAT, "utf-8", "surrogateescape")
