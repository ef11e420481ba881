"""What is special about trixie: its packages are laid out as merged /usr, its modules are compressed, armv7 is gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from project import Project

from xenbuild.formats.cpio import read
from xenbuild.media.build import Settings

pytestmark = pytest.mark.image

TOP = Path(__file__).resolve().parents[2]
TRIXIE = TOP / "tests/image/trixie/xenbuild.yaml"


@pytest.fixture
def project(settings: Settings, tmp_path: Path) -> Project:
    project = Project.of(TRIXIE, tmp_path / "project", settings.store.root)
    project.replace("../../../xenbuild.yaml", str(TOP / "xenbuild.yaml"))
    return project


@pytest.mark.parametrize("target", ["x86_64/xen", "arm64/xen"])
def test_dom0_holds_uncompressed_modules_below_usr(project: Project, target: str) -> None:
    import zstandard

    assert project.run("image", target).code == 0
    folder = project.folder / "out" / target.replace("/", "-")
    manifest = json.loads((folder / "manifest.json").read_text())
    part = next(part for part in manifest["bundle"]["parts"] if part["name"] == "initramfs")
    image = (folder / manifest["images"][0]["file"]).read_bytes()
    packed = image[part["offset"] : part["offset"] + part["size"]]
    data = b""
    while packed := packed.lstrip(b"\0"):
        frame = zstandard.ZstdDecompressor().decompressobj()
        data += frame.decompress(packed)
        packed = frame.unused_data
    entries = {entry.name: entry for entry in read(data)}
    listed = entries["etc/xenbuild/modules"].data.decode().split()
    assert any(path.endswith("/xen-gntdev.ko") for path in listed)
    for path in listed:
        assert entries[f"usr/lib/modules/{path}"].data.startswith(b"\x7fELF")
    assert "usr/lib/xen-4.20/bin/xl" in entries
    assert {name.partition("/")[0] for name in entries} >= {"usr", "bin", "lib", "init"}
    assert not any(name.startswith(("bin/", "lib/", "sbin/")) for name in entries)


def test_armv7_is_refused_with_the_reason_and_the_way_out(project: Project) -> None:
    project.replace("[x86_64, arm64]", "[x86_64, arm64, armv7]")
    for words in (["image", "--all"], ["image", "armv7/xen"], ["lock"], ["check"]):
        outcome = project.run(*words)
        assert outcome.code == 3
        assert outcome.complaint == (
            "error: xenbuild.yaml:4:10: armv7/xen is not possible with release trixie: "
            "Debian trixie has no Xen for armhf\n"
            "  advice: use release bookworm for armv7\n"
        )
