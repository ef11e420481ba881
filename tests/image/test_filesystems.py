"""Disk images with file systems: sound for their makers' tools, the same every time, owners and modes as declared."""

from __future__ import annotations

import itertools
import re
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.media.build import Settings
from xenbuild.parts import filesystem
from xenbuild.parts.entries import entry
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.plan.action import Action, TreeOf
from xenbuild.plan.job import Job
from xenbuild.plan.process import Processes
from xenbuild.store.digest import Digest

pytestmark = pytest.mark.image
REGULAR = stat.S_IFREG | 0o644
SAMPLE = [
    entry("bin", stat.S_IFDIR | 0o755),
    {**entry("bin/su", stat.S_IFREG | 0o4755, content="x" * 5000), "uid": 0, "gid": 42},
    {**entry("home/eva/" + "n" * 200, stat.S_IFREG | 0o640, content="hello\n"), "uid": 1000, "gid": 3000000},
    entry("sh", stat.S_IFLNK | 0o777, link="bin/su"),
    entry("far", stat.S_IFLNK | 0o777, link="a/" * 60),
    entry("dev/console", stat.S_IFCHR | 0o600, device=[5, 1]),
    entry("tmp", stat.S_IFDIR | 0o1777),
    entry("empty", REGULAR, content=""),
    entry("größe", REGULAR, content="ü"),
]
Make = Callable[..., Path]


@pytest.fixture(scope="module")
def tools(tools_group: Callable[[str], ToolsTree]) -> ToolsTree:
    return tools_group("filesystems")


@pytest.fixture(scope="module")
def make(settings: Settings, tools: ToolsTree, module_folder: Path) -> Iterator[Make]:
    """Runs the action for entries; returns the image."""
    numbers = itertools.count()
    store, hash = settings.store, tools.root.name
    digest = Digest(hash, (store.root / "cas" / hash[:2] / hash).stat().st_size)

    def made(kind: str, entries: list[Any], size: int = 0, readonly: bool = False, **more: Any) -> Path:
        params = {"kind": kind, "layers": [{"entries": entries}], "size": size}
        params |= {"readonly": readonly, "programs": {}, **more}
        action = Action("make", "xenbuild.parts.filesystem:run", params, {}, ("image",))
        folder = module_folder / f"job{next(numbers)}"
        folder.mkdir()
        job = Job(action, {"tools": TreeOf(digest)}, store, folder, Processes(), lambda done, total: None)
        filesystem.run(job)
        return job.out("image")

    yield made


def says(tools: ToolsTree, program: str, *words: str | Path) -> str:
    """What a program prints; it must succeed."""
    ran = subprocess.run([*tools.argv(program), *map(str, words)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_ext4_holds_what_was_declared(make: Make, tools: ToolsTree) -> None:
    image = make("ext4", SAMPLE)
    says(tools, "e2fsck", "-fn", image)
    listed = says(tools, "debugfs", "-R", "ls -l /bin", image) + says(tools, "debugfs", "-R", "ls -l /home/eva", image)
    listed += says(tools, "debugfs", "-R", "ls -l /", image)
    assert re.search(r"104755 \(1\) +0 +42 +5000 +1-Jan-1970 00:00 su$", listed, re.M)
    assert re.search(r"100640 \(1\) +1000 +3000000 +6 .* n{200}$", listed, re.M)
    assert re.search(r"41777 \(2\) +0 +0 +4096 .* tmp$", listed, re.M)
    assert 'Fast link dest: "bin/su"' in says(tools, "debugfs", "-R", "stat /sh", image)
    assert says(tools, "debugfs", "-R", "cat /far", image) == "a/" * 60
    assert "Device major/minor number: 05:01" in says(tools, "debugfs", "-R", "stat /dev/console", image)


def test_erofs_holds_what_was_declared(make: Make, tools: ToolsTree) -> None:
    image = make("erofs", SAMPLE)
    says(tools, "fsck.erofs", image)
    root = says(tools, "dump.erofs", "--path=/home/eva/" + "n" * 200, image)
    assert "Uid: 1000   Gid: 3000000  Access: 0640/" in root and "Timestamp: 1970-01-01 00:00:00" in root
    assert "Size: 120 " in says(tools, "dump.erofs", "--path=/far", image)
    data = image.read_bytes()
    nid = int(re.search(r"NID: (\d+)", says(tools, "dump.erofs", "--path=/bin/su", image))[1])  # type: ignore[index]
    mode = int.from_bytes(data[nid * 32 + 4 : nid * 32 + 6], "little")  # which dump.erofs shows in part only
    assert mode == stat.S_IFREG | 0o4755


@pytest.mark.parametrize("kind", ["ext4", "erofs"])
def test_the_same_bytes_again(kind: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make(kind, SAMPLE).read_bytes()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("MKE2FS_CONFIG", "/dev/null")
    assert make(kind, SAMPLE).read_bytes() == first
    assert make(kind, [*SAMPLE, entry("more", REGULAR, content="")]).read_bytes()[1024:2048] != first[1024:2048]


def test_what_was_never_written_is_at_the_end(make: Make) -> None:
    image = make("ext4", SAMPLE, size=1 << 30)
    assert image.stat().st_size == 1 << 30
    written = len(image.read_bytes().rstrip(b"\0"))
    assert written < 16 << 20, written


@pytest.mark.parametrize("kind", ["ext4", "erofs"])
def test_the_size_is_the_declared_one(kind: str, make: Make, tools: ToolsTree) -> None:
    image = make(kind, SAMPLE, size=(3 << 20) + 512)
    assert image.stat().st_size == (3 << 20) + 512
    says(tools, *{"ext4": ("e2fsck", "-fn"), "erofs": ("fsck.erofs",)}[kind], image)


@pytest.mark.parametrize("kind", ["ext4", "erofs"])
def test_too_small(kind: str, make: Make, tools: ToolsTree) -> None:
    big = entry("big", REGULAR, content="".join(map(str, range(200000))))
    with pytest.raises(FormatError) as caught:
        make(kind, [big], size=512 << 10)
    found = re.fullmatch(r"size: 524288 bytes are too few, it takes (\d+)", str(caught.value))
    assert found, str(caught.value)
    advised = re.fullmatch(r"write size: (\d+)K or more, or leave size out", caught.value.advice)
    assert advised
    for size in (int(found[1]), int(advised[1]) << 10):
        image = make(kind, [big], size=-(-size // 512) * 512)
        says(tools, *{"ext4": ("e2fsck", "-fn"), "erofs": ("fsck.erofs",)}[kind], image)


names = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="/\0"), min_size=1, max_size=60).filter(
    lambda name: name not in (".", "..", "lost+found")
)
sizes = st.integers(0, 70000) | st.sampled_from([0, 1, 4095, 4096, 4097])
files = st.dictionaries(st.lists(names, min_size=1, max_size=3).map("/".join), sizes, max_size=120)


@hypothesis(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=files, crowd=st.integers(0, 3000), readonly=st.booleans())
def test_computed_sizes_hold(
    files: Mapping[str, int], crowd: int, readonly: bool, make: Make, tools: ToolsTree
) -> None:
    """Without a size and with the least that is allowed, mke2fs finds room for everything, and the image is sound."""
    entries = [entry(f"crowd/{number:0100}", REGULAR, content="") for number in range(crowd)]
    for path, size in files.items():
        if not any(other != path and other.startswith(f"{path}/") for other in files):
            entries.append(entry(path, REGULAR, content="x" * size))
    says(tools, "e2fsck", "-fn", make("ext4", entries, readonly=readonly))
    try:
        make("ext4", entries, size=4096, readonly=True)
    except FormatError as error:
        needed = int(str(error).rpartition(" ")[2])
    says(tools, "e2fsck", "-fn", make("ext4", entries, size=needed, readonly=True))


def test_more_than_one_group(make: Make, tools: ToolsTree) -> None:
    """Beyond 128 MiB, where a file system has a second group of blocks, and a last one that may be too small."""
    for size in (127 << 20, 128 << 20, (128 << 20) + 4096, (256 << 20) + (1 << 20), 700 << 20):
        image = make("ext4", SAMPLE, size=size)
        assert image.stat().st_size == size
        says(tools, "e2fsck", "-fn", image)


def test_an_image_without_its_program(make: Make) -> None:
    with pytest.raises(FormatError) as caught:
        make("ext4", [entry("sbin/init", stat.S_IFLNK | 0o777, link="/lib/none")], programs={"sbin/init": "bring one"})
    assert (str(caught.value), caught.value.advice) == ("there is no program /sbin/init on it", "bring one")
    program = entry("lib/none", stat.S_IFREG | 0o755, content="#!/bin/sh\n")
    make("ext4", [entry("sbin/init", stat.S_IFLNK | 0o777, link="/lib/none"), program], programs={"sbin/init": ""})
