"""Keys: golden ones, what they depend on, and how a change of one is explained.

The golden digests were made once with the official messages (build.bazel.remote.execution.v2, protobuf's
deterministic serialisation): the bytes were equal. They may change only if every cache may be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from xenbuild.plan.action import Action, File, TreeOf, decode_result, encode_action, encode_result
from xenbuild.plan.code import Code
from xenbuild.plan.history import recall, remember
from xenbuild.plan.why import Change, explain
from xenbuild.store import statcache
from xenbuild.store.digest import Digest
from xenbuild.store.store import Store
from xenbuild.store.tree import DirEntry, FileEntry, LinkEntry, Tree

HELLO, EMPTY = Digest.of(b"hello"), Digest.of(b"")
TREE = Tree(
    {
        "éé": FileEntry(HELLO),
        "sub/run": FileEntry(HELLO, executable=True),
        "sub/empty": FileEntry(EMPTY),
        "void": DirEntry(),
        "link": LinkEntry("sub/run"),
    }
)
ROOT = TREE.encode()[0]
INPUTS = {"kernel": File(HELLO), "tools": TreeOf(ROOT), "a": File(EMPTY)}
ACTION = Action("label", "xenbuild.parts.x:run", {"b": [1, True, None], "a": "é"}, INPUTS, ("two", "one"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "cache") as store:
        yield store


def key(action: Action, code: Digest = ROOT) -> str:
    return str(encode_action(action, action.inputs, code)[0])  # type: ignore[arg-type]


def test_golden_messages() -> None:
    assert str(ROOT) == "02c75150a82e7077d9a36b4dce4d6a4f6eacc20ef839b5be4e78be45fa5496d3/249"
    assert key(ACTION) == "29d85b841bfff8796e1212ba1755c640d62e23396c4f593aaf13a385e0986207/141"
    result = encode_result({"tree": TreeOf(ROOT), "out": File(HELLO)})
    assert str(Digest.of(result)) == "cbf7592332e7214e15ffb674d5bf91238a3b604ae3bb2506228b1f5bbafcd0b2/156"
    assert decode_result(result) == {"tree": TreeOf(ROOT), "out": File(HELLO)}


def test_label_and_order_are_no_part_of_the_key() -> None:
    other = Action(
        "x", ACTION.function, {"a": "é", "b": [1, True, None]}, dict(reversed(INPUTS.items())), ("one", "two")
    )
    assert key(other) == key(ACTION)


@pytest.mark.parametrize(
    "other",
    [
        replace(ACTION, function="xenbuild.parts.x:other"),
        replace(ACTION, params={"b": [1, True, None], "a": "e"}),
        replace(ACTION, params={"b": [1, 1, None], "a": "é"}),
        replace(ACTION, outputs=("one",)),
        replace(ACTION, inputs={**INPUTS, "kernel": File(EMPTY)}),
        replace(ACTION, inputs={**INPUTS, "kernel": TreeOf(HELLO)}),
        replace(ACTION, inputs={**INPUTS, "more": File(EMPTY)}),
        replace(ACTION, inputs={name: INPUTS[name] for name in ("kernel", "tools")}),
    ],
)
def test_every_component_is_part_of_the_key(other: Action) -> None:
    assert key(other) != key(ACTION)


def test_code_is_part_of_the_key() -> None:
    assert key(ACTION, EMPTY) != key(ACTION)


@pytest.mark.parametrize("name", ["", "a/b", ".", "..", "a\0"])
def test_bad_names_are_our_bug(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name an input or output"):
        Action("label", "m:f", {}, {name: File(HELLO)})


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of its own name: step imports near and far.deep (inside a function), far.deep imports leaf."""
    folder = tmp_path / "codepackage"
    (folder / "far").mkdir(parents=True)
    for name, text in {
        "__init__": "",
        "step": "import os\nfrom codepackage.near import x\ndef run(job):\n    from .far import deep\n",
        "near": "x = 1\n",
        "far/__init__": "",
        "far/deep": "import codepackage.leaf\n",
        "leaf": "raise SystemExit('code must not be run to find its imports')\n",
        "alien": "",
    }.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(statcache, "SETTLED_NS", -1)
    return folder


def digest(store: Store) -> Digest:
    code = Code(store)
    found = code.digest("codepackage.step:run")
    code.save()
    return found


def test_code_is_the_module_and_what_it_imports(store: Store, package: Path) -> None:
    names = ["__init__", "far/__init__", "far/deep", "leaf", "near", "step"]
    assert list(store.get_tree(digest(store))) == [f"codepackage/{name}.py" for name in names]


@pytest.mark.parametrize("module", ["step", "near", "leaf", "far/deep", "far/__init__"])
def test_change_of_code_changes_the_digest(store: Store, package: Path, module: str) -> None:
    before = digest(store)
    assert digest(store) == before
    with (package / f"{module}.py").open("a") as file:
        file.write("# more\n")
    assert digest(store) != before


def test_change_of_other_code_does_not(store: Store, package: Path) -> None:
    before = digest(store)
    (package / "alien.py").write_text("y = 2\n")
    assert digest(store) == before


def test_unchanged_code_is_not_parsed_again(store: Store, package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(store)
    monkeypatch.setattr(Code, "_parse", lambda self, name: pytest.fail(f"{name} was parsed again"))
    assert digest(store) == before


def preserve(store: Store, action: Action, code: Tree) -> tuple[str, Digest]:
    """Store an action's preimage as the executor does."""
    found, messages = encode_action(action, action.inputs, store.put_tree(code))  # type: ignore[arg-type]
    for message in messages.values():
        store.put_bytes(message)
    return action.label, found


def test_history_keeps_the_last_two_builds_that_differ(store: Store) -> None:
    builds = [[("a", Digest.of(bytes([n])))] for n in range(3)]
    for build in (builds[0], builds[1], builds[1], builds[2], builds[2]):
        remember(store, "goal", build)
    assert recall(store, "goal") == builds[1:]
    assert recall(store, "other") == []


def test_why(store: Store) -> None:
    store.put_tree(TREE)
    store.put_bytes(b"hello")
    code = Tree({"xenbuild/x.py": FileEntry(HELLO)})
    tools = store.put_tree(Tree({**TREE, "sub/run": FileEntry(EMPTY, executable=True)}))
    before = [preserve(store, ACTION, code), ("gone", HELLO), ("lost", HELLO), ("same", HELLO)]
    changed = replace(
        ACTION,
        params={"b": [1, False, None], "a": "é", "c": {}},
        inputs={"kernel": File(EMPTY), "tools": TreeOf(tools), "new": File(EMPTY)},
        outputs=("one",),
    )
    after = [preserve(store, changed, Tree({"xenbuild/x.py": FileEntry(EMPTY)})), ("new", HELLO)]
    after += [("lost", EMPTY), ("same", HELLO)]
    assert explain(store, before, after) == [
        Change("gone", ("is no longer part of the plan",)),
        Change(
            "label",
            (
                "parameters.b[1]: true -> false",
                "parameters.c: added, {}",
                "outputs: one, two -> one",
                "input a: removed",
                "input kernel: content changed",
                "input new: added",
                "input tools: content changed (sub/run)",
                "xenbuild's code: xenbuild/x.py",
            ),
        ),
        Change("new", ("is new in the plan",)),
        Change("lost", ("changed; what it was before has been removed by `xenbuild gc`",)),
    ]
