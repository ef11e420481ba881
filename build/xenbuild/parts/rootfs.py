"""dom0's configuration: the declaration's dom0 block -> the entries of the small segment of its initramfs."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from xenbuild.errors import DeclarationError
from xenbuild.plan.action import Json
from xenbuild.spec.data import data_dir
from xenbuild.spec.dom0 import Dom0, File, User
from xenbuild.spec.model import Declaration

# Links of a system with merged /usr, and what has to be there before init runs.
_LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64", "var/run": "../run"}
_FOLDERS = (
    "dev",
    "proc",
    "sys",
    "run",
    "tmp",
    "mnt",
    "root",
    "var/lib/xen",
    "var/lib/xenstored",
    "var/log/xen/console",
    "usr/lib64",
    "usr/sbin",
)
_DEVICES = {"dev/console": (5, 1), "dev/null": (1, 3)}  # Linux, Documentation/admin-guide/devices.txt


@dataclass(frozen=True, slots=True)
class Config:
    """Parameters and input files of the action xenbuild.parts.segments:config."""

    params: Json
    files: Mapping[str, Path]  # input name -> file on this machine


def config(declaration: Declaration) -> Config:
    """Everything of dom0 that is ours or the user's. Raises DeclarationError for a file that is not there."""
    files: dict[str, Path] = {}
    entries = [*_skeleton(), *_glue(files), *_generated(declaration.dom0)]
    for number, file in enumerate(declaration.dom0.files):
        entries.append(_user_file(declaration, file, f"file{number}", files))
    return Config({"entries": entries}, files)


def _entry(path: str, mode: int, **what: Json) -> Json:
    return {"path": path, "mode": mode, "uid": 0, "gid": 0, **what}


def _skeleton() -> Iterator[Json]:
    for path, target in _LINKS.items():
        yield _entry(path, stat.S_IFLNK | 0o777, link=target)
    for path in _FOLDERS:
        yield _entry(path, stat.S_IFDIR | (0o1777 if path == "tmp" else 0o700 if path == "root" else 0o755))
    yield _entry("usr/bin/sh", stat.S_IFLNK | 0o777, link="busybox")  # what our scripts are written for
    for path, device in _DEVICES.items():
        yield _entry(path, stat.S_IFCHR | 0o600, device=list(device))


def applets() -> Iterator[Json]:
    """busybox's commands as links. They are the lowest layer: a package that has the real program goes over them."""
    for applet in (data_dir("dom0-image") / "linux" / "applets").read_text().split():
        yield _entry(f"usr/bin/{applet}", stat.S_IFLNK | 0o777, link="busybox")


def _glue(files: dict[str, Path]) -> Iterator[Json]:
    """Our own files, dom0-image/linux/root/: what starts with "#!" is a program."""
    root = data_dir("dom0-image") / "linux" / "root"
    for source in sorted(path for path in root.rglob("*") if path.is_file()):
        path = source.relative_to(root).as_posix()
        name = "glue-" + path.replace("/", "-")
        files[name] = source
        with source.open("rb") as opened:
            program = opened.read(2) == b"#!"
        yield _entry(path, stat.S_IFREG | (0o755 if program else 0o644), input=name)


def _generated(dom0: Dom0) -> Iterator[Json]:
    regular = stat.S_IFREG | 0o644
    yield _entry("etc/hostname", regular, content=dom0.hostname + "\n")
    yield _entry("etc/hosts", regular, content=f"127.0.0.1 localhost\n127.0.1.1 {dom0.hostname}\n")
    yield _entry("etc/xenbuild/config", regular, content=settings(dom0))
    bridge = dom0.bridge.name if dom0.bridge else ""
    vif = f'vif.default.bridge="{bridge}"\n' if bridge else ""
    yield _entry("etc/xen/xl.conf", regular, content=f'autoballoon="off"\nclaim_mode=0\n{vif}')
    users = list(dom0.users)
    if all(user.uid for user in users):
        users.insert(0, User(name="root"))  # password locked: only the console's shell, where no user is declared
    yield _entry("etc/passwd", regular, content="".join(map(_passwd, users)))
    yield _entry("etc/shadow", stat.S_IFREG | 0o600, content="".join(map(_shadow, users)))
    groups = {user.uid: user.name for user in reversed(users)}
    yield _entry("etc/group", regular, content="".join(f"{groups[gid]}:x:{gid}:\n" for gid in sorted(groups)))
    for user in users:
        home = _home(user).strip("/")
        if user.uid and home not in ("", *_FOLDERS):  # those stay root's
            yield {**_entry(home, stat.S_IFDIR | 0o700), "uid": user.uid, "gid": user.uid}


def settings(dom0: Dom0) -> str:
    """What init reads with `.`: shell variables, quoted."""
    bridge = dom0.bridge
    values = {
        "HOSTNAME": dom0.hostname,
        "BRIDGE": bridge.name if bridge else "",
        "BRIDGE_ADDRESS": (bridge.address or "") if bridge else "",
        "BRIDGE_PORTS": " ".join(bridge.ports) if bridge else "",
        "LOGIN": "yes" if dom0.users else "",
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def _passwd(user: User) -> str:
    return f"{user.name}:x:{user.uid}:{user.uid}:{user.name}:{_home(user)}:{user.shell}\n"


def _home(user: User) -> str:
    return user.home or (f"/home/{user.name}" if user.uid else "/root")


def _shadow(user: User) -> str:
    """Passwords never grow old. busybox passes over a line whose fields about that are all empty (libbb/pwd_grp.c)."""
    return f"{user.name}:{user.password_hash}::0:99999:7:::\n"


def _user_file(declaration: Declaration, file: File, name: str, files: dict[str, Path]) -> Json:
    path = file.path.lstrip("/")
    first, _, rest = path.partition("/")
    if rest and first in _LINKS:
        path = f"{_LINKS[first]}/{rest}"
    uid, gid = map(int, file.owner.split(":"))
    owner = {"uid": uid, "gid": gid}
    if file.symlink is not None:
        return {**_entry(path, stat.S_IFLNK | 0o777, link=file.symlink), **owner}
    mode = stat.S_IFREG | file.mode
    if file.source is None:
        return {**_entry(path, mode, content=file.content or ""), **owner}
    source = declaration.folder / file.source
    if not source.is_file():
        raise DeclarationError(
            f"there is no file {file.source}", at=file.at("source"), advice="paths start at the declaration's folder"
        )
    files[name] = source
    return {**_entry(path, mode, input=name), **owner}
