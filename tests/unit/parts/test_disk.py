"""Guests' disks: how large a file system is, what is planned for it, and what a disk of the user's own must be."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from xenbuild.errors import FormatError
from xenbuild.parts import disk, ext4
from xenbuild.parts.guest import Guest, guests
from xenbuild.parts.layers import Member
from xenbuild.parts.requests import part_requests, role_of
from xenbuild.parts.sourced import Sourced
from xenbuild.plan.action import Action, OutputOf, TreeOf
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.block import Size
from xenbuild.spec.dom0 import File
from xenbuild.spec.domain import Disk, Domain
from xenbuild.spec.model import Declaration, Target
from xenbuild.spec.recipe import Release, load_recipe
from xenbuild.store.digest import Digest
from xenbuild.store.store import Store

FOLDER = Member(stat.S_IFDIR | 0o755)


def file(size: int, same: object = None) -> Member:
    return Member(stat.S_IFREG | 0o644, size=size, same=same)


@pytest.mark.parametrize(("size", "blocks"), [(0, 0), (1, 1), (4096, 1), (4097, 2), (512 << 20, 131072 + 1), (1, 1)])
def test_blocks_of_a_file(size: int, blocks: int) -> None:
    assert ext4.file_blocks(size) == blocks


def test_blocks_of_a_folder() -> None:
    assert ext4.folder_blocks([]) == 1
    assert ext4.folder_blocks(["x" * 200] * 19) == 1  # 24 + 19 * 208 bytes, of 4084
    assert ext4.folder_blocks(["x" * 200] * 20) == 2


def test_what_takes_no_block_and_what_is_counted_once() -> None:
    empty = ext4.content_blocks({})
    assert ext4.content_blocks({"l": Member(stat.S_IFLNK | 0o777, target="x" * 59)}) == empty
    assert ext4.content_blocks({"l": Member(stat.S_IFLNK | 0o777, target="x" * 60)}) == empty + 1
    assert ext4.content_blocks({"d": FOLDER, "d/f": file(9000)}) == empty + 1 + 3
    assert ext4.content_blocks({"a": file(9000, "one"), "b": file(9000, "one")}) == empty + 3


def test_layouts() -> None:
    members = {"f": file(10 << 20)}
    written = ext4.layout(members, 0, writable=True)
    assert (26 << 20) < written.blocks * 4096 < (36 << 20) and written.journal == 4 << 20
    read = ext4.layout(members, 0, writable=False)
    assert read.needed == read.blocks * 4096 < (11 << 20) and not read.journal
    given = ext4.layout(members, 1 << 30, writable=True)
    assert given.blocks * 4096 == 1 << 30 and given.inodes > 10000
    # A disk of less than 16 MiB has no journal, so that its room is for files.
    assert not ext4.layout(members, 15 << 20, writable=True).journal


class Job:
    """Stands for plan.job.Job in disk.check."""

    def __init__(self, image: Path, format: str) -> None:
        self.image, self.params = image, {"format": format}
        self.made: list[str] = []

    def path(self, name: str) -> Path:
        return self.image

    def digest(self, name: str) -> Digest:
        return Digest.of(self.image.read_bytes())

    def put_file(self, name: str, digest: Digest) -> None:
        self.made.append(name)


QCOW2, VHD = b"QFI\xfb" + bytes(9000), bytes(9000) + b"conectix" + bytes(504)


@pytest.mark.parametrize(
    ("data", "format"), [(bytes(4096), "raw"), (bytes(512 * 9), "raw"), (QCOW2, "qcow2"), (VHD, "vhd")]
)
def test_disks_that_are_taken(data: bytes, format: str, tmp_path: Path) -> None:
    (tmp_path / "d").write_bytes(data)
    job: Any = Job(tmp_path / "d", format)
    disk.check(job)
    assert job.made == ["image"]


@pytest.mark.parametrize(
    ("data", "format", "message", "advice"),
    [
        (b"", "raw", "the disk image is empty", "write size alone for an empty disk that dom0 makes"),
        (b"", "qcow2", "the disk image is empty", "write size alone for an empty disk that dom0 makes"),
        (bytes(2048), "raw", "the disk image has 2048 bytes",
         "a disk has sectors of 512 bytes, and 4K at least: was it cut short, or is it compressed?"),
        (bytes(5000), "raw", "the disk image has 5000 bytes",
         "a disk has sectors of 512 bytes, and 4K at least: was it cut short, or is it compressed?"),
        (QCOW2, "raw", "the disk image is in the format qcow2, where raw is declared", "write format: qcow2"),
        (VHD, "qcow2", "the disk image is in the format vhd, where qcow2 is declared", "write format: vhd"),
        (bytes(4096), "qcow2", "the disk image is none, where qcow2 is declared",
         "remove format, or convert it with qemu-img"),
    ],
)  # fmt: skip
def test_disks_that_are_refused(data: bytes, format: str, message: str, advice: str, tmp_path: Path) -> None:
    (tmp_path / "d").write_bytes(data)
    job: Any = Job(tmp_path / "d", format)
    with pytest.raises(FormatError) as caught:
        disk.check(job)
    assert (str(caught.value), caught.value.advice) == (message, advice)
    assert not job.made


def locked(name: str, version: str = "1") -> LockedPackage:
    return LockedPackage(name, version, "amd64", f"pool/{name}.deb", 1000, Digest.of(name.encode()).hash, "a")


COMMON = [locked("busybox-static"), locked("libc6"), locked("libgcc-s1")]


def planned(store: Store, folder: Path, domain: Domain, release: str = "bookworm") -> Guest:
    """The plan of one guest whose packages are as their names say."""
    made = Declaration(target=Target("x86_64", "xen"), folder=folder, name="m", release=release, domains={"g": domain})
    recipe = load_recipe(Release, release)
    asked = part_requests(made, recipe)
    packages = {role: [*COMMON, *map(locked, request.roots)] for role, request in asked.items()}
    packages |= {"dom0": COMMON, "kernel": [locked("linux-image")]}
    if "grub" in asked:
        packages["grub"] = [locked("grub-xen-host")]
    tools = TreeOf(Digest.of(b"tools"))
    (guest,) = guests(made, recipe, packages, Sourced(made, store, lambda group: tools))
    return guest


def action(made: Any) -> Action:
    assert isinstance(made, OutputOf)
    return made.action


def texts(layers: list[Any]) -> dict[str, str]:
    return {one["path"]: one["content"] for layer in layers for one in layer.get("entries", []) if "content" in one}


def test_a_data_disk_holds_what_was_written_and_nothing_else(tmp_path: Path) -> None:
    files = [File(path="/lib/a", content="x", owner="7:8")]
    domain = Domain(type="pv", disks=[Disk(filesystem="ext4", files=files, size=Size(1 << 20))])
    with Store(tmp_path / "store") as store:
        made = action(planned(store, tmp_path, domain).disks["xvda"])
    assert made.label == "make disk xvda of guest g" and made.params["size"] == 1 << 20
    assert [one["path"] for layer in made.params["layers"] for one in layer["entries"]] == ["lib/a"]
    assert not made.params["programs"]


def test_a_root_of_packages_has_busybox_to_fall_back_on(tmp_path: Path) -> None:
    files = [File(path="/bin/a", content="x")]
    domain = Domain(type="pvh", disks=[Disk(filesystem="erofs", root=True, packages=["jq"], files=files)])
    with Store(tmp_path / "store") as store:
        guest = planned(store, tmp_path, domain)
    made = action(guest.disks["xvda"])
    layers = made.params["layers"]
    assert made.params["readonly"] and guest.domain.disks[0].readonly
    assert list(made.params["programs"]) == ["sbin/init"]
    assert [layer["deb"] for layer in layers if "deb" in layer] == [
        "deb:busybox", "deb:busybox", "deb:busybox-static", "deb:libc6", "deb:libgcc-s1", "deb:jq",
    ]  # fmt: skip
    fallback = [layer.get("unless") for layer in layers if layer.get("deb") == "deb:busybox"]
    assert fallback == ["usr/sbin/init", "usr/bin/sh"]
    assert {"usr/bin/a", "etc/hostname", "etc/inittab"} <= {
        one["path"] for layer in layers for one in layer.get("entries", [])
    }


def test_the_modules_of_a_file_system_come_by_themselves(tmp_path: Path) -> None:
    domain = Domain(type="pv", disks=[Disk(filesystem="erofs", root=True)], modules=["loop"])
    with Store(tmp_path / "store") as store:
        joined = action(planned(store, tmp_path, domain).initramfs)
    (unpack,) = (action(action(segment).inputs["tree"]) for name, segment in joined.inputs.items() if name == "modules")
    assert unpack.params["modules"] == ["xen_blkfront", "xen_netfront", "crc32c_generic", "erofs", "loop"]


@pytest.mark.parametrize(
    ("kind", "form"), [("pv", "xenbuild.parts.guestkernel:run"), ("pvh", "xenbuild.parts.modules:run")]
)
def test_grub_boots_what_is_put_on_its_disk(kind: str, form: str, tmp_path: Path) -> None:
    domain = Domain(
        type=kind, boot="grub", cmdline=["quiet", 'a="b c"'], disks=[Disk(filesystem="ext4"), Disk(filesystem="ext4")]
    )
    with Store(tmp_path / "store") as store:
        guest = planned(store, tmp_path, domain)
    assert guest.initramfs is None and "GRUB of bookworm" in action(guest.kernel).label
    made = action(guest.disks["xvda"])
    config = texts(made.params["layers"])["boot/grub/grub.cfg"]
    assert "\tlinux /boot/vmlinuz console=hvc0 quiet 'a=b c'\n\tinitrd /boot/initrd.img\n" in config
    assert action(made.inputs["boot:boot-vmlinuz"]).function == form
    assert not texts(action(guest.disks["xvdb"]).params["layers"])


def test_the_users_own_configuration_of_grub_stands(tmp_path: Path) -> None:
    files = [File(path="/boot/grub/grub.cfg", content="mine")]
    domain = Domain(type="pv", boot="grub", disks=[Disk(filesystem="ext4", files=files)])
    with Store(tmp_path / "store") as store:
        made = action(planned(store, tmp_path, domain).disks["xvda"])
    assert texts(made.params["layers"]) == {"boot/grub/grub.cfg": "mine"}
    assert "boot:boot-vmlinuz" in made.inputs


def test_packages_of_an_initramfs(tmp_path: Path) -> None:
    domain = Domain(type="pv", packages=["strace", "nano"])
    with Store(tmp_path / "store") as store:
        joined = action(planned(store, tmp_path, domain).initramfs)
    assert joined.params["order"] == ["applets", "packages", "base", "modules", "config"]
    added = action(action(joined.inputs["packages"]).inputs["tree"])
    assert added.params["whole"] == ["nano", "strace"]
    assert added.params["order"] == ["busybox-static", "libc6", "libgcc-s1", "nano", "strace"]
    assert added.params["dlopened"] == ["libgcc_s.so.1"]


def test_equal_lists_of_packages_are_asked_for_once() -> None:
    domains = {
        "a": Domain(type="pv", packages=["b", "a"]),
        "b": Domain(type="pv", disks=[Disk(filesystem="ext4", packages=["a", "b", "a"])]),
        "c": Domain(type="pv", packages=["c"], boot="grub"),
    }
    made = Declaration(target=Target("x86_64", "xen"), folder=Path(), name="m", release="trixie", domains=domains)
    asked = part_requests(made, load_recipe(Release, "trixie"))
    assert {role for role in asked if role.startswith("packages")} == {"packages a b", "packages c"}
    assert asked[role_of(["b", "a"])].roots == ("a", "b")
    assert asked["grub"].roots == ("grub-xen-host",) and asked["grub"].only == "-"


def test_firmware_boots_what_is_put_on_its_disk(tmp_path: Path) -> None:
    domain = Domain(type="hvm", boot="firmware", disks=[Disk(filesystem="ext4", root=True), Disk(size=Size(4096))])
    with Store(tmp_path / "store") as store:
        guest = planned(store, tmp_path, domain)
    assert guest.kernel is None and guest.initramfs is None
    bootable = action(guest.disks["xvda"])
    assert bootable.function == "xenbuild.parts.bootdisk:run"
    made = action(bootable.inputs["filesystem"])
    assert "boot/grub/grub.cfg" in texts(made.params["layers"])
    joined = action(made.inputs["boot:boot-initrd.img"])
    config = texts([action(joined.inputs["config"]).params])["etc/xenbuild/config"]
    assert "ROOT=xvda1\n" in config  # in a partition
    assert "CONFIG_XEN_PVHVM_GUEST" in action(made.inputs["boot:boot-vmlinuz"]).params["builtin"]
