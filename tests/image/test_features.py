"""What recipes/capabilities.yaml says of the packages' Xen is what its file shows (recipes/hypervisors/xen.yaml)."""

from __future__ import annotations

from pathlib import Path

import pytest
from project import TOP, Project

from xenbuild.compose.inspect import inspect
from xenbuild.media.build import Settings
from xenbuild.spec.capability import find_row
from xenbuild.spec.model import Target
from xenbuild.spec.recipe import HypervisorRecipe, load_recipe

pytestmark = pytest.mark.image
FOLDERS = {"bookworm": TOP, "trixie": TOP / "tests" / "image" / "trixie"}


@pytest.mark.parametrize(
    ("release", "arch"), [("bookworm", "arm64"), ("bookworm", "armv7"), ("trixie", "arm64")], ids=str
)
def test_the_table_knows_the_packages_xen(release: str, arch: str, settings: Settings, tmp_path: Path) -> None:
    project = Project.of(FOLDERS[release] / "xenbuild.yaml", tmp_path / "project", settings.store.root)
    if release != "bookworm":
        project.replace("../../../xenbuild.yaml", str(TOP / "xenbuild.yaml"))
    outcome = project.run("image", f"{arch}/xen")
    assert outcome.code == 0, outcome.err
    (bundle,) = (project.folder / "out" / f"{arch}-xen").glob("*.img")
    part = next(part for part in inspect(bundle).facts["parts"] if part["name"] == "xen")
    xen = bundle.read_bytes()[part["offset"] :][: part["size"]]
    features = load_recipe(HypervisorRecipe, "xen").features
    shown = {name for name, feature in features.items() if feature.marker.encode() in xen}
    expected = find_row(Target(arch, "xen"), release, None).features
    assert sorted(name for name in shown if not name.startswith("scheduler-")) == sorted(expected)
