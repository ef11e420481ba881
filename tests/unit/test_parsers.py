"""Whatever bytes a parser gets, it gives a value or an error of the family: those that have no properties elsewhere."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xenbuild.compose.inspect import inspect
from xenbuild.compose.manifest import Manifest, Part
from xenbuild.errors import XenbuildError
from xenbuild.formats import ar, armimage, kmod, protowire, xennotes
from xenbuild.plan.action import File, decode_result, encode_result
from xenbuild.sources import apt, openpgp, web
from xenbuild.sources.index import Index
from xenbuild.sources.lock import load_lock
from xenbuild.spec.data import data_dir
from xenbuild.store.digest import Digest

ROOT = Path(__file__).parents[2]
KEYRING = data_dir("recipes") / "keyrings" / "debian-trixie.gpg"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PACKAGES = """Package: a
Version: 1:2.0-3+b1
Architecture: amd64
Depends: b (>= 1) | c, d [amd64], e:any
Provides: v (= 1)
Filename: pool/a.deb
Size: 12
SHA256: 0000000000000000000000000000000000000000000000000000000000000000
"""
RELEASE = """Suite: stable
Date: Sat, 11 Jul 2026 10:16:37 UTC
Valid-Until: Sat, 18 Jul 2026 10:16:37 UTC
Acquire-By-Hash: yes
Architectures: all amd64
SHA256:
 0000000000000000000000000000000000000000000000000000000000000000 7 main/binary-amd64/Packages.xz
"""


def release(data: bytes) -> object:
    """A Release file whose signature was found good."""
    with patch.object(web, "get", lambda urls: data), patch.object(openpgp, "verify", lambda d, *rest: (d, "f")):
        return apt.open_suite(("http://x",), "stable", Path("k"), NOW)


def text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: parse(data.decode("utf-8", "replace"))


@dataclass(frozen=True)
class Case:
    """A parser of bytes, or of a file where `parse_file` is set, and something that it takes."""

    name: str
    good: bytes
    parse: Callable[[bytes], object] | None = None
    parse_file: Callable[[Path], object] | None = None


def archive() -> bytes:
    header = b"debian-binary   0           0     0     100644  4         `\n"
    return b"!<arch>\n" + header + b"2.0\n"


def zimage() -> bytes:
    data = bytearray(512)
    struct.pack_into("<5I", data, 0x24, armimage.ZIMAGE_MAGIC, 0, 512, 0x04030201, 0)
    return bytes(data)


def manifest() -> bytes:
    return Manifest("x86_64/xen", (Part.of("xen", "hypervisor", b"data", 4096, "a b"),), "d").to_bytes()


def small_lock() -> bytes:
    """One request of the project's own lock, with its packages and archives."""
    lock = json.loads((ROOT / "xenbuild.lock").read_text())
    name = min(lock["requests"], key=lambda name: len(lock["requests"][name]["packages"]))
    packages = {id: lock["packages"][id] for id in lock["requests"][name]["packages"]}
    archives = {one["archive"]: lock["archives"][one["archive"]] for one in packages.values()}
    requests = {name: lock["requests"][name]}
    return json.dumps({**lock, "requests": requests, "packages": packages, "archives": archives}).encode()


def result() -> bytes:
    return encode_result({"a": File(Digest.of(b"a")), "b": File(Digest.of(b"b"))})


CASES: Sequence[Case] = (
    Case("ar", archive(), parse_file=lambda p: _members(p)),
    Case("package index", PACKAGES.encode(), text(lambda t: _indexed(t))),
    Case("Release", RELEASE.encode(), release),
    Case("protowire", result(), lambda data: list(protowire.fields(data))),
    Case("action result", result(), decode_result),
    Case("digest", Digest.of(b"x").encode(), Digest.decode),
    Case("digest's text", str(Digest.of(b"x")).encode(), text(Digest.parse)),
    Case("manifest", manifest(), lambda data: Manifest.from_bytes(data, "x")),
    Case("xen notes", zlib.compress(b"x"), lambda data: xennotes.kernel_notes(data, "x")),
    Case("arm64 image", bytes(56) + armimage.ARM64_MAGIC + bytes(64), armimage.parse_arm64_image),
    Case("zimage", zimage(), armimage.parse_zimage),
    Case("packed arm kernel", b"\x1f\x8b\x08" + bytes(64), armimage.unpack),
    Case("module", b"\x28\xb5\x2f\xfd" + bytes(32), lambda data: kmod.decompress("a.ko.zst", data)),
    Case("lock", small_lock(), parse_file=load_lock),
    Case("inspect", manifest(), parse_file=inspect),
    Case(
        "keyring",
        KEYRING.read_bytes(),
        parse_file=lambda p: _verify(p),
    ),
)


def _indexed(packages: str) -> object:
    index = Index()
    index.add("a", packages)
    return [index.versions(name) for name in index.names()]


def _members(path: Path) -> object:
    with path.open("rb") as file:
        return ar.read_ar(file, path)


def _verify(keyring: Path) -> object:
    return openpgp.verify(b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n", keyring, "x", NOW)


def attempt(case: Case, data: bytes, folder: Path) -> object:
    """The value, or the error of the family as a value."""
    try:
        if case.parse is not None:
            return case.parse(data)
        assert case.parse_file is not None
        file = folder / "file"
        file.write_bytes(data)
        return case.parse_file(file)
    except XenbuildError as error:
        assert error.message
        return error


def changed(data: st.DataObject, good: bytes) -> bytes:
    """The good bytes with some of them replaced, taken out or doubled."""
    made = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(made)))
        end = data.draw(st.integers(start, min(len(made), start + 40)))
        made[start:end] = data.draw(st.one_of(st.binary(max_size=8), st.just(bytes(made[start:end]) * 2)))
    return bytes(made)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(case: Case, data: st.DataObject, tmp_path: Path) -> None:
    attempt(case, data.draw(st.binary(max_size=300)), tmp_path)
    attempt(case, changed(data, case.good), tmp_path)


@pytest.mark.parametrize("name", ["ar", "lock", "package index", "Release", "action result", "digest", "manifest"])
def test_the_good_bytes_are_good(name: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    if name == "Release":
        assert isinstance(attempt(case, case.good.replace(b"2026", b"2027"), tmp_path), apt.Suite)
    assert not isinstance(attempt(case, case.good.replace(b"2026", b"2027"), tmp_path), XenbuildError)


VALUES: list[object] = [None, [], {}, True, "", -1, 1.5, float("inf")]


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("field", ["size", "offset", "crc32"])
def test_a_manifest_with_a_wrong_number_is_damaged(field: str, value: object) -> None:
    body = json.loads(manifest())
    body["parts"][0][field] = value
    with pytest.raises(XenbuildError, match="the manifest of x is damaged"):
        Manifest.from_bytes(json.dumps(body).encode(), "x")


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_lock_with_a_wrong_size_is_damaged(value: object, tmp_path: Path) -> None:
    lock = json.loads(small_lock())
    next(iter(lock["packages"].values()))["size"] = value
    (tmp_path / "lock").write_text(json.dumps(lock))
    with pytest.raises(XenbuildError, match="is damaged: the size of"):
        load_lock(tmp_path / "lock")


@pytest.mark.parametrize("name", ["lock", "manifest"])
def test_deep_json_is_damaged(name: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    assert isinstance(attempt(case, b"[" * 200_000, tmp_path), XenbuildError)


@pytest.mark.parametrize("version", ["\u00b2:1", "1\u00b2", "9" * 5000, "9" * 5000 + ":1"])
def test_an_index_takes_any_version(version: str) -> None:
    index = Index()
    index.add("a", PACKAGES.replace("1:2.0-3+b1", version))
    assert [package.version for package in index.versions("a")] == [version]


@given(st.lists(st.tuples(st.integers(1, 500), st.one_of(st.integers(1, 2**63), st.binary(max_size=20)))))
def test_fields_come_back(written: list[tuple[int, int | bytes]]) -> None:
    data = b"".join(
        protowire.block(field, value) if isinstance(value, bytes) else protowire.number(field, value)
        for field, value in written
    )
    assert list(protowire.fields(data)) == written


@given(st.text("abcdef0123456789", min_size=64, max_size=64), st.integers(0, 2**40))
def test_digests_come_back(hash: str, size: int) -> None:
    digest = Digest(hash, size)
    assert Digest.parse(str(digest)) == digest
    assert Digest.decode(digest.encode()) == digest


@given(st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=30), st.text(max_size=9)), max_size=4))
def test_manifests_come_back(parts: list[tuple[str, bytes, str]]) -> None:
    made = Manifest("a/b", tuple(Part.of(name, "r", data, 0, words) for name, data, words in parts), "d")
    assert Manifest.from_bytes(made.to_bytes(), "x") == made
    json.loads(made.to_bytes())
