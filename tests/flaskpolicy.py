"""A FLASK policy for the very Xen that is tested, which holds the names of all classes and permissions in order.

Xen refuses a policy that lacks one of them (xsm/flask/ss/services.c: validate_classes).
"""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from project import TOP, Project

from xenbuild.compose.inspect import inspect
from xenbuild.media.build import Settings

_SIDS = 13  # initial ones, whose names a compiled policy does not have
# The first two of `av_perm_to_string`: number of the class, bit of the permission, pointer to its name.
_TABLE = re.compile(rb"\x01\0..\x01\0\0\0(.{8})\x01\0..\x02\0\0\0.{8}", re.DOTALL)


def flask_project(settings: Settings, tool: Callable[[str], list[str]], tmp_path: Path) -> Project:
    """smoke/host/flask with a policy made for the very Xen of its bundle, which an image without one shows."""
    folder = tmp_path / "project"
    shutil.copytree(TOP / "tests/smoke/host/flask", folder, ignore=shutil.ignore_patterns("out"))
    shutil.copy(TOP / "xenbuild.lock", folder)
    made = Project(folder, settings.store.root)
    (folder / "policy").write_bytes(b"")
    made.replace("  xsm_policy: policy", "  cmdline: []")
    assert made.run("image").code == 0
    text = policy(_part(folder / "out/arm64-xen/flask.img", "xen"), denied=["debug"])
    (folder / "policy.conf").write_text(text)
    words = [*tool("checkpolicy"), "-t", "Xen", "-c", "30", "-o", "policy", "policy.conf"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    made.replace("  cmdline: []", "  xsm_policy: policy")
    return made


def _part(image: Path, name: str) -> bytes:
    """A part of a bundle."""
    found = next(one for one in inspect(image).facts["parts"] if one["name"] == name)
    return image.read_bytes()[found["offset"] :][: found["size"]]


def policy(xen: bytes, denied: Iterable[str]) -> str:
    """Text for `checkpolicy -t Xen`: every domain may do everything but what is `denied`. `xen` is arm64's Image."""
    classes = _classes(xen)
    lines = [f"class {name}" for name in classes]
    lines += [f"sid sid{number}" for number in range(_SIDS)]
    lines += [f"class {name} {{ {' '.join(permissions)} }}" for name, permissions in classes.items()]
    lines += ["type all_t;", "role all_r;", "role all_r types all_t;"]
    for name, permissions in classes.items():
        allowed = [one for one in permissions if one not in denied]
        lines.append(f"allow all_t all_t : {name} {{ {' '.join(allowed)} }};")
    lines.append("user all roles all_r;")
    lines += [f"sid sid{number} all:all_r:all_t" for number in range(_SIDS)]
    return "\n".join(lines) + "\n"


def _classes(xen: bytes) -> dict[str, list[str]]:
    """The permissions of each class, both in Xen's order."""
    at, base = _table(xen)
    numbered: dict[int, list[str]] = {}
    for number, name in _rows(xen, at, base):
        numbered.setdefault(number, []).append(name)
    names = _names(xen, base, max(numbered))
    return {name: numbered[number] for number, name in enumerate(names, 1)}


def _table(xen: bytes) -> tuple[int, int]:
    """Where the table of permissions lies in the file, and the address that the file is linked at."""
    for found in _TABLE.finditer(xen):
        (pointer,) = struct.unpack("<Q", found[1])
        for text in re.finditer(b"settime\0", xen):
            base = pointer - text.start()
            if base > 0 and base % 4096 == 0:
                return found.start(), base
    raise AssertionError("this Xen has no table of permissions")


def _rows(xen: bytes, at: int, base: int) -> Iterator[tuple[int, str]]:
    while True:
        number, bit, pointer = struct.unpack_from("<HxxIQ", xen, at)
        if not 0 < number < 32 or bit & (bit - 1) or not base < pointer < base + len(xen):
            return
        yield number, _text(xen, pointer - base)
        at += 16


def _names(xen: bytes, base: int, count: int) -> list[str]:
    """`class_to_string` from class 1 on, which is xen and before xen2."""
    # A text may be the end of another one: the linker merges them.
    texts = {name: [m.start() for m in re.finditer(name + b"\0", xen)] for name in (b"xen", b"xen2")}
    for first in texts[b"xen"]:
        for second in texts[b"xen2"]:
            at = xen.find(struct.pack("<2Q", base + first, base + second))
            if at >= 0:
                pointers = struct.unpack_from(f"<{count}Q", xen, at)
                return [_text(xen, pointer - base) for pointer in pointers]
    raise AssertionError("this Xen has no names of classes")


def _text(xen: bytes, at: int) -> str:
    return xen[at : xen.index(b"\0", at)].decode()
