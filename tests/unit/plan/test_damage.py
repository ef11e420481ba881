"""A step that fails because content of the store was damaged is no end: what can be made anew is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from xenbuild.errors import FormatError, IntegrityError
from xenbuild.plan.action import Action, File, Input
from xenbuild.plan.run import run
from xenbuild.store.damage import drop_damaged, drop_damaged_tree
from xenbuild.store.digest import Digest
from xenbuild.store.store import Store
from xenbuild.store.tree import FileEntry, Tree

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "cache") as store:
        yield store


def flip(path: Path) -> None:
    """Change the last byte in place: name and size stay."""
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def step(function: str, say: str, x: Input) -> Action:
    return Action(function, f"steps:{function}", {"say": say, "log": ""}, {"x": x})


def test_a_damaged_result_is_made_anew(store: Store) -> None:
    first = step("join", "is ", File(store.put_bytes(b"sound")))
    flip(store.path(run([first.output()], store, jobs=1)[first.output()].digest))
    last = step("exact", "", first.output())
    events: list[str] = []
    result = run([last.output()], store, jobs=1, events=lambda e: events.append(f"{e.kind} {e.label}"))
    assert store.path(result[last.output()].digest).read_bytes() == b"is sound"
    assert events == ["cached join", "start exact", "start join", "done join", "start exact", "done exact"]


def test_a_damaged_source_is_removed_and_named(store: Store) -> None:
    source = store.put_bytes(b"sound")
    flip(store.path(source))
    last = step("exact", "", File(source))
    with pytest.raises(IntegrityError) as caught:
        run([last.output()], store, jobs=1)
    assert str(caught.value) == (
        f"exact: the file with SHA-256 {source.hash[:16]}… was damaged in the store and has been removed from it"
    )
    assert caught.value.advice == "run the command again: the file is taken from its source anew"
    assert not store.has(source)
    store.put_bytes(b"sound")
    run([last.output()], store, jobs=1)


def test_a_step_that_fails_on_sound_inputs_fails_once(store: Store) -> None:
    last = step("exact", "", File(store.put_bytes(b"bad")))
    with pytest.raises(FormatError, match=r"^exact: it is damaged$"):
        run([last.output()], store, jobs=1)


def test_damage_of_a_program_in_a_folder_is_found(store: Store) -> None:
    content = store.put_bytes(b"sound")
    tree = store.put_tree(Tree({"bin/x": FileEntry(content, executable=True)}))
    folder = store.materialise(tree)
    assert not drop_damaged_tree(store, tree)
    flip(folder / "bin/x")
    assert drop_damaged_tree(store, tree)
    store.put_bytes(b"sound")
    assert (store.materialise(tree) / "bin/x").read_bytes() == b"sound"


def test_absent_content_counts_as_damaged(store: Store) -> None:
    assert drop_damaged(store, Digest.of(b"never stored"))
    assert not drop_damaged(store, store.put_bytes(b"stored"))
