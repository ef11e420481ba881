"""Archives that a declaration adds: they answer its requests, and the lock notices every change of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pysequoia
import pytest
from signed_repository import NOW, Repository, Server

from xenbuild.errors import LockError
from xenbuild.parts.requests import part_requests
from xenbuild.sources import web
from xenbuild.sources.fetch import fetch
from xenbuild.sources.lock import Lock, load_lock
from xenbuild.sources.request import Request
from xenbuild.sources.update import update
from xenbuild.spec.load import load
from xenbuild.spec.recipe import Archive, Release, load_recipe
from xenbuild.store.store import Store

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def repositories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Repository, Repository]]:
    monkeypatch.setattr(web, "PAUSES", (0.0, 0.0))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    own, vendor = Repository(server, tmp_path), Repository(server, tmp_path / "vendor", "/b")
    own.add("app", "1.0", "lib")
    own.add("lib", "2.1")
    own.publish()
    vendor.add("app", "1.0+vendor", "lib")
    vendor.publish()
    yield own, vendor
    server.close()


def archive(repository: Repository) -> Archive:
    address = repository.server.url + repository.base
    return Archive(name=address, mirrors=[address], suites=["stable"], keyring=str(repository.keyring))


def request(repositories: tuple[Repository, Repository]) -> Request:
    own, vendor = repositories
    return replace(own.request("app"), archives=(archive(vendor),))


def lock(requests: list[Request], folder: Path) -> Lock:
    made = update(Lock(folder / "xenbuild.lock"), requests, now=NOW)
    made.save()
    return load_lock(made.path)


def test_packages_come_from_both(repositories: tuple[Repository, Repository], tmp_path: Path) -> None:
    asked = request(repositories)
    plain = replace(repositories[0].request("app"), name="plain")
    made = lock([asked, plain], tmp_path)
    assert [(p.name, p.version) for p in made.packages(asked)] == [("app", "1.0+vendor"), ("lib", "2.1")]
    assert [p.version for p in made.packages(plain)] == ["1.0", "2.1"]
    with Store(tmp_path / "store") as store:
        digests = fetch(made.packages(asked), made, store)
        assert store.read(digests[made.packages(asked)[0]]) == b"app 1.0+vendor " * 1000


@pytest.mark.parametrize("change", ["suite", "mirror", "keyring", "component", "none"])
def test_a_changed_archive_makes_the_lock_out_of_date(
    change: str, repositories: tuple[Repository, Repository], tmp_path: Path
) -> None:
    asked = request(repositories)
    made = lock([asked], tmp_path)
    (added,) = asked.archives
    if change == "keyring":
        repositories[1].trust(pysequoia.Cert.generate(user_id="Another <other@example.org>"))
    changed = {
        "suite": (replace(added, suites=["unstable"]),),
        "mirror": (replace(added, mirrors=["http://other/b"]),),
        "keyring": (added,),
        "component": (replace(added, components=["main", "contrib"]),),
        "none": (),
    }
    with pytest.raises(LockError) as caught:
        made.packages(replace(asked, archives=changed[change]))
    assert caught.value.message == f"{tmp_path / 'xenbuild.lock'} is out of date for demo: archives changed"


def test_one_version_that_is_two_files(repositories: tuple[Repository, Repository], tmp_path: Path) -> None:
    own, vendor = repositories
    vendor.add("lib", "2.1", content=b"other")
    vendor.publish()
    there = replace(request(repositories), name="there", release=replace(own.release(), archives=[]))
    with pytest.raises(LockError) as caught:
        lock([own.request("app"), there], tmp_path)
    stable = "stable@20261123T000000Z"
    second = f"demo/{own.server.url}/b/{stable}"
    assert caught.value.message == f"lib 2.1 amd64 is one file in demo/test/{stable} and another in {second}"


def test_the_declarations_archives_are_in_its_requests(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"key")
    (tmp_path / "x.yaml").write_text(
        "name: m\nrelease: bookworm\ndom0: {packages: [app]}\n"
        "sources: {v: {apt: 'http://v/debian/', suites: [s], components: [a, b], keyring: key}}\n"
    )
    release = load_recipe(Release, "bookworm")
    requests = part_requests(load(tmp_path / "x.yaml"), release)
    assert set(requests) == {"hypervisor", "kernel", "dom0", "extra"}
    assert requests["extra"].exclude == tuple(release.dom0.scripts) != requests["dom0"].exclude
    sha256 = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"
    stated = {"mirrors": ["http://v/debian/"], "suites": ["s"], "components": ["a", "b"], "keyring": sha256}
    assert all(each.question()["archives"] == [stated] for each in requests.values())


def test_a_release_of_our_own_is_asked_by_name_and_another_by_its_archives(tmp_path: Path) -> None:
    known = load_recipe(Release, "bookworm")
    asked = Request("r", known, "amd64", ("app",))
    assert sorted(asked.question()) == ["arch", "exclude", "only", "release", "roots"]
    beside = replace(known, file=tmp_path / "recipes" / "releases" / "bookworm.yaml")
    archives = replace(asked, release=beside).question()["archives"]
    assert [each["suites"] for each in archives] == [known.archives[0].suites, ["bookworm-security"]]  # type: ignore[attr-defined]
