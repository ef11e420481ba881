"""dom0's parts without packages: configuration, segments, library closure, module order, the shell scripts."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import zstandard

from xenbuild.errors import DeclarationError, FormatError
from xenbuild.formats.cpio import CpioEntry, read, write
from xenbuild.formats.kmod import ModuleInfo
from xenbuild.parts import modules, rootfs, segments, toolstack, unpack
from xenbuild.parts.dom0 import parts
from xenbuild.parts.entries import applets
from xenbuild.parts.sourced import Sourced
from xenbuild.plan.action import Input, OutputOf
from xenbuild.plan.run import run
from xenbuild.spec.block import InputFile
from xenbuild.spec.data import data_dir
from xenbuild.spec.dom0 import Bridge, Dom0, File, User
from xenbuild.spec.model import Declaration, Target
from xenbuild.spec.recipe import Release, load_recipe
from xenbuild.store.store import Store
from xenbuild.store.tree import DirEntry, FileEntry, LinkEntry, Tree


def declaration(dom0: Dom0, folder: Path = Path()) -> Declaration:
    return Declaration(target=Target("x86_64", "xen"), folder=folder, name="n", release="bookworm", dom0=dom0)


def entries(dom0: Dom0, folder: Path = Path()) -> dict[str, CpioEntry]:
    config = rootfs.config(declaration(dom0, folder))
    return {e.name: e for e in segments.stated_entries(config.params["entries"], lambda name: config.files[name])}


def unpacked(frames: bytes) -> bytes:
    out = b""
    while frames := frames.lstrip(b"\0"):
        decoder = zstandard.ZstdDecompressor().decompressobj()
        out += decoder.decompress(frames)
        frames = decoder.unused_data
    return out


def test_skeleton() -> None:
    made = entries(Dom0())
    assert made["dev/console"] == CpioEntry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    assert made["init"].mode == stat.S_IFREG | 0o755
    assert made["bin"].data == b"usr/bin"
    assert made["var/lock"].data == b"/run/lock"
    assert made["usr/bin/sh"].data == b"busybox"
    assert made["etc/shadow"].mode == stat.S_IFREG | 0o600
    assert made["etc/passwd"].data == b"root:x:0:0:root:/root:/bin/sh\n"


def test_commands_of_busybox_are_a_layer_of_their_own() -> None:
    made = {item["path"]: item["link"] for item in applets()}
    assert made["usr/bin/mount"] == "busybox"
    assert "usr/bin/mount" not in entries(Dom0())  # which lie above the packages


def no_tools(group: str) -> Input:
    raise AssertionError(f"nothing here needs the tools of {group}")


def test_an_own_kernel_is_judged_before_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "vmlinuz").write_bytes(b"MZ" * 500)
    dom0 = Dom0(kernel=InputFile(tmp_path / "vmlinuz"))
    with Store(tmp_path / "store") as store:
        made = declaration(dom0)
        kernel, initramfs = parts(made, load_recipe(Release, "bookworm"), {}, None, Sourced(made, store, no_tools))
        assert initramfs is None
        assert isinstance(kernel, OutputOf)
        with pytest.raises(FormatError, match=r"^check vmlinuz: vmlinuz is no x86 kernel"):
            run([kernel], store, jobs=1)


def test_settings_are_quoted_for_the_shell() -> None:
    dom0 = Dom0(hostname="a", bridge=Bridge(ports=["eth0", "eth1"], address=None), users=[User(name="root")])
    shown = rootfs.settings(declaration(dom0))
    assert shown.startswith("HOSTNAME=a\nBRIDGE=xenbr0\nBRIDGE_ADDRESS=''\nBRIDGE_PORTS='eth0 eth1'\nLOGIN=yes\n")
    assert "BRIDGE=''" in rootfs.settings(declaration(Dom0(bridge=None)))


def test_users() -> None:
    made = entries(Dom0(users=[User(name="ann", uid=1000, password_hash="$6$x", home="/home/ann")]))
    assert made["etc/passwd"].data.decode().splitlines()[1] == "ann:x:1000:1000:ann:/home/ann:/bin/sh"
    assert made["etc/shadow"].data.decode().splitlines() == ["root:!::0:99999:7:::", "ann:$6$x::0:99999:7:::"]
    assert made["etc/group"].data.decode().splitlines() == ["root:x:0:", "ann:x:1000:"]
    home = made["home/ann"]
    assert (home.uid, home.gid, home.mode) == (1000, 1000, stat.S_IFDIR | 0o700)


@pytest.mark.parametrize(("home", "shown"), [(None, "/home/ann"), ("/", "/"), ("/root", "/root")])
def test_a_home_never_takes_a_folder_of_roots(home: str | None, shown: str) -> None:
    made = entries(Dom0(users=[User(name="ann", uid=1000, home=home)]))
    assert f":{shown}:/bin/sh\n" in made["etc/passwd"].data.decode().splitlines(keepends=True)[1]
    assert (made["root"].uid, made["root"].mode) == (0, stat.S_IFDIR | 0o700)
    assert ("home/ann" in made) == (home is None)


def test_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"secret")
    files = [
        File(path="/etc/motd", content="hello\n", mode=0o640, owner="3:4"),  # type: ignore[arg-type]
        File(path="/etc/key", source=Path("key")),
        File(path="/bin/tool", symlink="busybox"),
    ]
    made = entries(Dom0(files=files), tmp_path)
    assert made["etc/motd"] == CpioEntry("etc/motd", stat.S_IFREG | 0o640, b"hello\n", 3, 4)
    assert made["etc/key"].data == b"secret"
    assert made["usr/bin/tool"].data == b"busybox"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError) as caught:
        entries(Dom0(files=[File(path="/a", source=Path("nothing"))]), tmp_path)
    assert str(caught.value) == "there is no file nothing"


def test_a_segment_unpacks_frame_by_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "FRAME", 300)
    sample = [CpioEntry(f"f{i}", stat.S_IFREG | 0o644, bytes([i]) * i) for i in range(50)]
    frames = list(segments.compress(write(sample), 3))
    assert len(frames) > 5 and all(len(frame) % 4 == 0 for frame in frames)
    assert list(read(unpacked(b"".join(frames)))) == sample
    assert frames == list(segments.compress(write(sample), 3))


def test_a_tree_becomes_entries_with_parents_first(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        program = FileEntry(store.put_bytes(b"x"), executable=True)
        tree = Tree({"usr/bin/x": program, "usr/bin/y": LinkEntry("x"), "var/empty": DirEntry()})
        made = list(segments.tree_entries(tree, store.read))
    assert [entry.name for entry in made] == ["usr", "usr/bin", "usr/bin/x", "usr/bin/y", "var", "var/empty"]
    assert made[2].mode == stat.S_IFREG | 0o755


@pytest.mark.parametrize(
    ("path", "target", "result"),
    [
        ("lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld.so", "/usr/lib/x86_64-linux-gnu/ld.so"),
        ("lib/a.so", "a.so.1", "a.so.1"),
        ("usr/lib/b.so", "/lib/b.so.1", "/usr/lib/b.so.1"),
        ("bin/x", "../etc/x", "../../etc/x"),
        ("bin/x", "../sbin/x", "../sbin/x"),
    ],
)
def test_links_survive_the_merge(path: str, target: str, result: str) -> None:
    assert unpack.merged_target(path, target) == result


def test_missing_program() -> None:
    with pytest.raises(FormatError) as caught:
        toolstack.select(["usr/bin/a"], ["bin/a", "usr/bin/b*", "usr/bin/c"])
    assert str(caught.value) == "dom0's packages hold no file usr/bin/c"


def test_missing_library(tmp_path: Path) -> None:
    with Store(tmp_path) as store, pytest.raises(FormatError) as caught:
        toolstack.Closure(store, {}).add([], ["libgcc_s.so.1"])
    assert str(caught.value) == (
        "the recipe's `dlopened` needs the library libgcc_s.so.1, which none of dom0's packages holds"
    )


class Package:
    """Stands for modules.Modules: name -> what it depends on."""

    builtin: frozenset[str] = frozenset({"xenbus"})

    def __init__(self, depends: dict[str, list[str]]) -> None:
        self._depends = depends

    def __contains__(self, name: str) -> bool:
        return name in self._depends

    def load(self, name: str) -> tuple[ModuleInfo, bytes]:
        return ModuleInfo(name, tuple(self._depends[name]), ("no_such",), ""), b""

    def missing(self, name: str, wanted_by: str = "") -> FormatError:
        return FormatError(f"{name} for {wanted_by}")


def closure(depends: dict[str, list[str]], names: list[str]) -> list[str]:
    package: Any = Package(depends)
    return modules.closure(package, names)


def test_modules_come_behind_what_they_need() -> None:
    depends = {"bridge": ["stp", "llc"], "stp": ["llc"], "llc": ["xenbus"], "tun": []}
    assert closure(depends, ["tun", "bridge", "llc", "xenbus"]) == ["tun", "llc", "stp", "bridge"]


def test_missing_module() -> None:
    with pytest.raises(FormatError, match=r"^gone for bridge$"):
        closure({"bridge": ["gone"]}, ["bridge"])


SCRIPTS = sorted(
    p for p in (data_dir("dom0-image") / "linux/root").rglob("*") if p.is_file() and p.read_bytes()[:2] == b"#!"
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shell_syntax(script: Path) -> None:
    subprocess.run(["sh", "-n", script], check=True, timeout=10)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", "-s", "dash", "-e", "SC1091,SC2034", script], check=True, timeout=30)
