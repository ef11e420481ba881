"""Several images of one target in out/: files and folders, placed by rename, listed with their digests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from xenbuild.compose.manifest import Manifest
from xenbuild.media.medium import Medium
from xenbuild.media.results import Made, write_results
from xenbuild.plan.action import Artifact, File, TreeOf
from xenbuild.spec.image import Image
from xenbuild.spec.load import load
from xenbuild.spec.model import Declaration
from xenbuild.store.files import copy
from xenbuild.store.store import Store
from xenbuild.store.tree import DirEntry, FileEntry, LinkEntry, Tree


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "cache") as store:
        yield store


@pytest.fixture
def declaration(tmp_path: Path) -> Declaration:
    (tmp_path / "xenbuild.yaml").write_text("name: lab\nrelease: bookworm\nimages: [{name: lab}]\n")
    return load(tmp_path / "xenbuild.yaml")


def made(name: str, artifact: Artifact, suffix: str | None) -> Made:
    medium = Medium(lambda making: making.bundle, None if suffix is None else lambda arch: suffix)
    return Made(Image(name=name, medium="bundle"), artifact, medium)


def tree(store: Store, **files: str) -> Tree:
    entries = {name.replace("__", "/"): FileEntry(store.put_bytes(text.encode())) for name, text in files.items()}
    return Tree({**entries, "link": LinkEntry("a"), "empty": DirEntry()})


def test_files_and_folders_side_by_side(store: Store, declaration: Declaration, tmp_path: Path) -> None:
    manifest = store.put_bytes(Manifest("x86_64/xen", ()).to_bytes())
    file = File(store.put_bytes(b"disk"))
    folder = TreeOf(store.put_tree(tree(store, a="one", sub__b="two")))
    out = tmp_path / "out"
    images = write_results(declaration, store, manifest, [made("d", file, ".raw"), made("net", folder, None)], out)
    place = out / "x86_64-xen"
    assert [image.path for image in images] == [place / "d.raw", place / "net"]
    assert (place / "net/sub/b").read_text() == "two"
    assert (place / "net/link").readlink() == Path("a")
    assert [image.size for image in images] == [4, 6]
    sums = dict(line.split("  ")[::-1] for line in (place / "SHA256SUMS").read_text().splitlines())
    assert sums.keys() == {"d.raw", "net/a", "net/sub/b", "manifest.json"}
    assert all(store.digest_of(place / name).hash == digest for name, digest in sums.items())
    listed = json.loads((place / "manifest.json").read_text())["images"]
    assert [one["file"] for one in listed] == ["d.raw", "net"]
    assert [one["file"] for one in listed[1]["files"]] == ["a", "sub/b"]


def test_a_map_lies_beside_its_disk(store: Store, declaration: Declaration, tmp_path: Path) -> None:
    manifest = store.put_bytes(Manifest("x86_64/xen", ()).to_bytes())
    disk, map = File(store.put_bytes(b"disk")), store.put_bytes(b"map")
    mapped = replace(made("d", disk, ".raw"), map=map)
    (image,) = write_results(declaration, store, manifest, [mapped], tmp_path)
    place = tmp_path / "x86_64-xen"
    assert image.map_path == place / "d.raw.bmap"
    assert image.map_path.read_bytes() == b"map"
    assert f"{map.hash}  d.raw.bmap\n" in (place / "SHA256SUMS").read_text()
    (listed,) = json.loads((place / "manifest.json").read_text())["images"]
    assert listed["map"] == {"file": "d.raw.bmap", "sha256": map.hash}


def test_a_folder_is_written_only_if_something_changed(store: Store, declaration: Declaration, tmp_path: Path) -> None:
    manifest = store.put_bytes(Manifest("x86_64/xen", ()).to_bytes())
    place = tmp_path / "out/x86_64-xen/net"

    def write(**files: str) -> int:
        folder = TreeOf(store.put_tree(tree(store, **files)))
        write_results(declaration, store, manifest, [made("net", folder, None)], tmp_path / "out")
        return place.stat().st_ino

    first = write(a="one")
    assert write(a="one") == first
    (place / "a").chmod(0o644)
    (place / "a").write_text("damaged")
    assert write(a="one") != first
    assert (place / "a").read_text() == "one"
    write(b="two")
    assert sorted(path.name for path in place.iterdir()) == ["b", "empty", "link"]
    assert sorted(path.name for path in place.parent.iterdir()) == ["SHA256SUMS", "manifest.json", "net", "report.txt"]


def test_holes_stay_holes(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with source.open("wb") as file:
        file.seek(1 << 20)
        file.write(b"data" * 5000)
        file.truncate(64 << 20)
    copy(source, target)
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_blocks <= source.stat().st_blocks + 64
    (tmp_path / "nothing").touch()
    copy(tmp_path / "nothing", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b""
