"""The executor: what is run, what is taken from the store, and what happens when things go wrong."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from xenbuild.errors import ActionError, FormatError, HostError, IntegrityError
from xenbuild.plan.action import Action, Artifact, File, Input, OutputOf, TreeOf
from xenbuild.plan.run import run
from xenbuild.store.digest import Digest
from xenbuild.store.events import Event
from xenbuild.store.store import Store

sys.path.insert(0, str(Path(__file__).parent))  # so that "steps:join" can be imported, in child processes too


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "cache") as store:
        yield store


def step(label: str, say: str, log: Path | None = None, function: str = "steps:join", **inputs: Input) -> Action:
    return Action(label, function, {"say": say, "log": str(log) if log else ""}, inputs)


def build(store: Store, *goals: OutputOf, jobs: int = 2) -> tuple[list[Artifact], list[str]]:
    """The goals' artifacts, and "kind label" of every event."""
    events: list[Event] = []
    results = run(goals, store, jobs=jobs, events=events.append)
    return [results[goal] for goal in goals], [f"{event.kind} {event.label}" for event in events]


def content(store: Store, artifact: Artifact) -> bytes:
    return store.path(artifact.digest).read_bytes()


def chain(store: Store, source: bytes = b"source", say: str = "a", log: Path | None = None) -> Action:
    first = step("first", say, log, x=File(store.put_bytes(source)))
    tree = step("tree", "T", log, "steps:folder", first=first.output())
    return step("last", "z", log, first=first.output(), tree=tree.output())


def test_builds_then_takes_from_the_store(store: Store) -> None:
    artifacts, events = build(store, chain(store).output())
    assert content(store, artifacts[0]) == b"zasourceT"
    assert events == ["start first", "done first", "start tree", "done tree", "start last", "done last"]
    again, events = build(store, chain(store).output())
    assert again == artifacts
    assert events == ["cached first", "cached tree", "cached last"]


def test_runs_again_only_what_depends_on_a_change(store: Store) -> None:
    base = chain(store)
    build(store, base.output())
    assert build(store, chain(store, say="b").output())[1][0] == "start first"
    changed = step("last", "other", first=base.inputs["first"], tree=base.inputs["tree"])
    assert build(store, changed.output())[1] == ["cached first", "cached tree", "start last", "done last"]


def test_same_result_of_a_changed_step_stops_the_change(store: Store) -> None:
    build(store, chain(store, source=b"ce", say="sour").output())
    events = build(store, chain(store, source=b"urce", say="so").output())[1]
    assert events == ["start first", "done first", "cached tree", "cached last"]


def test_equal_actions_run_once(store: Store, tmp_path: Path) -> None:
    log = tmp_path / "log"
    twins = [step(label, "x", log) for label in ("one", "two", "three")]
    artifacts, _ = build(store, *(twin.output() for twin in twins), jobs=3)
    assert len(set(artifacts)) == 1
    assert log.read_text().count("\n") == 1


def test_actions_run_at_the_same_time(store: Store, tmp_path: Path) -> None:
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    pair = [
        Action("a", "steps:meet", {"mine": a, "other": b}),
        Action("b", "steps:meet", {"mine": b, "other": a}),
    ]
    build(store, *(action.output() for action in pair), jobs=2)


def test_one_job_keeps_the_order(store: Store, tmp_path: Path) -> None:
    actions = [Action(f"s{i}", "steps:join", {"say": str(i)}, size_hint=i % 3) for i in range(9)]
    _, events = build(store, *(action.output() for action in actions), jobs=1)
    started = [event.removeprefix("start ") for event in events if event.startswith("start")]
    assert started == ["s2", "s5", "s8", "s1", "s4", "s7", "s0", "s3", "s6"]


def test_tree_output_keeps_modes_and_links(store: Store) -> None:
    action = step("tree", "hello", None, "steps:folder")
    artifact = build(store, action.output())[0][0]
    assert isinstance(artifact, TreeOf)
    path = store.materialise(artifact.digest)
    assert os.access(path / "bin/run", os.X_OK)
    assert (path / "greeting").stat().st_mode & 0o777 == 0o444
    assert (path / "link").readlink() == Path("bin/run")
    assert list((path / "empty").iterdir()) == []


def test_a_full_disk_is_told_by_the_step_that_met_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by the note about code that is saved in the end, which meets it as well."""

    def full(name: str, data: bytes) -> None:
        raise HostError("no space left to write the note")

    monkeypatch.setattr(store, "put_note", full)
    with pytest.raises(HostError, match=r"^the step: no space left to write "):
        build(store, step("the step", "x", None, "steps:full_disk").output())
    assert build(store, step("another", "x").output())


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        ("steps:damaged", FormatError, "the step: it is damaged"),
        ("steps:nothing", ActionError, "the step: steps:nothing did not make its output 'out'"),
        ("steps:full_disk", HostError, "the step: no space left to write "),
    ],
)
def test_failure_names_the_step_and_stores_nothing(
    store: Store, function: str, error: type[Exception], message: str
) -> None:
    action = step("the step", "x", None, function)
    after = step("after", "x", x=action.output())
    with pytest.raises(error) as caught:
        build(store, after.output())
    assert str(caught.value).startswith(message)
    assert not list((store.root / "ac").glob("*/*"))
    with pytest.raises(error):
        build(store, after.output())


def test_failed_program_shows_its_last_lines(store: Store) -> None:
    script = "i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo line $i; done; exit 3"
    action = Action("compile", "steps:shell", {"script": script})
    with pytest.raises(ActionError) as caught:
        build(store, action.output())
    lines = "".join(f"\n  line {i}" for i in range(11, 31))
    assert str(caught.value) == f"compile: sh failed with exit status 3:{lines}"


def test_program_sees_nothing_of_the_users_environment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    script = 'echo "${SECRET-unset} $PATH $LC_ALL $TZ $MORE"'
    action = Action("env", "steps:shell", {"script": script, "env": {"MORE": "more"}})
    assert content(store, build(store, action.output())[0][0]) == b"unset /nonexistent C.UTF-8 UTC more\n"


def test_failure_kills_programs_of_other_steps(store: Store) -> None:
    slow = Action("slow", "steps:shell", {"script": "exec /bin/sleep 600"}, size_hint=1)
    bad = step("bad", "x", None, "steps:damaged")
    with pytest.raises(FormatError, match="bad: it is damaged"):
        build(store, slow.output(), bad.output())


def test_missing_source_is_an_error(store: Store) -> None:
    lost = Digest.of(b"never stored")
    with pytest.raises(IntegrityError) as caught:
        build(store, step("use", "x", source=File(lost)).output())
    assert str(caught.value) == f"use: the store lacks content {lost.hash[:16]}… of 12 bytes"


@pytest.mark.parametrize("damage", ["truncate", "remove"])
@pytest.mark.parametrize("which", ["greeting", "goal", "directory"])
def test_damaged_content_is_built_anew(store: Store, tmp_path: Path, damage: str, which: str) -> None:
    log = tmp_path / "log"
    before = build(store, chain(store, log=log).output())[0]
    tree = build(store, chain(store, log=log).inputs["tree"])[0][0]  # type: ignore[arg-type]
    victim = {"greeting": Digest.of(b"T"), "goal": before[0].digest, "directory": tree.digest}[which]
    path = store.path(victim)
    if damage == "truncate":
        path.chmod(0o644)
        os.truncate(path, victim.size - 1)
    else:
        path.unlink()
    changed = chain(store, log=log)
    last = step("last", "new", None, **changed.inputs)
    artifacts, _ = build(store, changed.output(), last.output())
    assert artifacts[0] == before[0]
    assert content(store, artifacts[0]) == b"zasourceT"
    assert content(store, artifacts[1]) == b"newasourceT"


def _build_in_child(root: Path, marker: str) -> None:
    action = Action("victim", "steps:suicide_once", {"marker": marker})
    with Store(root) as store:
        base = chain(store)
        goal = step("goal", "g", a=base.output(), b=action.output())
        build(store, goal.output(), jobs=1)


def _spawn(*arguments: Any) -> multiprocessing.Process:
    process = multiprocessing.get_context("fork").Process(target=_build_in_child, args=arguments)
    process.start()
    return process  # type: ignore[return-value]


def test_killed_build_resumes(tmp_path: Path) -> None:
    root, marker = tmp_path / "cache", str(tmp_path / "marker")
    child = _spawn(root, marker)
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    left = list((root / "scratch").iterdir())
    assert left
    with Store(root) as store:
        base = chain(store)
        action = Action("victim", "steps:suicide_once", {"marker": marker})
        goal = step("goal", "g", a=base.output(), b=action.output())
        artifacts, events = build(store, goal.output(), jobs=1)
        assert content(store, artifacts[0]) == b"gzasourceTwhole"
        assert "cached last" in events
        assert not any(path.exists() for path in left)


def test_two_processes_build_the_same_at_once(tmp_path: Path) -> None:
    root, marker = tmp_path / "cache", tmp_path / "marker"
    marker.write_text("no killing")
    children = [_spawn(root, str(marker)) for _ in range(4)]
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0] * 4
    with Store(root) as store:
        for path in (root / "cas").glob("*/*"):
            assert Digest.of(path.read_bytes()).hash == path.name.removesuffix(".x")
        assert build(store, chain(store).output())[1] == ["cached first", "cached tree", "cached last"]
