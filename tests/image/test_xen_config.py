"""What the recipes say that the packages' Xen was built with is what its own configuration says."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from xenbuild.formats.deb import read_deb
from xenbuild.media.build import Settings
from xenbuild.parts.requests import part_requests
from xenbuild.sources.fetch import fetch
from xenbuild.sources.lock import load_lock
from xenbuild.spec.capability import table
from xenbuild.spec.model import Declaration, Target
from xenbuild.spec.recipe import Release, load_recipe
from xenbuild.store.digest import Digest

pytestmark = pytest.mark.image

TOP = Path(__file__).parents[2]
LOCKS = {"bookworm": TOP / "xenbuild.lock", "trixie": Path(__file__).with_name("trixie") / "xenbuild.lock"}
PAIRS = [
    (release, arch)
    for row in table().possible
    if row.hypervisor == "xen"
    for release in row.release
    for arch in row.arch
]


@pytest.mark.parametrize(("release", "arch"), PAIRS)
def test_the_recipe_is_right(release: str, arch: str, settings: Settings, tmp_path: Path) -> None:
    recipe = load_recipe(Release, release)
    declaration = Declaration(target=Target(arch, "xen"), folder=tmp_path, name="n", release=release)
    lock = load_lock(LOCKS[release])
    (package,) = lock.packages(part_requests(declaration, recipe)["hypervisor"])
    fetch([package], lock, settings.store)
    with read_deb(settings.store.path(Digest(package.sha256, package.size)), scratch=tmp_path) as deb:
        (member,) = [one for one in deb.members() if fnmatchcase(one.name, "boot/xen-*.config")]
        lines = deb.read(member).decode().splitlines()
    built = dict(line.split("=", 1) for line in lines if line.startswith("CONFIG_"))
    stated = recipe.architectures[arch].hypervisor
    assert stated.cpus == int(built["CONFIG_NR_CPUS"])
    assert stated.xsm == ("CONFIG_XSM_FLASK" in built)
    schedulers = {key.removeprefix("CONFIG_SCHED_").lower() for key in built if key.startswith("CONFIG_SCHED_")}
    assert set(stated.schedulers) == schedulers - {"default"}
    assert stated.schedulers[0] == built["CONFIG_SCHED_DEFAULT"].strip('"')
