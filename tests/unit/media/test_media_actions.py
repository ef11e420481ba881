"""The actions that write media, with small parts: what is where, and equal parts make equal bytes."""

from __future__ import annotations

import hashlib
import json
import struct
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from test_menu import params as menu_params

from xenbuild.compose.inspect import inspect
from xenbuild.compose.manifest import Manifest, Part
from xenbuild.formats.fatread import read_fat
from xenbuild.formats.gpt import BIOS_BOOT, read_gpt
from xenbuild.parts.templates import source
from xenbuild.plan.action import Action, File, Input
from xenbuild.plan.run import run
from xenbuild.store.store import Store
from xenbuild.store.tree import FileEntry

BUNDLE = b"bundle" * 1000
MANIFEST = Manifest("x86_64/xen", tuple(Part(n, n, 600, "", 0, 4096 * at) for at, n in enumerate(("xen", "kernel"), 1)))
CORE = bytes(500) + struct.pack("<QHH", 2, 3, 0x820) + b"core" * 300


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "cache") as store:
        yield store


def made(store: Store, function: str, params: dict[str, Any], **inputs: Input) -> Any:
    goal = Action("write", f"xenbuild.media.{function}", params, inputs, ("image",)).output("image")
    return run([goal], store, jobs=1)[goal]


def disk(store: Store, label: str = "lab", **changes: Any) -> bytes:
    put = store.put_bytes
    inputs: dict[str, Input] = {
        "bundle": File(put(BUNDLE)),
        "manifest": File(put(MANIFEST.to_bytes())),
        "boot": File(put(b"\xeb\x63".ljust(512, b"\x90"))),
        "grub-bios": File(put(CORE)),
        "grub-uefi": File(put(b"efi")),
    }
    params = {
        "files": {"bundle": "bundle.elf"},
        "apart": True,
        "template": source("grub.cfg", Path()),
        "menu": menu_params(slots=bool(changes.get("tries"))),
        "label": label,
        "data": None,
        "tries": 0,
        "slots template": "state {{ state }} a {{ a }} b {{ b }}",
        "loaders": {"grub-bios": "", "grub-uefi": "EFI/BOOT/BOOTX64.EFI"},
        **changes,
    }
    return store.path(made(store, "raw:run", params, **inputs).digest).read_bytes()


def inside(image: bytes, name: str) -> bytes:
    part = next(p for p in read_gpt(image, "d").partitions if p.name == name)
    return image[part.offset : part.offset + part.size]


def test_a_disk_has_what_both_firmwares_look_for(store: Store) -> None:
    image = disk(store)
    bios, esp = read_gpt(image, "d").partitions
    assert (bios.kind, bios.first) == (BIOS_BOOT, 2048)
    assert struct.unpack_from("<Q", image, 0x5C) == (bios.first,), "the boot sector knows where the core is"
    assert image[0x66:0x68] == b"\x90\x90"
    core = inside(image, "bios")
    assert core[:500] == CORE[:500] and core[512 : len(CORE)] == CORE[512:]
    assert struct.unpack_from("<QHH", core, 500) == (bios.first + 1, 3, 0x820), "the core knows where its rest is"
    system = read_fat(inside(image, "esp"), "esp")
    assert system.label == "LAB"
    assert system.files.keys() == {"EFI/BOOT/BOOTX64.EFI", "xenbuild/bundle.elf", "xenbuild/grub.cfg"}
    assert system.files["xenbuild/bundle.elf"] == BUNDLE
    assert esp.last < len(image) // 512 - 33


def test_equal_parts_make_equal_bytes_and_others_other_identifiers(store: Store, tmp_path: Path) -> None:
    with Store(tmp_path / "another") as another:
        assert disk(store) == disk(another)
    one, two = read_gpt(disk(store), "d"), read_gpt(disk(store, label="other"), "d")
    assert one.disk != two.disk
    assert len({one.disk, *(p.unique for p in one.partitions)}) == 3


def test_two_copies_with_their_state_and_a_partition_for_data(store: Store) -> None:
    image = disk(store, tries=2, data={"size": 2 << 20, "label": "keep", "format": "fat"})
    names = [p.name for p in read_gpt(image, "d").partitions]
    assert names == ["bios", "esp", "xenbuild-state", "slot-a", "slot-b", "keep"]
    assert read_fat(inside(image, "esp"), "esp").files["xenbuild/grub.cfg"] == b"state 3 a 4 b 5"
    part = inside(image, "xenbuild-state")
    state = read_fat(part, "state").files["grubenv"]
    assert state.startswith(b"# GRUB Environment Block\nslot=a\ntries=11\nfull=11\ndisk=")
    values = dict(line.split(b"=") for line in state.partition(b"##")[0].splitlines() if b"=" in line)
    assert len(state) == 1024 and state.endswith(b"##")
    sector = int(values[b"sector"])
    assert part[sector * 512 :][:1024] == state, "dom0 finds it without a file system"
    one, two = (read_fat(inside(image, f"slot-{n}"), n) for n in "ab")
    assert one.files == two.files and one.files.keys() == {"xenbuild/bundle.elf", "xenbuild/menu.cfg"}
    assert one.serial != two.serial
    assert read_fat(inside(image, "keep"), "keep").label == "KEEP"
    assert inside(disk(store, data={"size": 1 << 20, "label": "x", "format": "none"}), "x") == bytes(1 << 20)


def test_without_a_bios_there_is_no_boot_code(store: Store) -> None:
    image = disk(store, loaders={"grub-uefi": "EFI/BOOT/BOOTX64.EFI"})
    assert not any(image[:440])
    assert [p.name for p in read_gpt(image, "d").partitions] == ["esp"]


def test_inspect_tells_what_a_disk_holds(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "lab.raw"
    path.write_bytes(disk(store))
    report = inspect(path)
    assert (report.kind, report.damage) == ("disk image", [])
    assert report.facts["boots by"] == ["BIOS", "UEFI"]
    assert "xenbuild/bundle.elf" in report.facts["partitions"][1]["content"]


def parcel(store: Store, form: str) -> Any:
    files = {"bundle": "bundle.elf", "manifest": "manifest.json"}
    params = {"files": files, "prefix": "lab", "reference": "lab", "arch": "amd64"}
    inputs = {"bundle": File(store.put_bytes(BUNDLE)), "manifest": File(store.put_bytes(MANIFEST.to_bytes()))}
    return made(store, f"parcel:{form}", params, **inputs)


def test_an_archive_of_the_parts(store: Store) -> None:
    data = store.path(parcel(store, "tar").digest).read_bytes()
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        members = archive.getmembers()
        assert [m.name for m in members] == ["lab/bundle.elf", "lab/manifest.json"]
        assert {(m.uid, m.gid, m.mode, m.mtime, m.uname) for m in members} == {(0, 0, 0o644, 1, "")}
        content = archive.extractfile(members[0])
        assert content is not None and content.read() == BUNDLE


def test_a_layout_of_the_open_container_initiative(store: Store) -> None:
    """Every descriptor names a blob by digest and size, and nothing else is there (image-spec, image-layout.md)."""
    tree = store.get_tree(parcel(store, "oci").digest)
    content = {p: store.path(e.digest).read_bytes() for p, e in tree.items() if isinstance(e, FileEntry)}
    assert json.loads(content.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads(content.pop("index.json"))
    for path, data in content.items():
        assert path == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"

    def blob(descriptor: dict[str, Any]) -> bytes:
        data = content[descriptor["digest"].replace("sha256:", "blobs/sha256/")]
        assert len(data) == descriptor["size"]
        return data

    (listed,) = index["manifests"]
    manifest = json.loads(blob(listed))
    titles = [layer["annotations"]["org.opencontainers.image.title"] for layer in manifest["layers"]]
    assert dict(zip(titles, map(blob, manifest["layers"]), strict=True))["bundle.elf"] == BUNDLE
    assert blob(manifest["config"]) == b"{}"
    used = {listed["digest"], manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
    assert used == {f"sha256:{path.rpartition('/')[2]}" for path in content}
