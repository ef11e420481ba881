"""Our readers and writers against other people's programs, from the tools tree: dtc, GRUB, mkfs and blkid."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import armdriver
import pytest
from hypothesis import given, settings
from trees import trees

from xenbuild.formats import signature
from xenbuild.formats.fdt import DeviceTree, Node, parse_fdt, walk, write_fdt
from xenbuild.parts.toolstree import ToolsTree

pytestmark = pytest.mark.image
Tool = Callable[[str], list[str]]
SIZE = 400 << 20  # bytes of a device: btrfs wants more than a hundred million
MAKERS = {
    "ext2/3/4": ["mkfs.ext4", "-q"],
    "FAT": ["mkfs.fat"],
    "swap": ["mkswap"],
    "XFS": ["mkfs.xfs", "-f"],
    "btrfs": ["mkfs.btrfs", "-q"],
    "NTFS": ["mkfs.ntfs", "-F", "-q"],
}
BLKID_NAMES = {"ext4": "ext2/3/4", "vfat": "FAT", "swap": "swap", "xfs": "XFS", "btrfs": "btrfs", "ntfs": "NTFS"}


@pytest.mark.parametrize("name", MAKERS)
def test_blkid_sees_the_same(name: str, tools_group: Callable[[str], ToolsTree], tmp_path: Path) -> None:
    tools = tools_group("test-signatures")
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(SIZE)
    program, *options = MAKERS[name]
    subprocess.run([*tools.argv(program), *options, str(image)], check=True, capture_output=True)
    argv = [*tools.argv("blkid"), "-p", "-s", "TYPE", "-o", "value", str(image)]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    with image.open("rb") as file:
        names = signature.names(lambda at, size: os.pread(file.fileno(), size, at) if at >= 0 else b"", SIZE)
    assert names == [name] == [BLKID_NAMES[said]]


def test_dtc_reads_and_writes_the_same_tree(tool: Tool) -> None:
    argv = [*tool("dtc"), "-q", "-f", "-I", "dtb", "-O", "dtb"]

    @settings(max_examples=25)
    @given(trees)
    def each(tree: DeviceTree) -> None:
        again = parse_fdt(subprocess.run(argv, input=write_fdt(tree), capture_output=True, check=True).stdout)
        assert dict(walk(again.root)) == dict(walk(tree.root))
        assert again.reserved == tree.reserved

    each()


def test_dtc_accepts_the_tree_that_the_arm_loader_writes(tool: Tool, tmp_path: Path) -> None:
    tree = armdriver.machine(Node("chosen", {"bootargs": b"a\0"}))
    new = armdriver.build(tmp_path)(tree, "write", 65536, "x", "y", 0x40000000, 1, 0x41000000, 1)
    argv = [*tool("dtc"), "-q", "-I", "dtb", "-O", "dtb"]
    again = subprocess.run(argv, input=new, capture_output=True, check=True).stdout
    assert parse_fdt(again).root == parse_fdt(new).root


@pytest.mark.parametrize("target", ["x86_64/xen", "ia32/hvkernel"])
@pytest.mark.parametrize("kind", ["--is-x86-multiboot", "--is-x86-multiboot2"])
def test_grub_takes_the_bundle(bundle: Callable[[str], Path], tool: Tool, target: str, kind: str) -> None:
    grub_file = tool("grub-file")
    assert subprocess.run([*grub_file, kind, bundle(target)]).returncode == 0
    assert subprocess.run([*grub_file, kind, __file__]).returncode == 1
