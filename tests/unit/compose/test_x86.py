"""The x86 bundle: what is written, what is refused."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import x86_files as files

from xenbuild.compose.inspect import inspect, raise_damage
from xenbuild.compose.manifest import Manifest
from xenbuild.compose.x86 import ANCHOR, COPY, PART, TABLE, Content, read_hypervisor, write_bundle
from xenbuild.errors import DeclarationError, FormatError, IntegrityError
from xenbuild.formats.elf import Elf


def contents(xen: bytes | None = None, words: str = "console=com1") -> list[Content]:
    return [
        Content("xen", "hypervisor", memoryview(xen or files.hypervisor()), words),
        Content("kernel", "kernel", memoryview(files.bzimage()), "console=hvc0"),
        Content("initramfs", "initramfs", memoryview(b"initramfs" * 1000)),
    ]


def bundle(tmp_path: Path, name: str = "b.elf") -> Path:
    write_bundle(tmp_path / name, files.loader(), contents(), "x86_64/xen", "digest/1")
    return tmp_path / name


def text(image: Elf, address: int) -> bytes:
    segment = next(s for s in image.loads() if s.paddr <= address < s.paddr + s.filesz)
    return bytes(image.content(segment))[address - segment.paddr :].partition(b"\0")[0]


def test_parts_are_whole_and_named(tmp_path: Path) -> None:
    image = Elf.parse(bundle(tmp_path).read_bytes(), "b.elf")
    for content in contents():
        section = image.section(f".part.{content.name}")
        assert section is not None
        assert bytes(image.slice(section.offset, section.size, "")) == bytes(content.data)


def test_segments_are_page_aligned_and_apart(tmp_path: Path) -> None:
    image = Elf.parse(bundle(tmp_path).read_bytes(), "b.elf")
    end = 0
    for segment in image.loads():
        assert segment.paddr % 4096 == 0 and segment.offset % 4096 == 0
        assert segment.paddr >= end
        end = segment.paddr + segment.memsz


def test_table_says_what_the_loader_needs(tmp_path: Path) -> None:
    image = Elf.parse(bundle(tmp_path).read_bytes(), "b.elf")
    code = bytes(image.content(image.loads()[0]))
    at, size, crc, end = struct.unpack_from("<4I", code, code.index(ANCHOR) + len(ANCHOR))
    table = bytes(image.content(next(s for s in image.loads() if s.paddr == at)))
    assert (len(table), zlib.crc32(table)) == (size, crc)
    last = image.loads()[-1]
    assert end == -(-(last.paddr + last.memsz) // 4096) * 4096
    entry, cmdline, parts, count, copies, copy_count = TABLE.unpack_from(table)
    assert (entry, text(image, cmdline), count, copy_count) == (0x200000, b"console=com1", 3, 1)
    for i, content in enumerate(contents()):
        name, words, start, length, part_crc, module = PART.unpack_from(table, parts - at + i * PART.size)
        assert text(image, name).decode() == content.name
        assert text(image, words).decode() == content.cmdline
        assert (length, part_crc) == (len(content.data), zlib.crc32(content.data))
        assert module == (content.role != "hypervisor")
        assert bytes(image.content(next(s for s in image.loads() if s.paddr == start))) == bytes(content.data)
    source, to, _, memory = COPY.unpack_from(table, copies - at)
    assert (to, memory) == (0x200000, 0x10000)
    assert source == image.loads()[2].paddr + 4096


def test_same_inputs_same_bytes(tmp_path: Path) -> None:
    assert bundle(tmp_path, "a").read_bytes() == bundle(tmp_path, "b").read_bytes()


def test_inspect_verifies(tmp_path: Path) -> None:
    report = inspect(bundle(tmp_path))
    assert report.kind == "x86 bundle" and not report.damage
    assert report.facts["target"] == "x86_64/xen" and report.facts["declaration"] == "digest/1"
    assert report.facts["boots by"] == ["multiboot 2", "PVH"]
    assert [(p["name"], p["cmdline"], p["ok"]) for p in report.facts["parts"]] == [
        ("xen", "console=com1", True),
        ("kernel", "console=hvc0", True),
        ("initramfs", "", True),
    ]


def test_inspect_finds_a_flipped_bit(tmp_path: Path) -> None:
    path = bundle(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"initramfsinitramfs")] ^= 1
    path.write_bytes(data)
    report = inspect(path)
    assert report.damage == ["part 'initramfs' does not match its SHA-256"]
    with pytest.raises(IntegrityError, match=r"^b\.elf is damaged: part 'initramfs' does not match its SHA-256$"):
        raise_damage(report, "b.elf")


def test_inspect_finds_a_cut(tmp_path: Path) -> None:
    path = bundle(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[:-5000])
    assert inspect(path).damage == [f"it is cut short: it has {len(data) - 5000} bytes, not {len(data)}"]


def test_inspect_refuses_the_unknown(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"hello")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(FormatError) as caught:
        inspect(tmp_path / "x")
    assert str(caught.value) == f"{tmp_path}/x is of no kind that xenbuild knows"
    with pytest.raises(FormatError) as caught:
        inspect(tmp_path / "empty")
    assert str(caught.value) == f"{tmp_path}/empty is empty"
    with pytest.raises(FormatError) as caught:
        inspect(tmp_path / "absent")
    assert str(caught.value) == f"cannot read {tmp_path}/absent: No such file or directory"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"hello", "xen is no x86 hypervisor: it is no ELF file"),
        (files.elf(b"nothing"), "xen is no Xen hypervisor: it has no multiboot 2 header"),
        (files.hypervisor()[:0x1019], "xen is cut short: a segment ends at 0x101b, the file at 0x1019"),
        (files.hypervisor()[:40], "xen is a damaged ELF file: its header is cut short"),
    ],
)
def test_no_hypervisor(data: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_hypervisor(memoryview(data), "xen")
    assert str(caught.value) == message


def test_hypervisor_of_another_machine() -> None:
    data = bytearray(files.hypervisor())
    data[18] = 183
    with pytest.raises(FormatError) as caught:
        read_hypervisor(memoryview(data), "xen")
    assert str(caught.value) == "xen is no x86 hypervisor: it is made for arm64"


def test_entry_tag_overrides_the_elf() -> None:
    header = files.multiboot2_header(struct.pack("<HHII", 3, 0, 12, 0x201000) + bytes(4))
    assert read_hypervisor(memoryview(files.elf(header)), "xen").entry == 0x201000


def test_places_that_meet(tmp_path: Path) -> None:
    xen = files.hypervisor(0xFFF000)
    with pytest.raises(FormatError) as caught:
        write_bundle(tmp_path / "b", files.loader(), contents(xen), "x86_64/xen")
    assert str(caught.value) == "the hypervisor's place 0xfff000-0x100f000 overlaps the bundle's 0x1000000-0x100b328"
    assert not (tmp_path / "b").exists()


def test_more_than_four_gib(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("w+b") as file:
        file.truncate(1 << 32)  # sparse, and looked at by nobody: places come before content
        huge = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    parts = [*contents(files.hypervisor()), Content("more", "initramfs", huge)]
    with pytest.raises(FormatError, match=r"the bundle is too large: it would end at 0x10100.*, above 4 GiB"):
        write_bundle(tmp_path / "b", files.loader(), parts, "x86_64/xen")
    assert not (tmp_path / "b").exists()


def test_command_line_of_two_lines(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError) as caught:
        write_bundle(tmp_path / "b", files.loader(), contents(words="a\nb"), "x86_64/xen")
    assert str(caught.value) == "the command line of xen must be one line of text"


def test_manifest_round_trip(tmp_path: Path) -> None:
    manifest = write_bundle(tmp_path / "b", files.loader(), contents(), "x86_64/xen")
    assert Manifest.from_bytes(manifest.to_bytes(), "b") == manifest


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"xenbuild":1}', b'{"xenbuild":1,"parts":[{}]}'])
def test_damaged_manifest(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        Manifest.from_bytes(data, "b.elf")
    assert str(caught.value) == "the manifest of b.elf is damaged"


def test_readelf_has_no_complaint(tmp_path: Path) -> None:
    program = shutil.which("readelf")
    if program is None:
        pytest.skip("readelf is not installed")
    done = subprocess.run([program, "-hlSnW", bundle(tmp_path)], capture_output=True, text=True)
    assert done.stderr == "" and ".part.initramfs" in done.stdout and "Xen" in done.stdout
