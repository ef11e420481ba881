"""What differs between two images."""

from __future__ import annotations

from pathlib import Path

import pytest
from results import write_folder

from xenbuild.errors import FormatError
from xenbuild.trust.diff import Change, compare, read_side


def test_nothing(tmp_path: Path) -> None:
    write_folder(tmp_path / "a")
    write_folder(tmp_path / "b")
    for one, other in (("a", "b"), ("a/lab.raw", "b/lab.raw")):
        found = compare(read_side(tmp_path / one), read_side(tmp_path / other))
        assert not found
        assert found.to_json()["differ"] is False


def test_everything(tmp_path: Path) -> None:
    write_folder(tmp_path / "a", cmdline="quiet root=a")
    write_folder(tmp_path / "b", "1:1.1", "root=b quiet", b"more")
    found = compare(read_side(tmp_path / "a"), read_side(tmp_path / "b"))
    assert found.images == [Change("raw", 4096, 4100)]
    assert found.parts == [Change("initramfs", 1, 5)]
    assert found.words == [Change(name, ["root=a"], ["root=b"]) for name in ("xen", "kernel", "initramfs")]
    assert found.packages == [Change("libc6", "1:1.0+b1", "1:1.1")]
    assert found.facts == []


def test_the_order_of_words(tmp_path: Path) -> None:
    write_folder(tmp_path / "a", cmdline="a b")
    write_folder(tmp_path / "b", cmdline="b a")
    assert compare(read_side(tmp_path / "a"), read_side(tmp_path / "b")).words[0] == Change(
        "xen", ["a", "b"], ["b", "a"]
    )


def test_without_a_bill(tmp_path: Path) -> None:
    write_folder(tmp_path / "a")
    write_folder(tmp_path / "b")
    (tmp_path / "b" / "sbom.cdx.json").write_text("{")
    assert compare(read_side(tmp_path / "a"), read_side(tmp_path / "b")).packages is None


def test_what_is_no_image(tmp_path: Path) -> None:
    image = write_folder(tmp_path / "a")
    image.write_bytes(b"changed")
    with pytest.raises(FormatError, match=r"lab.raw is of no kind that xenbuild knows"):
        read_side(image)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError) as caught:
        read_side(tmp_path / "empty")
    assert caught.value.message == f"{tmp_path}/empty is no folder of results: it has no manifest.json that can be read"
    (tmp_path / "a" / "manifest.json").write_text('{"images": [{}], "bundle": {}}')
    with pytest.raises(FormatError, match=r"manifest.json is damaged"):
        read_side(tmp_path / "a")
