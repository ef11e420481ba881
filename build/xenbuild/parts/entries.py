"""Entries of a root file system that are stated one by one (parts/segments.py:config): for dom0 and for guests."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from xenbuild.errors import DeclarationError
from xenbuild.plan.action import Json
from xenbuild.spec.data import data_dir
from xenbuild.spec.dom0 import File
from xenbuild.spec.inputs import refers

# Links of a system with merged /usr, and what has to be there before init runs.
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64", "var/run": "../run"}
# What every root has before its init runs.
FOLDERS = ("dev", "proc", "sys", "run", "tmp", "mnt", "root", "usr/lib64", "usr/sbin")
DEVICES = {"dev/console": (5, 1), "dev/null": (1, 3)}  # Linux, Documentation/admin-guide/devices.txt


def entry(path: str, mode: int, **what: Json) -> Json:
    """One entry of root's; `what` is its content, input, link or device."""
    return {"path": path, "mode": mode, "uid": 0, "gid": 0, **what}


def skeleton(more: Iterable[str] = ()) -> Iterator[Json]:
    """Links, folders and devices of an empty root with busybox for its shell, with `more` folders."""
    yield from empty_root(more)
    yield shell()


def empty_root(more: Iterable[str] = ()) -> Iterator[Json]:
    """Links, folders and devices of an empty root, with `more` folders."""
    yield from merged_links()
    for path in (*FOLDERS, *more):
        yield entry(path, stat.S_IFDIR | (0o1777 if path == "tmp" else 0o700 if path == "root" else 0o755))
    for path, device in DEVICES.items():
        yield entry(path, stat.S_IFCHR | 0o600, device=list(device))


def merged_links() -> Iterator[Json]:
    """What makes /bin and its like the same as what is in /usr, where packages are unpacked to."""
    for path, target in LINKS.items():
        yield entry(path, stat.S_IFLNK | 0o777, link=target)


def shell() -> Json:
    """busybox as /bin/sh, which our scripts are written for."""
    return entry("usr/bin/sh", stat.S_IFLNK | 0o777, link="busybox")


def applets() -> Iterator[Json]:
    """busybox's commands as links. They are the lowest layer: a package that has the real program goes over them."""
    for applet in (data_dir("dom0-image") / "linux" / "applets").read_text().split():
        yield entry(f"usr/bin/{applet}", stat.S_IFLNK | 0o777, link="busybox")


def glue(root: Path, files: dict[str, Path]) -> Iterator[Json]:
    """Our own files below `root`, which go into `files` as inputs: what starts with "#!" is a program."""
    for source in sorted(path for path in root.rglob("*") if path.is_file()):
        path = source.relative_to(root).as_posix()
        name = "glue-" + path.replace("/", "-")
        files[name] = source
        with source.open("rb") as opened:
            program = opened.read(2) == b"#!"
        yield entry(path, stat.S_IFREG | (0o755 if program else 0o644), input=name)


def user_files(
    declared: Iterable[File], folder: Path, files: dict[str, Path], *, merged: bool = True
) -> Iterator[Json]:
    """The files of the declaration, whose sources go into `files` as inputs. `folder` is the declaration's.

    merged: /bin and its like are links into /usr. Raises DeclarationError for a source that is not there.
    """
    for number, file in enumerate(declared):
        path = place(file.path) if merged else file.path.lstrip("/")
        yield _user_file(folder, file, path, f"file{number}", files)


def place(path: str) -> str:
    """Where an absolute path leads on a system with merged /usr, relative to the root."""
    path = path.lstrip("/")
    first, _, rest = path.partition("/")
    return f"{LINKS[first]}/{rest}" if rest and first in LINKS else path


def _user_file(folder: Path, file: File, path: str, name: str, files: dict[str, Path]) -> Json:
    uid, gid = map(int, file.owner.split(":"))
    owner = {"uid": uid, "gid": gid}
    if file.symlink is not None:
        return {**entry(path, stat.S_IFLNK | 0o777, link=file.symlink), **owner}
    mode = stat.S_IFREG | file.mode
    if file.source is None:
        return {**entry(path, mode, content=file.content or ""), **owner}
    source = file.source if refers(file.source) else folder / file.source
    if not refers(source) and not source.is_file():
        raise DeclarationError(
            f"there is no file {file.source}", at=file.at("source"), advice="paths start at the declaration's folder"
        )
    files[name] = source
    return {**entry(path, mode, input=name), **owner}
