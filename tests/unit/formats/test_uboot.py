"""Scripts and FITs for U-Boot, and the master boot record, also as U-Boot's own tools read them."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.fdt import parse_fdt
from xenbuild.formats.fit import Signer, public_key_node, read_fit, write_fit
from xenbuild.formats.mbr import write_mbr
from xenbuild.formats.uimage import read_uimage, script_text, write_script


@given(st.text(max_size=2000), st.sampled_from(["arm64", "armv7"]), st.text(max_size=50))
def test_scripts_come_back(text: str, arch: str, name: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    image = read_uimage(write_script(text, arch, name.encode("utf-8", "replace").decode()))
    assert script_text(image) == text


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_script_is_refused(at: int, change: int) -> None:
    data = bytearray(write_script("echo hello; " * 15, "arm64", "x"))
    data[at] ^= change
    with pytest.raises(FormatError):
        read_uimage(bytes(data))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    for read in (read_uimage, read_fit):
        with pytest.raises(FormatError):
            read(data)


@given(st.binary(max_size=3000), st.sampled_from(["arm64", "armv7"]))
def test_fits_come_back(kernel: bytes, arch: str) -> None:
    (image,) = read_fit(write_fit(kernel, arch, 0x42000000, "lab"))
    assert (image.name, image.kind, image.size, image.sound, image.signed) == (
        "kernel",
        "kernel",
        len(kernel),
        True,
        False,
    )


def test_a_changed_kernel_is_seen() -> None:
    data = bytearray(write_fit(bytes(4096), "arm64", 0x42000000, "lab"))
    data[2048] ^= 1
    assert [image.sound for image in read_fit(bytes(data))] == [False]


def test_a_signature_is_over_the_kernel() -> None:
    signer = Signer(lambda data: hashlib.sha256(data).digest(), 2048, "xenbuild")
    root = parse_fdt(write_fit(b"kernel", "arm64", 0x42000000, "lab", signer)).root
    node = root.find("/images/kernel/signature-1")
    assert node is not None
    assert node.strings("algo") == ["sha256,rsa2048"]
    assert node.properties["value"] == hashlib.sha256(b"kernel").digest()


def test_the_public_key_as_u_boot_wants_it() -> None:
    modulus = (1 << 2047) + 0x1234567
    node = public_key_node(modulus, 2048, "xenbuild")
    (inverse,) = node.cells("rsa,n0-inverse")
    assert (inverse * modulus) % (1 << 32) == (1 << 32) - 1
    assert int.from_bytes(node.properties["rsa,r-squared"]) == pow(2, 4096, modulus)


def test_the_boot_record() -> None:
    sector = write_mbr(2048, 81920, 0x12345678)
    assert len(sector) == 512
    assert sector[440:444] == bytes.fromhex("78563412")
    assert sector[446] == 0x80
    assert sector[450] == 0x0C
    assert int.from_bytes(sector[454:458], "little") == 2048
    assert int.from_bytes(sector[458:462], "little") == 81920
    assert sector[510:] == b"\x55\xaa"
