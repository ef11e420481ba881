"""Kernel modules: names, compression, .modinfo."""

from __future__ import annotations

import gzip
import lzma

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import FormatError
from xenbuild.formats.kmod import ModuleInfo, decompress, is_module, module_name, parse_modinfo, read_modinfo


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("lib/modules/6.1/kernel/drivers/xen/xen-gntdev.ko", "xen_gntdev"),
        ("a/b-c.ko.xz", "b_c"),
        ("xen-gntdev", "xen_gntdev"),
    ],
)
def test_names(path: str, name: str) -> None:
    assert module_name(path) == name


def test_is_module() -> None:
    assert is_module("a/b.ko.zst") and is_module("b.ko") and not is_module("b.kon") and not is_module("vmlinuz")


def test_modinfo() -> None:
    section = b"name=bridge\0softdep=pre: br-netfilter x post: y\0depends=stp,llc\0vermagic=6.1\0\0\0license=GPL"
    assert parse_modinfo(section, "x.ko") == ModuleInfo("bridge", ("stp", "llc"), ("br_netfilter", "x"), "6.1")


def test_modinfo_of_a_nameless_old_module() -> None:
    assert parse_modinfo(b"depends=\0", "drivers/a-b.ko") == ModuleInfo("a_b", (), (), "")


@given(st.binary())
def test_any_bytes_are_taken(section: bytes) -> None:
    parse_modinfo(section, "x.ko")


@given(st.binary(max_size=2000))
def test_compression(data: bytes) -> None:
    assert decompress("a.ko", data) == data
    assert decompress("a.ko.gz", gzip.compress(data)) == data
    assert decompress("a.ko.xz", lzma.compress(data)) == data
    assert decompress("a.ko.zst", zstandard.compress(data)) == data


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("a.ko.xz", lzma.compress(b"x" * 100)[:-20]),
        ("a.ko.gz", b"\x1f\x8bxxxx"),
        ("a.ko.zst", b"nothing"),
        ("a.ko.zst", zstandard.compress(b"x" * 100)[:-3]),
    ],
)
def test_damaged_compression(path: str, data: bytes) -> None:
    with pytest.raises(FormatError, match=f"^kernel module {path} is damaged: "):
        decompress(path, data)


def test_no_elf() -> None:
    with pytest.raises(FormatError) as caught:
        read_modinfo(b"#!/bin/sh", "a.ko")
    assert str(caught.value) == "kernel module a.ko is no ELF file"
