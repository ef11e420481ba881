"""The Arm composer: where parts are put, what is written for the loader, what is refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from xenbuild.compose import arm
from xenbuild.compose.inspect import inspect
from xenbuild.compose.manifest import Manifest
from xenbuild.errors import DeclarationError, FormatError
from xenbuild.formats.pe import read_pe

LOADER_SIZE = 0x5000
CUT = "the dom0 kernel for armv7: the zImage is cut short: 99 of 100 bytes are there"


def loader(arch: str) -> bytes:
    """The flat file that the linker writes: header, empty table, code."""
    head = bytearray(0x4000)
    if arch == "arm64":
        struct.pack_into("<QQQ24x4s", head, 8, 0, LOADER_SIZE, 0xA, b"ARM\x64")
    else:
        struct.pack_into("<III", head, 0x24, 0x016F2818, 0, LOADER_SIZE)
        struct.pack_into("<2s", head, 0, b"MZ")
        struct.pack_into("<I", head, 0x3C, 160)
        struct.pack_into("<4sHH12xHH", head, 160, b"PE\0\0", 0x1C2, 1, 96, 0)
        struct.pack_into("<H58xI4xH", head, 184, 0x10B, 4096, 10)
        struct.pack_into("<8sIIII", head, 280, b".bundle", 0, 4096, 0, 4096)
    struct.pack_into("<8sII", head, 64, b"xenbuild", 2, LOADER_SIZE)
    return bytes(head)


def part(arch: str, size: int, room: int) -> bytes:
    """A file of `size` bytes that says it uses `room` bytes of memory."""
    data = bytearray(size)
    if arch == "arm64":
        struct.pack_into("<QQQ24x4s", data, 8, 0, room, 0xA, b"ARM\x64")
    else:
        struct.pack_into("<III", data, 0x24, 0x016F2818, 0, room)
    return bytes(data)


def compose(tmp_path: Path, arch: str, xen_cmdline: str = "dom0_mem=256M") -> tuple[bytes, Manifest]:
    contents = [
        arm.read_xen(part(arch, 5000, 9000), arch, xen_cmdline),
        arm.read_kernel(part(arch, 20000, 30000 if arch == "arm64" else 20000), arch, "console=hvc0"),
        arm.Content("initramfs", b"initramfs", 9),
    ]
    manifest = arm.write_bundle(tmp_path / "bundle", loader(arch), contents, f"{arch}/xen", "abc/3")
    return (tmp_path / "bundle").read_bytes(), manifest


@pytest.mark.parametrize("arch", ["arm64", "armv7"])
def test_the_table_tells_the_loader_where_everything_is(tmp_path: Path, arch: str) -> None:
    bundle, manifest = compose(tmp_path, arch)
    magic, version, size, total, needed, *rest = arm.TABLE.unpack_from(bundle, 64)
    assert (magic, version, size) == (b"xenbuild", 2, LOADER_SIZE)
    assert total == len(bundle)
    tree, xen_words, dom0_words, listing, nodes, rows, *places = zip(rest[0::2], rest[1::2], strict=True)
    assert bundle[xen_words[0] :][: xen_words[1]] == b"dom0_mem=256M"
    assert bundle[dom0_words[0] :][: dom0_words[1]] == b"console=hvc0"
    assert bundle[listing[0] :][: listing[1]] == manifest.to_bytes()
    assert tree[0] % 4096 == 0 and tree[0] >= listing[0] + listing[1] and sum(tree) == 2 << 20
    assert nodes[1] == 0 and rows[0] % 8 == 0
    titles = [b"Xen", b"the dom0 kernel", b"the dom0 initramfs"]
    parts = list(arm.ROW.iter_unpack(bundle[rows[0] :][: rows[1]]))
    assert parts[0][0] == 2 << 20
    assert [row[:2] for row in parts] == places
    for (offset, length, name, name_size, crc), described, title in zip(parts, manifest.parts, titles, strict=True):
        assert offset % 4096 == 0
        assert bundle[name : name + name_size] == title
        assert crc == zlib.crc32(bundle[offset : offset + length]) == described.crc32
        assert described.offset == offset
        assert not described.damage(bundle[offset : offset + length])
    rooms = [9000, 30000 if arch == "arm64" else 20000, 9]
    for before, room, after in zip(parts, rooms, [*parts[1:], (total,)], strict=True):
        assert before[0] + room <= after[0]
    assert needed == 64 + 256 + 3


def test_the_boot_protocols_header_tells_the_whole_size(tmp_path: Path) -> None:
    bundle, _ = compose(tmp_path, "arm64")
    assert struct.unpack_from("<QQQ", bundle, 8) == (0, len(bundle), 0xA)
    bundle, _ = compose(tmp_path, "armv7")
    (section,) = read_pe(bundle, "bundle").sections
    assert (section.address, section.offset) == (4096, 4096), "UEFI has it in memory as it is in the file"
    assert section.memory == section.size == len(bundle) - 4096
    assert struct.unpack_from("<I", bundle, 184 + 56) == (len(bundle),)
    assert struct.unpack_from("<II", bundle, 0x28) == (0, len(bundle))


@pytest.mark.parametrize("arch", ["arm64", "armv7"])
def test_the_manifest_is_found_in_the_bundle(tmp_path: Path, arch: str) -> None:
    bundle, manifest = compose(tmp_path, arch)
    offset, size = arm.manifest_extent(bundle) or (0, 0)
    assert Manifest.from_bytes(bundle[offset : offset + size], "bundle") == manifest
    assert inspect(tmp_path / "bundle").facts["target"] == f"{arch}/xen"
    assert manifest.target == f"{arch}/xen"
    assert manifest.declaration == "abc/3"


def test_another_file_has_no_manifest() -> None:
    for data in (b"", bytes(500), part("arm64", 5000, 9000)):
        assert arm.manifest_extent(data) is None


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    assert compose(tmp_path, "arm64") == compose(tmp_path, "arm64")


@pytest.mark.parametrize(
    ("words", "mib"),
    [
        ("", 512),
        ("dom0_mem=1G", 1024),
        ("dom0_mem=262144", 256),
        ("dom0_mem=1G x dom0_mem=256M", 256),
        ("dom0_mem=max:128M", 128),
        ("nodom0_mem=1G", 512),
    ],
)
def test_dom0_memory(words: str, mib: int) -> None:
    assert arm.dom0_memory(words) == mib << 20


@pytest.mark.parametrize(
    ("arch", "data", "message"),
    [
        ("arm64", part("armv7", 99, 99), "the dom0 kernel for arm64: not an arm64 Image but a 32-bit Arm zImage"),
        ("armv7", part("arm64", 99, 99), "the dom0 kernel for armv7: not a 32-bit Arm zImage but an arm64 Image"),
        ("armv7", part("armv7", 99, 100), CUT),
        ("arm64", b"\x7fELF" + bytes(99), "the dom0 kernel for arm64: not an arm64 Image but an ELF file"),
    ],
)
def test_wrong_kernels(arch: str, data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as error:
        arm.read_kernel(data, arch, "")
    assert error.value.message == message


def test_command_lines_are_checked(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError) as error:
        compose(tmp_path, "arm64", "a\nb")
    assert error.value.message == "the command line of xen must be one line of text"
    with pytest.raises(DeclarationError) as error:
        compose(tmp_path, "arm64", "x" * 1024)
    assert error.value.message == "Xen's command line has 1024 bytes"


def test_another_loader_is_refused(tmp_path: Path) -> None:
    contents = [arm.read_xen(part("arm64", 99, 99), "arm64", ""), arm.read_kernel(part("arm64", 99, 99), "arm64", "")]
    with pytest.raises(FormatError) as error:
        arm.write_bundle(tmp_path / "bundle", b"\x7fELF", contents, "arm64/xen")
    assert error.value.message == "the loader's file is no Arm loader"
