"""From the signed Release to bytes in the store: every link is broken once, and the message says which."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pysequoia
import pytest
from signed_repository import NOW, Repository, Server

from xenbuild.errors import IntegrityError, LockError, NetworkError
from xenbuild.sources import web
from xenbuild.sources.fetch import fetch, partial_folder
from xenbuild.sources.lock import Lock, load_lock
from xenbuild.sources.request import Request
from xenbuild.sources.update import changes, update
from xenbuild.store.store import Store

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(web, "PAUSES", (0.0, 0.0))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def repository(server: Server, tmp_path: Path) -> Repository:
    made = Repository(server, tmp_path)
    made.add("app", "1.0", "lib (>= 2), shell | dash")
    made.add("lib", "2.1")
    made.add("dash", "1")
    made.publish()
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store") as store:
        yield store


def make(folder: Path, *requests: Request, names: tuple[str, ...] = (), now: datetime = NOW) -> Lock:
    path = folder / "xenbuild.lock"
    old = load_lock(path) if path.exists() else Lock(path)
    new = update(old, requests, names=names, now=now)
    new.save()
    return new


def flip(server: Server, path: str, at: int = 10) -> None:
    data = bytearray(server.files[path])
    data[at] ^= 1
    server.files[path] = bytes(data)


def test_the_whole_way(repository: Repository, tmp_path: Path, store: Store) -> None:
    request = repository.request("app")
    lock = make(tmp_path, request)
    assert load_lock(lock.path).packages(request) == lock.packages(request)
    assert [p.id for p in lock.packages(request)] == ["app 1.0 amd64", "dash 1 amd64", "lib 2.1 amd64"]
    (state,) = load_lock(lock.path).archives.values()
    assert state.signer == str(repository.key.fingerprint)
    assert state.inrelease == hashlib.sha256(repository.server.files["/a/dists/stable/InRelease"]).hexdigest()
    for package, digest in fetch(lock.packages(request), lock, store).items():
        assert store.read(digest) == repository.packages[package.name][1]
    asked = len(repository.server.asked)
    fetch(lock.packages(request), lock, store, offline=True)
    assert len(repository.server.asked) == asked


def test_without_by_hash(repository: Repository, tmp_path: Path) -> None:
    repository.by_hash = False
    repository.publish()
    assert len(make(tmp_path, repository.request("app")).all_packages()) == 3


def test_flipped_bit_in_inrelease(repository: Repository, tmp_path: Path) -> None:
    flip(repository.server, "/a/dists/stable/InRelease", 70)
    with pytest.raises(IntegrityError) as caught:
        make(tmp_path, repository.request("app"))
    where = f"{repository.server.url}/a/dists/stable/InRelease"
    assert caught.value.message.startswith(f"{where}: no valid signature by a key of test.gpg: ")
    assert caught.value.advice == (
        f"test.gpg knows {repository.key.fingerprint}; if the archive changed its keys, put the new keyring into"
        " recipes/keyrings/test.gpg beside the declaration"
    )
    assert "\n" not in caught.value.message


def test_unknown_key(repository: Repository, tmp_path: Path) -> None:
    repository.trust(pysequoia.Cert.generate(user_id="Another <b@example.org>"))
    with pytest.raises(IntegrityError, match=r"no valid signature by a key of test\.gpg"):
        make(tmp_path, repository.request("app"))


def test_expired_key(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError) as caught:
        make(tmp_path, repository.request("app"), now=datetime(2039, 1, 1, tzinfo=UTC))
    assert f"{repository.key.fingerprint} (expired)" in caught.value.advice


def test_unsigned(repository: Repository, tmp_path: Path) -> None:
    repository.server.files["/a/dists/stable/InRelease"] = repository.fields.encode()
    with pytest.raises(IntegrityError, match=r"no valid signature by a key of test\.gpg"):
        make(tmp_path, repository.request("app"))


def test_outdated_mirror(repository: Repository, tmp_path: Path) -> None:
    repository.fields += "Valid-Until: Sun, 22 Nov 2026 00:00:00 UTC\n"
    repository.publish()
    with pytest.raises(IntegrityError) as caught:
        make(tmp_path, repository.request("app"))
    where = f"{repository.server.url}/a/dists/stable/InRelease"
    assert caught.value.message == f"{where}: was valid until Sun, 22 Nov 2026 00:00:00 UTC"


def test_flipped_bit_in_packages(repository: Repository, tmp_path: Path) -> None:
    good = hashlib.sha256(repository.server.files[repository.index_path]).hexdigest()
    flip(repository.server, repository.index_path)
    bad = hashlib.sha256(repository.server.files[repository.index_path]).hexdigest()
    with pytest.raises(IntegrityError) as caught:
        make(tmp_path, repository.request("app"))
    where = f"{repository.server.url}/a/dists/stable/main/binary-amd64/Packages.xz"
    assert caught.value.message == f"{where}: SHA-256 is {bad}, the signed Release says {good}"


def test_flipped_bit_in_a_package(repository: Repository, tmp_path: Path, store: Store) -> None:
    lock = make(tmp_path, repository.request("lib"))
    good = hashlib.sha256(repository.server.files["/a/pool/lib_2.1.deb"]).hexdigest()
    flip(repository.server, "/a/pool/lib_2.1.deb")
    bad = hashlib.sha256(repository.server.files["/a/pool/lib_2.1.deb"]).hexdigest()
    with pytest.raises(IntegrityError) as caught:
        fetch(lock.all_packages().values(), lock, store)
    where = f"{repository.server.url}/a/pool/lib_2.1.deb"
    assert caught.value.message == f"{where}: SHA-256 is {bad}, it should be {good}"


def test_changed_digit_in_the_lock(repository: Repository, tmp_path: Path, store: Store) -> None:
    lock = make(tmp_path, repository.request("lib"))
    sha256 = hashlib.sha256(repository.server.files["/a/pool/lib_2.1.deb"]).hexdigest()
    other = ("0" if sha256[0] != "0" else "1") + sha256[1:]
    lock.path.write_text(lock.path.read_text().replace(sha256, other))
    lock = load_lock(lock.path)
    with pytest.raises(IntegrityError, match=f"SHA-256 is {sha256}, it should be {other}"):
        fetch(lock.all_packages().values(), lock, store)


def test_damaged_lock(repository: Repository, tmp_path: Path) -> None:
    path = make(tmp_path, repository.request("lib")).path
    path.write_text(path.read_text()[:-20])
    with pytest.raises(LockError, match=r"xenbuild.lock is damaged: "):
        load_lock(path)


def test_interrupted_download_is_resumed(repository: Repository, tmp_path: Path, store: Store) -> None:
    lock = make(tmp_path, repository.request("lib"))
    (package,) = lock.all_packages().values()
    part = partial_folder(store) / f"{package.sha256}.part"
    part.parent.mkdir()
    part.write_bytes(repository.packages["lib"][1][:1234])
    repository.server.cut["/a/pool/lib_2.1.deb"] = 100  # and it breaks again
    seen = []
    fetch([package], lock, store, events=seen.append)
    ranges = [wanted for path, wanted in repository.server.asked if path.endswith("lib_2.1.deb")]
    assert ranges == ["bytes=1234-", "bytes=1334-"]
    assert seen[-1].done == package.size - 1234
    assert not part.exists()


def test_a_rotten_partial_file_is_replaced(repository: Repository, tmp_path: Path, store: Store) -> None:
    lock = make(tmp_path, repository.request("lib"))
    (package,) = lock.all_packages().values()
    part = partial_folder(store) / f"{package.sha256}.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 1234)
    (digest,) = fetch([package], lock, store).values()
    assert store.has(digest)
    assert not part.exists()


def test_busy_server_is_asked_again(repository: Repository, tmp_path: Path, store: Store) -> None:
    lock = make(tmp_path, repository.request("lib"))
    repository.server.failures["/a/pool/lib_2.1.deb"] = 2
    assert len(fetch(lock.all_packages().values(), lock, store)) == 1


def test_second_mirror_and_snapshot(repository: Repository, tmp_path: Path, store: Store) -> None:
    server = repository.server
    release = repository.release(mirrors=(f"{server.url}/dead",), snapshot=f"{server.url}/snapshot")
    lock = make(tmp_path, replace(repository.request("app"), release=release))
    server.files["/snapshot/20261123T120000Z/pool/lib_2.1.deb"] = server.files.pop("/a/pool/lib_2.1.deb")
    assert len(fetch(lock.all_packages().values(), lock, store)) == 3


def test_version_gone(repository: Repository, tmp_path: Path, store: Store) -> None:
    lock = make(tmp_path, repository.request("lib"))
    del repository.server.files["/a/pool/lib_2.1.deb"]
    with pytest.raises(LockError) as caught:
        fetch(lock.all_packages().values(), lock, store)
    assert caught.value.message == "lib 2.1 (amd64) is gone from every mirror"
    assert caught.value.advice == "run `xenbuild lock --update lib` to take the version that is there now"


def test_no_network(repository: Repository, tmp_path: Path, store: Store) -> None:
    lock = make(tmp_path, repository.request("lib"))
    repository.server.close()
    with pytest.raises(NetworkError, match=r"lib_2\.1\.deb: .*[Rr]efused"):
        fetch(lock.all_packages().values(), lock, store)


def test_offline(repository: Repository, tmp_path: Path, store: Store) -> None:
    lock = make(tmp_path, repository.request("app"))
    with pytest.raises(NetworkError) as caught:
        fetch(lock.all_packages().values(), lock, store, offline=True)
    assert caught.value.message == "3 packages are not in the store: app 1.0, dash 1, lib 2.1"


def test_pins_stay_until_they_are_named(repository: Repository, tmp_path: Path) -> None:
    old = make(tmp_path, repository.request("app"))
    repository.add("lib", "2.2")
    repository.add("dash", "2")
    repository.fields = repository.fields.replace("00:00:00", "01:00:00")
    repository.publish()
    asked = len(repository.server.asked)
    assert changes(old, make(tmp_path, repository.request("app"))) == []
    assert len(repository.server.asked) == asked  # an unchanged request needs no network
    new = make(tmp_path, repository.request("app"), names=("dash",))
    assert [str(change) for change in changes(old, new)] == ["~ dash 1 -> 2 (amd64)", "~ lib 2.1 -> 2.2 (amd64)"]


def test_lock_that_does_not_cover_the_request(repository: Repository, tmp_path: Path) -> None:
    lock = make(tmp_path, repository.request("app"))
    with pytest.raises(LockError) as caught:
        lock.packages(repository.request("app", "lib"))
    assert caught.value.message == f"{lock.path} is out of date for demo: roots changed"
    assert caught.value.advice == "run `xenbuild lock`"


def test_unknown_package_and_broken_chain(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(LockError) as caught:
        make(tmp_path, repository.request("dahs"))
    assert caught.value.message == "demo: there is no package 'dahs' in demo for amd64"
    assert caught.value.advice == "did you mean 'dash'?"
    repository.add("lib", "2.1", "ghost (>= 3) | spirit")
    repository.publish()
    with pytest.raises(LockError) as caught:
        make(tmp_path, repository.request("app"))
    message = "demo: app -> lib needs ghost (>= 3) | spirit, which demo cannot satisfy for amd64"
    assert caught.value.message == message
