"""The real archives: the repository's own lock is fetched, and the releases resolve with Debian's signatures."""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from xenbuild.formats.deb import read_deb
from xenbuild.sources.fetch import fetch
from xenbuild.sources.lock import Lock, load_lock
from xenbuild.sources.request import Request
from xenbuild.sources.update import update
from xenbuild.spec.recipe import Release, load_recipe
from xenbuild.store.store import Store

pytestmark = pytest.mark.image

LOCK = Path(__file__).resolve().parents[3] / "xenbuild.lock"


@pytest.mark.parametrize("arch", ["x86_64", "arm64", "armv7"])
def test_the_locked_dom0_holds_the_recipes_files(arch: str, tmp_path: Path) -> None:
    lock = load_lock(LOCK)
    release = load_recipe(Release, "bookworm")
    answers = [lock.answers[f"{arch}/xen {role}"] for role in ("dom0", "hypervisor")]
    names: set[str] = set()
    with Store(tmp_path) as store:
        packages = [package for answer in answers for package in answer.packages]
        for digest in fetch(packages, lock, store).values():
            with read_deb(store.path(digest)) as deb:
                names |= {member.name for member in deb.members()}
    # init-dom0less is for Arm only
    wanted = [f for f in release.dom0.files if not (arch == "x86_64" and "init-dom0less" in f)]
    for pattern in [*wanted, release.architectures[arch].hypervisor.file]:
        assert any(fnmatchcase(name, pattern) for name in names), pattern


@pytest.mark.parametrize("arch", ["x86_64", "arm64"])
def test_trixie_resolves(arch: str, tmp_path: Path) -> None:
    release = load_recipe(Release, "trixie")
    made = release.architectures[arch]
    roots = (*release.dom0.roots, *made.dom0_roots)
    requests = [
        Request("dom0", release, made.debian, roots, exclude=tuple(release.dom0.exclude)),
        Request("hypervisor", release, made.debian, tuple(made.hypervisor.roots), only="-"),
        Request("kernel", release, made.debian, tuple(made.kernel.roots), only=made.kernel.only),
    ]
    lock = update(Lock(tmp_path / "xenbuild.lock"), requests, now=datetime.now(UTC))
    dom0 = [package.name for package in lock.packages(requests[0])]
    assert "libxenmisc4.20" in dom0
    assert len(dom0) < 25
    with Store(tmp_path / "store") as store:
        names: set[str] = set()
        for digest in fetch([*lock.packages(requests[0]), *lock.packages(requests[1])], lock, store).values():
            with read_deb(store.path(digest)) as deb:
                names |= {member.name for member in deb.members()}
    wanted = [f for f in release.dom0.files if not (arch == "x86_64" and "init-dom0less" in f)]
    for pattern in [*wanted, made.hypervisor.file]:
        assert any(fnmatchcase(name, pattern) for name in names), pattern
