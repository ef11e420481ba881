"""Block maps against bmaptool, which made the format: it takes ours, and we take its."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from xenbuild.errors import IntegrityError
from xenbuild.flash import blockmap
from xenbuild.flash.target import Target
from xenbuild.flash.write import flash
from xenbuild.formats.bmap import read_bmap, write_bmap
from xenbuild.media.blockmap import hashed
from xenbuild.parts.toolstree import ToolsTree

pytestmark = pytest.mark.image

MIB = 1 << 20
SIZE = 9 * MIB + 1000
DATA = ((0, 5000), (3 * MIB + 4096, MIB), (SIZE - 700, 700))


@pytest.fixture(scope="module")
def bmaptool(tools_group: Callable[[str], ToolsTree]) -> Callable[..., str]:
    library = tools_group("test-flash").root / "usr/lib/python3/dist-packages"

    def call(*words: str | Path) -> str:
        argv = [sys.executable, "-m", "bmaptool", *map(str, words)]
        done = subprocess.run(argv, env={**os.environ, "PYTHONPATH": str(library)}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    with path.open("wb") as file:
        file.truncate(SIZE)
        for at, length in DATA:
            file.seek(at)
            file.write(os.urandom(length))
    return path


def test_it_makes_the_same_map(image: Path, bmaptool: Callable[..., str], tmp_path: Path) -> None:
    bmaptool("create", "-o", tmp_path / "theirs.bmap", image)
    assert read_bmap((tmp_path / "theirs.bmap").read_bytes(), "theirs") == hashed(image, blockmap.plan(image).map)


def test_it_copies_by_our_map(image: Path, bmaptool: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "ours.bmap").write_bytes(write_bmap(hashed(image, blockmap.plan(image).map)))
    bmaptool("copy", "--bmap", tmp_path / "ours.bmap", image, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == image.read_bytes()


def test_it_refuses_an_image_that_our_map_does_not_fit(
    image: Path, bmaptool: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "ours.bmap").write_bytes(write_bmap(hashed(image, blockmap.plan(image).map)))
    shutil.copyfile(image, tmp_path / "other")
    with (tmp_path / "other").open("r+b") as file:
        file.seek(3 * MIB + 5000)
        file.write(b"!!")
    with pytest.raises(AssertionError, match="checksum mismatch"):
        bmaptool("copy", "--bmap", tmp_path / "ours.bmap", tmp_path / "other", tmp_path / "copy")


def test_we_write_by_its_map(image: Path, bmaptool: Callable[..., str], tmp_path: Path) -> None:
    bmaptool("create", "-o", tmp_path / "image.bmap", image)
    plan = blockmap.plan(image)
    assert not plan.clear
    with Target.open_file(tmp_path / "disk", -(-SIZE // 4096) * 4096) as target:
        flash(image, "k", plan, target)
    assert (tmp_path / "disk").read_bytes()[:SIZE] == image.read_bytes()
    with image.open("r+b") as file:
        file.seek(3 * MIB + 5000)
        file.write(b"!!")
    with (
        Target.open_file(tmp_path / "disk", 0) as target,
        pytest.raises(IntegrityError, match="does not match its block"),
    ):
        flash(image, "k", plan, target)
