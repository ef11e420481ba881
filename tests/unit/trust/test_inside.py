"""What stands in media: parts are found wherever they lie, and one that is damaged is named with its place."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from results import archive

from xenbuild.errors import FormatError, IntegrityError
from xenbuild.formats import fat, gpt, mbr
from xenbuild.formats.fit import write_fit
from xenbuild.trust.inside import parts_in

PARTS = {"xen": b"hypervisor" * 99, "kernel": b"kernel" * 500, "initramfs": b"initramfs" * 700}
TOLD = {name: sha256(data).hexdigest() for name, data in PARTS.items()}


def disk(parts: dict[str, bytes], other: dict[str, bytes] | None = None) -> bytes:
    """Two partitions with the same files, or others in the second one."""
    files = [{f"xenbuild/{name}": data for name, data in one.items()} for one in (parts, other or parts)]
    places = [gpt.Partition(gpt.ESP, UUID(int=n), n * 4096, n * 4096 + 4095, f"slot-{'_ab'[n]}") for n in (1, 2)]
    out = io.BytesIO()
    sectors = gpt.sectors_for(places[-1].last)
    gpt.write_gpt(out, places, UUID(int=9), sectors)
    for place, inside in zip(places, files, strict=True):
        fat.write_fat(out, place.offset, dict(inside), fat.fitting(place.size), "SLOT", 1, place.first)
    return out.getvalue().ljust(sectors * 512, b"\0")


def card(parts: dict[str, bytes]) -> bytes:
    """One partition with a FIT of the kernel, and the other parts."""
    files: dict[str, fat.Content] = {"machine.itb": write_fit(parts["kernel"], "arm64", 0, "x")}
    files |= {name: data for name, data in parts.items() if name != "kernel"}
    layout = fat.fitting(2 << 20)
    out = io.BytesIO(mbr.write_mbr(2048, layout.total, 1))
    fat.write_fat(out, 1 << 20, files, layout, "CARD", 1, 2048)
    return out.getvalue().ljust((1 << 20) + layout.size, b"\0")


def damaged(data: bytes, part: str) -> bytes:
    """With one bit of a part flipped where it lies last."""
    at = data.rindex(PARTS[part]) + len(PARTS[part]) // 2
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("make", "times", "place"),
    [
        (archive, 1, "{}: lab/kernel"),
        (disk, 2, "{}: slot-b/xenbuild/kernel"),
        (card, 1, "{}: machine.itb/kernel"),
    ],
)
def test_parts_of_files(make: Callable[[dict[str, bytes]], bytes], times: int, place: str, tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(make(PARTS))
    for told in (TOLD, None):
        inside = parts_in(path, told)
        assert {name: part[1] for name, part in inside.parts.items()} == TOLD
        assert inside.found == 3 * times
    path.write_bytes(damaged(make(PARTS), "kernel"))
    with pytest.raises(IntegrityError) as caught:
        parts_in(path, TOLD)
    where = place.format(path)
    assert caught.value.message == f"{where}: its part 'kernel' is not the one that manifest.json tells of"


def test_two_copies_that_differ(tmp_path: Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(disk(PARTS, {**PARTS, "xen": b"another"}))
    with pytest.raises(IntegrityError, match=r"slot-b/xenbuild/xen: its part 'xen' is not the one that is elsewhere"):
        parts_in(path)


def layout(folder: Path, parts: dict[str, bytes]) -> Path:
    """As other tools write it too: blobs by digest, an index, a manifest."""

    def blob(data: bytes) -> str:
        name = sha256(data).hexdigest()
        (folder / "blobs/sha256" / name).write_bytes(data)
        return f"sha256:{name}"

    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text("{}")
    title = "org.opencontainers.image.title"
    layers = [{"digest": blob(data), "annotations": {title: name}} for name, data in parts.items()]
    index = {"manifests": [{"digest": blob(json.dumps({"layers": layers}).encode())}]}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def test_a_layout(tmp_path: Path) -> None:
    made = layout(tmp_path / "oci", PARTS)
    assert parts_in(made, TOLD).found == 3
    blob = made / "blobs/sha256" / TOLD["kernel"]
    blob.write_bytes(damaged(blob.read_bytes(), "kernel"))
    with pytest.raises(IntegrityError, match=rf"its blob {TOLD['kernel'][:16]}… is not what its name says"):
        parts_in(made, TOLD)
    with pytest.raises(IntegrityError, match=r"its part 'xen' is not the one that manifest.json tells of"):
        parts_in(layout(tmp_path / "other", {**PARTS, "xen": b"another"}), TOLD)
    for text in ("{", "[]", '{"manifests": [{"digest": "sha256:../../x"}]}', '{"manifests": [{"digest": 1}]}'):
        (made / "index.json").write_text(text)
        with pytest.raises(FormatError):
            parts_in(made, TOLD)


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "efi").mkdir()
    for name, data in PARTS.items():
        (tmp_path / "efi" / name).write_bytes(data)
    (tmp_path / "boot.ipxe").touch()
    assert parts_in(tmp_path, TOLD).found == 3
    (tmp_path / "efi/initramfs").write_bytes(damaged(PARTS["initramfs"], "initramfs"))
    with pytest.raises(IntegrityError, match=r"efi/initramfs: its part 'initramfs' is not the one"):
        parts_in(tmp_path, TOLD)


@pytest.mark.parametrize("data", [b"", b"words", bytes(4096), b"MZ" + bytes(600)])
def test_what_is_no_medium_holds_no_part(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    assert parts_in(tmp_path / "x", TOLD).parts == {}


def test_media_that_are_cut_short(tmp_path: Path) -> None:
    whole = disk(PARTS)
    for size in (512, 1024, 20_000, 3 << 20):
        (tmp_path / "x").write_bytes(whole[:size])
        with suppress(FormatError):
            assert not parts_in(tmp_path / "x", TOLD).parts
    with pytest.raises(FormatError, match=r"cannot read .*none"):
        parts_in(tmp_path / "none", TOLD)
