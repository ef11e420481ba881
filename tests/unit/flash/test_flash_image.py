"""Images that may go to a disk, and those that may not: judged by their bytes and by the manifest beside them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from faulty_disks import MIB, gpt, make_image

from xenbuild.errors import FormatError, HostError, IntegrityError
from xenbuild.flash import blockmap
from xenbuild.flash.image import built_images, read_image, require_unchanged
from xenbuild.formats.bmap import Range, write_bmap
from xenbuild.media.blockmap import hashed
from xenbuild.store.digest import Digest
from xenbuild.store.files import data_of

DISK = "declare one in `images:` with a medium that is a disk, such as raw or iso, and run `xenbuild image`"


def hybrid() -> bytes:
    return gpt(MIB)[:512].ljust(32769, b"\0") + b"CD001" + bytes(4096)


@pytest.mark.parametrize(
    ("content", "kind", "sector"),
    [
        (gpt(MIB) + bytes(MIB), "GPT", 512),
        (gpt(MIB, 4096) + bytes(MIB), "GPT", 4096),
        (gpt(MIB)[:512] + bytes(MIB), "MBR", None),
        (hybrid(), "hybrid ISO", None),
        (gpt(MIB).ljust(32769, b"\0") + b"CD001" + bytes(4096), "hybrid ISO", None),
    ],
)
def test_images_for_disks(content: bytes, kind: str, sector: int | None, tmp_path: Path) -> None:
    (tmp_path / "lab").write_bytes(content)
    image = read_image(tmp_path / "lab", foreign=True)
    assert (image.kind, image.sector, image.size, image.sha256) == (kind, sector, len(content), "")


@pytest.mark.parametrize(
    ("content", "message", "advice"),
    [
        (b"", "{} is empty", "build the image again"),
        (b"\x7fELF" + bytes(99), "{} is a bundle or kernel, which a boot loader starts, not an image of a disk", DISK),
        (bytes(56) + b"ARM\x64", "{} is a bundle or kernel, which a boot loader starts, not an image of a disk", DISK),
        (bytes(36) + b"\x18\x28\x6f\x01", "{} is a bundle or kernel, which a boot loader starts, not an image", DISK),
        (b"MZ" + bytes(99), "{} is a kernel or an EFI application, which a boot loader starts", DISK),
        (b"\x1f\x8b" + bytes(99), "{} is packed with gzip", "unpack it first"),
        (b"\xfd7zXZ\0" + bytes(99), "{} is packed with xz", "unpack it first"),
        (b"QFI\xfb" + bytes(99), "{} is a qcow2 image, which is for virtual machines, not for a disk", DISK),
        (bytes(32769) + b"CD001", "{} is an ISO image for a CD only: no disk starts from it", DISK),
        (bytes(MIB), "{} is no image of a disk: it has no partition table", DISK),
    ],
)
def test_what_is_for_no_disk(content: bytes, message: str, advice: str, tmp_path: Path) -> None:
    path = tmp_path / "lab"
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        read_image(path, foreign=True)
    assert caught.value.message.startswith(message.format(path))
    assert caught.value.advice == advice


def test_only_what_the_manifest_names_is_ours(tmp_path: Path) -> None:
    path = tmp_path / "lab.raw"
    make_image(path, 4 * MIB, [])
    advice = "give the image in out/, or --foreign to write an image of others"
    for manifest in ("", "{", "[]", '{"images": [{"file": "other.raw", "sha256": ""}]}', '{"images": [1]}'):
        (tmp_path / "manifest.json").write_text(manifest)
        with pytest.raises(FormatError) as caught:
            read_image(path)
        assert (
            caught.value.message == f"{path} is not an image that xenbuild built: no manifest.json beside it names it"
        )
        assert caught.value.advice == advice
    digest = Digest.of(path.read_bytes())
    (tmp_path / "manifest.json").write_text(json.dumps({"images": [{"file": "lab.raw", "sha256": digest.hash}]}))
    image = read_image(path)
    require_unchanged(image, digest)
    with pytest.raises(
        IntegrityError, match=r"lab.raw is not what was built: its SHA-256 is 0{16}…, manifest.json has"
    ):
        require_unchanged(image, Digest("0" * 64, 1))


def test_the_images_in_out(tmp_path: Path) -> None:
    folder = tmp_path / "x86_64-xen"
    folder.mkdir()
    make_image(folder / "lab.raw", 4 * MIB, [])
    (folder / "lab.elf").write_bytes(b"\x7fELF" + bytes(99))
    listed = [{"file": name, "sha256": "0" * 64} for name in ("lab.raw", "lab.elf", "gone.raw")]
    (folder / "manifest.json").write_text(json.dumps({"images": listed}))
    assert list(built_images(tmp_path)) == [folder / "lab.raw"]


def test_no_such_image(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"cannot use .*none.raw: No such file or directory"):
        read_image(tmp_path / "none.raw")


# Which blocks


def test_holes_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "lab.raw"
    make_image(path, 8 * MIB, [(3 * MIB, 5000)])
    with path.open("rb") as file:
        if len(list(data_of(file.fileno(), 8 * MIB))) == 1:
            pytest.skip("this file system does not tell where holes are")
    plan = blockmap.plan(path)
    assert plan.clear
    assert plan.map.ranges == (Range(0, 0), Range(768, 769), Range(2047, 2047))
    assert plan.map.mapped == 4 * 4096


def test_a_file_without_data(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    with path.open("wb") as file:
        file.truncate(MIB)
    assert blockmap.plan(path).map.ranges in ((), (Range(0, 255),))


def test_a_map_beside_the_image(tmp_path: Path) -> None:
    path = tmp_path / "lab.raw"
    make_image(path, 8 * MIB, [(3 * MIB, 5000)])
    map = hashed(path, blockmap.plan(path).map)
    (tmp_path / "lab.bmap").write_bytes(write_bmap(map))
    assert blockmap.plan(path) == blockmap.Plan(map, clear=False)
    os.truncate(path, 9 * MIB)
    with pytest.raises(FormatError) as caught:
        blockmap.plan(path)
    assert caught.value.message == f"{tmp_path}/lab.bmap maps an image of {8 * MIB} bytes; lab.raw has {9 * MIB}"
