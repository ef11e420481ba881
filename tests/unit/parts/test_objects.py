"""Programs compiled file by file: what a change makes anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenbuild.parts.objects import Program, Unit, program_of
from xenbuild.plan.action import Action, Input, OutputOf, TreeOf
from xenbuild.store.store import Store
from xenbuild.store.tree import Tree


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def plan(store: Store, folder: Path, texts: dict[str, str]) -> Action:
    """The link of a program of two units, of which "own" sees the headers of both."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)

    def unit(prefix: str, *include: str) -> Unit:
        return Unit({path: folder / path for path in texts if path.startswith(prefix)}, include)

    script = folder / "script.lds"
    script.write_text("")
    tools = TreeOf(store.put_tree(Tree({})))
    program = Program("p", "t", [unit("own/", "base", "own"), unit("base/", "base")])
    return program_of(program, script, store, tools).action


def inputs_of(link: Action, name: str) -> dict[str, Input]:
    made = link.inputs[name]
    assert isinstance(made, OutputOf)
    return {key: value for key, value in made.action.inputs.items() if key != "words"}


TEXTS = {"own/a.c": "a", "own/a.h": "h", "base/b.c": "b", "base/b.h": "i", "base/s.S": "s"}


def test_order_and_inputs(store: Store, tmp_path: Path) -> None:
    link = plan(store, tmp_path, TEXTS)
    assert link.params["order"] == ["own:a.c", "base:b.c", "base:s.S"]
    assert set(link.inputs) == {*link.params["order"], "script", "tools"}


@pytest.mark.parametrize(
    ("changed", "anew"),
    [
        ("own/a.c", {"own:a.c"}),
        ("own/a.h", {"own:a.c"}),
        ("base/b.c", {"base:b.c"}),
        ("base/b.h", {"own:a.c", "base:b.c", "base:s.S"}),
    ],
)
def test_a_change_compiles_what_can_see_it(store: Store, tmp_path: Path, changed: str, anew: set[str]) -> None:
    before = plan(store, tmp_path, TEXTS)
    after = plan(store, tmp_path, TEXTS | {changed: "new"})
    order = before.params["order"]
    assert {name for name in order if inputs_of(before, name) != inputs_of(after, name)} == anew
