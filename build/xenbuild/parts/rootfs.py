"""dom0's configuration: the declaration's dom0 block -> the entries of the small segment of its initramfs."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from xenbuild.parts import host
from xenbuild.parts.entries import FOLDERS, entry, glue, skeleton, user_files
from xenbuild.plan.action import Json
from xenbuild.spec.data import data_dir
from xenbuild.spec.dom0 import User
from xenbuild.spec.model import Declaration

_FOLDERS = ("var/lib/xen", "var/lib/xenstored", "var/log/xen/console")


@dataclass(frozen=True, slots=True)
class Config:
    """Parameters and input files of the action xenbuild.parts.segments:config."""

    params: Json
    files: Mapping[str, Path]  # input name -> file on this machine


def config(declaration: Declaration) -> Config:
    """Everything of dom0 that is ours or the user's. Raises DeclarationError for a file that is not there."""
    files: dict[str, Path] = {}
    glued = glue(data_dir("dom0-image") / "linux" / "root", files)
    entries = [*skeleton(_FOLDERS), *glued, *_generated(declaration)]
    entries += user_files(declaration.dom0.files, declaration.folder, files)
    return Config({"entries": entries}, files)


def _generated(declaration: Declaration) -> Iterator[Json]:
    dom0 = declaration.dom0
    regular = stat.S_IFREG | 0o644
    yield entry("etc/hostname", regular, content=dom0.hostname + "\n")
    yield entry("etc/hosts", regular, content=f"127.0.0.1 localhost\n127.0.1.1 {dom0.hostname}\n")
    yield entry("etc/xenbuild/config", regular, content=settings(declaration))
    yield entry("var/lock", stat.S_IFLNK | 0o777, link="/run/lock")  # where xl console locks
    bridge = dom0.bridge.name if dom0.bridge else ""
    vif = f'vif.default.bridge="{bridge}"\n' if bridge else ""
    balloon = "on" if dom0.balloon else "off"
    conf = f'lockfile="/run/lock/xl"\nautoballoon="{balloon}"\nclaim_mode=0\n{vif}'
    yield entry("etc/xen/xl.conf", regular, content=conf)
    for path, text in host.cpupools(declaration):
        yield entry(path, regular, content=text)
    users = list(dom0.users)
    if all(user.uid for user in users):
        users.insert(0, User(name="root"))  # password locked: only the console's shell, where no user is declared
    yield entry("etc/passwd", regular, content="".join(map(_passwd, users)))
    yield entry("etc/shadow", stat.S_IFREG | 0o600, content="".join(map(_shadow, users)))
    groups = {user.uid: user.name for user in reversed(users)}
    yield entry("etc/group", regular, content="".join(f"{groups[gid]}:x:{gid}:\n" for gid in sorted(groups)))
    for user in users:
        home = _home(user).strip("/")
        if user.uid and home not in ("", *FOLDERS, *_FOLDERS):  # those stay root's
            yield {**entry(home, stat.S_IFDIR | 0o700), "uid": user.uid, "gid": user.uid}


def settings(declaration: Declaration) -> str:
    """What init reads with `.`: shell variables, quoted."""
    dom0 = declaration.dom0
    bridge = dom0.bridge
    values = {
        "HOSTNAME": dom0.hostname,
        "BRIDGE": bridge.name if bridge else "",
        "BRIDGE_ADDRESS": (bridge.address or "") if bridge else "",
        "BRIDGE_PORTS": " ".join(bridge.ports) if bridge else "",
        "LOGIN": "yes" if dom0.users else "",
        "STATE": dom0.state or "",
        **host.settings(declaration),
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def _passwd(user: User) -> str:
    return f"{user.name}:x:{user.uid}:{user.uid}:{user.name}:{_home(user)}:{user.shell}\n"


def _home(user: User) -> str:
    return user.home or (f"/home/{user.name}" if user.uid else "/root")


def _shadow(user: User) -> str:
    """Passwords never grow old. busybox passes over a line whose fields about that are all empty (libbb/pwd_grp.c)."""
    return f"{user.name}:{user.password_hash}::0:99999:7:::\n"
