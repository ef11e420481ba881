"""`dom0.packages`: whole packages with all that they depend on are in dom0, and go before busybox's commands."""

from __future__ import annotations

import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from xenbuild.cli.lock import write_lock
from xenbuild.formats.cpio import CpioEntry, read
from xenbuild.formats.elf import interp, needed
from xenbuild.media.build import Settings, build, plan
from xenbuild.plan.action import OutputOf
from xenbuild.plan.run import run
from xenbuild.sources.lock import load_lock
from xenbuild.spec.load import load

pytestmark = pytest.mark.image

TOP = Path(__file__).parents[2]
DECLARATION = """
name: packages
release: bookworm
dom0: {packages: [strace, python3-minimal, procps]}
images: [{name: packages}]
"""


@pytest.fixture(scope="module")
def dom0(settings: Settings, module_folder: Path) -> dict[str, CpioEntry]:
    """The initramfs as the kernel unpacks it: of two entries with one path the later stands."""
    folder = module_folder
    (folder / "xenbuild.yaml").write_text(DECLARATION)
    shutil.copy(TOP / "xenbuild.lock", folder)
    write_lock(folder / "xenbuild.yaml")
    settings = replace(settings, lock=load_lock(folder / "xenbuild.lock"))
    declaration = load(folder / "xenbuild.yaml")
    build([declaration], settings, folder / "out")
    initramfs = plan(declaration, settings).compose.inputs["initramfs"]
    assert isinstance(initramfs, OutputOf)
    made = run([initramfs], settings.store, jobs=1)[initramfs]
    return {entry.name: entry for entry in read(uncompressed(settings.store.read(made.digest)))}


def uncompressed(frames: bytes) -> bytes:
    parts = []
    while frames := frames.lstrip(b"\0"):
        decoder = zstandard.ZstdDecompressor().decompressobj()
        parts.append(decoder.decompress(frames))
        frames = decoder.unused_data
    return b"".join(parts)


@pytest.mark.parametrize("program", ["strace", "python3.11", "ps"])
def test_a_program_is_there_with_its_libraries(program: str, dom0: dict[str, CpioEntry], tmp_path: Path) -> None:
    entry = dom0[f"usr/bin/{program}"]
    assert entry.mode == stat.S_IFREG | 0o755
    file = tmp_path / program
    file.write_bytes(entry.data)
    names = {Path(path).name for path in dom0}
    assert {*needed(file), Path(interp(file) or "").name} <= names
    assert needed(file), "nothing was compared"


def test_what_a_package_needs_while_it_runs_comes_along(dom0: dict[str, CpioEntry]) -> None:
    assert dom0["usr/bin/python3"].data == b"python3.11"
    assert "usr/lib/python3.11/encodings/utf_8.py" in dom0


def test_what_only_scripts_of_packages_need_stays_out(dom0: dict[str, CpioEntry]) -> None:
    assert not [path for path in dom0 if "debconf" in path or path.startswith("usr/bin/perl")]


def test_busybox_has_the_commands_that_no_package_has(dom0: dict[str, CpioEntry]) -> None:
    assert dom0["usr/bin/mount"].data == b"busybox"
    assert dom0["usr/bin/mount"].mode == stat.S_IFLNK | 0o777
