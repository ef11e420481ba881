"""The .deb reader, with packages made here and dpkg-deb as an oracle."""

from __future__ import annotations

import io
import lzma
import os
import subprocess
import tarfile
from pathlib import Path
from shutil import which

import pytest
from debs import CONTROL, ar, deb, tar
from hypothesis import given, settings
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.deb import read_deb
from xenbuild.formats.xz import decode_xz


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("x.deb")


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".zst"])
def test_members_in_every_compression(here: Path, suffix: str) -> None:
    here.write_bytes(deb(suffix=suffix))
    with read_deb(here) as package:
        assert package.control["Package"] == "demo"
        assert package.control["Description"] == "one\ntwo"
        found = {m.name: (m.kind, m.mode, m.size, m.target, package.read(m)) for m in package.members()}
    assert found["usr/bin/a"] == ("file", 0o755, 5, "", b"hello")
    assert found["l"] == ("symlink", 0o644, 0, "usr/bin/a", b"")
    assert found["h"] == ("file", 0o644, 5, "", b"hello")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"nothing", "x.deb: not an ar archive (it does not start with '!<arch>')"),
        (deb()[:90], "x.deb: ar archive is cut short in the header at byte 72"),
        (deb()[:200], "x.deb: ar member 'control.tar.xz' is cut short (68 of {control} bytes)"),
        (deb()[:66] + b"?" + deb()[67:], "x.deb: ar header at byte 8 is damaged"),
        (ar({"foo": b"2.0\n"}), "x.deb: not a Debian package (the first member is not 'debian-binary')"),
        (ar({"debian-binary": b"3.0\n"}), "x.deb: Debian package of an unknown format '3.0'"),
        (ar({"debian-binary": b"2.0\n"}), "x.deb: Debian package without 'control.tar'"),
        (deb(control=b"Package demo\n"), "x.deb: control file is damaged: line 1 is not of the form 'Field: value'"),
        (deb(tar({"./ok": b"1", "../up": b"2"})), "x.deb: data.tar: name '../up' leads out of the package"),
        (deb(tar({"/etc/a": b"1"})), "x.deb: data.tar: name '/etc/a' leads out of the package"),
        (deb(tar({}, hard={"./h": "./no"})), "x.deb: data.tar: hard link 'h' to the missing './no'"),
        (deb(tar({"./a": b"1"})[:1024]), "x.deb: data.tar is damaged at byte 1024"),
    ],
)
def test_damage_is_named(here: Path, content: bytes, message: str) -> None:
    here.write_bytes(content)
    control = len(lzma.compress(tar({"./control": CONTROL})))
    with pytest.raises(FormatError) as caught:
        read_deb(here)
    assert caught.value.message == message.format(control=control)


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst"])
def test_a_compressed_stream_without_its_end_is_damaged(suffix: str, here: Path) -> None:
    whole = deb(suffix=suffix)
    at = whole.index(f"data.tar{suffix}".encode())
    packed = whole[at + 60 : at + 60 + int(whole[at + 48 : at + 58])]
    cut = {"debian-binary": b"2.0\n", "control.tar": tar({"./control": CONTROL}), f"data.tar{suffix}": packed[:-1]}
    here.write_bytes(ar(cut))
    with pytest.raises(FormatError, match=rf"^x\.deb: 'data\.tar{suffix}' is damaged: "):
        read_deb(here)


def test_a_damaged_header_in_the_middle_is_not_the_end(here: Path) -> None:
    data = bytearray(tar({"./a": b"1", "./b": b"2"}))
    data[1024 + 150] ^= 0xFF  # in the checksum of the second header
    here.write_bytes(deb(bytes(data)))
    with pytest.raises(FormatError, match=r"^x.deb: data.tar is damaged at byte 1024$"):
        read_deb(here)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_flipped_byte_never_escapes_as_another_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(deb())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("flip") / "x.deb"
    path.write_bytes(content)
    try:
        read_deb(path).close()
    except FormatError as error:
        assert str(path) in error.message


def xz_program(data: bytes, *options: str) -> bytes:
    if not which("xz"):
        pytest.skip("no xz program to make files of several blocks")
    return subprocess.run(["xz", "-c", *options], input=data, stdout=subprocess.PIPE, check=True).stdout


def decoded(tmp_path: Path, packed: bytes) -> bytes:
    (tmp_path / "in").write_bytes(b"junk" + packed + b"more")
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("w+b") as sink:
        size = decode_xz(source.fileno(), 4, len(packed), sink.fileno())
        assert size == os.fstat(sink.fileno()).st_size
        return sink.read()


@pytest.mark.parametrize("check", ["none", "crc32", "crc64", "sha256"])
def test_blocks_are_decoded_in_parallel(tmp_path: Path, check: str) -> None:
    data = bytes(range(256)) * 5000 + b"end"
    packed = xz_program(data, "--block-size=100000", f"--check={check}")
    assert decoded(tmp_path, packed) == data
    assert decoded(tmp_path, packed + bytes(4) + packed) == data + data


def test_a_flipped_bit_in_a_block_is_caught_by_its_check(tmp_path: Path) -> None:
    packed = bytearray(xz_program(os.urandom(300000), "--block-size=100000"))
    packed[150000] ^= 1
    (tmp_path / "in").write_bytes(packed)
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("w+b") as sink, pytest.raises(ValueError):
        decode_xz(source.fileno(), 0, len(packed), sink.fileno())


def test_dpkg_reads_the_same(here: Path) -> None:
    if not which("dpkg-deb"):
        pytest.skip("no dpkg-deb to compare with")
    here.write_bytes(deb())
    listed = subprocess.run(["dpkg-deb", "--fsys-tarfile", here], stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(listed)) as archive, read_deb(here) as package:
        assert [name.removeprefix("./") for name in archive.getnames()] == [m.name for m in package.members()]
