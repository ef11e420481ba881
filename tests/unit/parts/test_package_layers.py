"""Layers of packages and stated entries: what goes over what, conditions, links, and the archive that comes of it."""

from __future__ import annotations

import io
import stat
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from debs import deb
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.parts import layers
from xenbuild.parts.entries import entry
from xenbuild.parts.layers import Member, Members, read_layers, resolve

REGULAR = stat.S_IFREG | 0o644
LINK = stat.S_IFLNK | 0o777


class Job:
    """Stands for plan.job.Job: inputs are files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture
def read(tmp_path: Path) -> Iterator[Any]:
    with ExitStack() as packages:
        job: Any = Job(tmp_path)
        yield lambda *found: read_layers(job, list(found), packages)


def package(path: Path, *members: tarfile.TarInfo, content: bytes = b"") -> dict[str, Any]:
    """A package beside `path`, as a layer."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))
    path.write_bytes(deb(out.getvalue()))
    return {"deb": path.name, "globs": [], "exclude": ["usr/share/doc/*"]}


def member(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, gid: int = 0, target: str = "") -> Any:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.gid, info.linkname = kind, mode, gid, target
    return info


def content(found: Member) -> bytes:
    return b"".join(found.chunks())


def test_packages_keep_owners_and_modes_and_are_merged_into_usr(read: Any, tmp_path: Path) -> None:
    su = member("./bin/su", mode=0o4755, gid=42)
    mail = member("./var/mail", tarfile.DIRTYPE, 0o2775, 8)
    again = member("./usr/bin/other", tarfile.LNKTYPE, target="./bin/su")
    linked = member("./lib/x.so", tarfile.SYMTYPE, target="/lib/y.so")
    doc = member("./usr/share/doc/su/copyright")
    layer = package(tmp_path / "a.deb", su, mail, again, linked, doc, content=b"program")
    members = read(layer)
    assert list(members) == [
        "usr", "usr/bin", "usr/bin/other", "usr/bin/su", "usr/lib", "usr/lib/x.so", "var", "var/mail",
    ]  # fmt: skip
    made = members["usr/bin/su"]
    assert (made.mode, made.uid, made.gid, content(made)) == (stat.S_IFREG | 0o4755, 0, 42, b"program")
    assert members["var/mail"].mode == stat.S_IFDIR | 0o2775 and members["var/mail"].gid == 8
    assert members["usr/lib/x.so"].target == "/usr/lib/y.so"
    assert members["usr/bin/other"].same == made.same is not None


def test_later_layers_go_over_earlier_ones(read: Any, tmp_path: Path) -> None:
    below = {"entries": [entry("etc/a", REGULAR, content="below"), entry("etc/b", REGULAR, content="below")]}
    (tmp_path / "given").write_text("above")
    above = {"entries": [{**entry("etc/a", REGULAR, input="given"), "uid": 7}]}
    members = read(below, package(tmp_path / "a.deb", member("./etc/b"), content=b"package"), above)
    assert [(path, content(found), found.uid) for path, found in members.items() if found.size] == [
        ("etc/a", b"above", 7),
        ("etc/b", b"package", 0),
    ]


def test_a_layer_may_depend_on_what_others_hold(read: Any, tmp_path: Path) -> None:
    table = entry("etc/inittab", REGULAR, content="")
    fallback = {"unless": "usr/sbin/init", "entries": [entry("usr/sbin/init", LINK, link="busybox"), table]}
    copied = {"if": "usr/share/master", "entries": [entry("etc/passwd", REGULAR, copy="usr/share/master")]}
    assert read(fallback, copied).keys() == {"etc", "etc/inittab", "usr", "usr/sbin", "usr/sbin/init"}
    init = package(tmp_path / "a.deb", member("./sbin/init", mode=0o755), member("./usr/share/master"), content=b"x")
    members = read(fallback, init, copied)
    assert stat.S_ISREG(members["usr/sbin/init"].mode) and "etc/inittab" not in members
    assert content(members["etc/passwd"]) == b"x" and members["etc/passwd"].same is None


@pytest.mark.parametrize(
    ("below", "message", "advice"),
    [
        (entry("etc/x", LINK, link="/srv"), "/etc/x/y cannot be put there: /etc/x is a link",
         "write the path that it leads to (/srv)"),
        (entry("etc/x", REGULAR, content=""), "/etc/x/y cannot be put there: /etc/x is a file", ""),
    ],
)  # fmt: skip
def test_nothing_lies_below_what_is_no_folder(below: Any, message: str, advice: str, read: Any) -> None:
    with pytest.raises(FormatError) as caught:
        read({"entries": [below, entry("etc/x/y", REGULAR, content="")]})
    assert (str(caught.value), caught.value.advice) == (message, advice)


def test_links_are_followed_inside() -> None:
    program = Member(stat.S_IFREG | 0o755)
    members = {
        "sbin": Member(LINK, target="usr/sbin"),
        "usr/sbin/init": Member(LINK, target="/lib/systemd"),
        "lib": Member(LINK, target="usr/lib"),
        "usr/lib/systemd": Member(LINK, target="../../opt/./x"),
        "opt/x": program,
        "round": Member(LINK, target="round"),
    }
    assert resolve(members, "sbin/init") is program
    assert resolve(members, "round") is None and resolve(members, "sbin/no") is None


names = st.lists(st.text("ab-ü", min_size=1, max_size=8), min_size=1, max_size=4).map("/".join)
owners = st.integers(0, (1 << 32) - 2)
stated = st.dictionaries(names, st.tuples(st.binary(max_size=1500), owners, owners, st.integers(0, 0o7777)), max_size=9)


@given(stated)
def test_the_archive_says_what_the_members_say(files: dict[str, tuple[bytes, int, int, int]]) -> None:
    members: Members = {}
    for path, (data, uid, gid, mode) in sorted(files.items()):
        if not any(other != path and other.startswith(f"{path}/") for other in files):
            members[path] = Member(stat.S_IFREG | mode, uid, gid, len(data), lambda data=data: iter([data]))  # type: ignore[misc]
    with tarfile.open(fileobj=io.BytesIO(b"".join(layers.tar(members))), mode="r:") as archive:
        read = {info.name: info for info in archive}
        assert read.pop(".").isdir()
        assert read.keys() == members.keys()
        for path, info in read.items():
            data, uid, gid, mode = files[path]
            extracted = archive.extractfile(info)
            assert extracted is not None and extracted.read() == data
            assert (info.uid, info.gid, info.mode, info.mtime) == (uid, gid, mode, 0)


def test_names_of_one_file_are_one_file_in_the_archive() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"data"

    members = {name: Member(REGULAR, size=4, chunks=chunks, same="one") for name in ("a", "b")}
    with tarfile.open(fileobj=io.BytesIO(b"".join(layers.tar(members))), mode="r:") as archive:
        assert [(info.name, info.islnk(), info.linkname) for info in archive][1:] == [
            ("a", False, ""),
            ("b", True, "a"),
        ]


def test_a_file_that_changed_meanwhile() -> None:
    with pytest.raises(FormatError, match="a has 1 bytes instead of 2: it changed meanwhile"):
        list(layers.tar({"a": Member(REGULAR, size=2, chunks=lambda: iter([b"x"]))}))
