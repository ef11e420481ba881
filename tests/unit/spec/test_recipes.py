"""The project's own recipes and its showcase load, and fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenbuild.errors import DeclarationError
from xenbuild.spec.capability import table
from xenbuild.spec.load import load, targets
from xenbuild.spec.recipe import (
    Board,
    DriverSet,
    HypervisorRecipe,
    Recipe,
    Release,
    keyring,
    load_recipe,
    load_tools,
    recipe_names,
)

SHOWCASE = Path(__file__).parents[3] / "xenbuild.yaml"


@pytest.mark.parametrize("kind", [Release, Board, HypervisorRecipe, DriverSet], ids=lambda kind: kind.__name__)
def test_all_recipes_load(kind: type[Recipe]) -> None:
    names = recipe_names(kind)
    assert names
    for name in names:
        assert load_recipe(kind, name).name == name


def test_every_possible_target_has_a_release_a_board_and_keyrings() -> None:
    for row in table().possible:
        hypervisor = load_recipe(HypervisorRecipe, row.hypervisor)
        for arch in row.arch:
            assert load_recipe(Board, hypervisor.boards[arch]).arch == arch
            for name in row.release:
                release = load_recipe(Release, name)
                assert arch in release.architectures or hypervisor.compiled
                assert all(keyring(archive.keyring).is_file() for archive in release.archives)


def test_tools_come_from_a_known_release() -> None:
    assert load_recipe(Release, load_tools().release).archives


def test_showcase() -> None:
    for target in targets(SHOWCASE)[0]:
        assert load(SHOWCASE, target).target == target


def test_recipe_beside_the_declaration_goes_first(tmp_path: Path) -> None:
    folder = tmp_path / "recipes" / "drivers"
    folder.mkdir(parents=True)
    (folder / "backends.yaml").write_text("modules: [mine]\noptional: {arm64: [more]}\n")
    found = load_recipe(DriverSet, "backends", tmp_path)
    assert found.modules_for("arm64") == ["mine", "more"]
    assert found.modules_for("x86_64") == ["mine"]


def test_errors_in_a_recipe_name_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "recipes" / "boards"
    folder.mkdir(parents=True)
    (folder / "b.yaml").write_text("arch: arm64\nqemu: q\nmachine: virt\nkvmm: true\n")
    with pytest.raises(DeclarationError) as caught:
        load_recipe(Board, "b", tmp_path)
    assert str(caught.value) == f"{folder / 'b.yaml'}:4:1: unknown key 'kvmm'"


def test_unknown_keyring() -> None:
    with pytest.raises(DeclarationError, match=r"there is no keyring 'none\.gpg'"):
        keyring("none.gpg")
