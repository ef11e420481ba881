"""The executor: brings goals about by running the actions that are not in the store yet, several at once.

The main thread keeps all the books, looks results up and calls back with events; every action that has to run gets
a thread of its own. An action's key is known once its inputs are, so what is looked up and run is found out step by
step. Results appear by rename, after their content: a run that is killed at any moment leaves a store that is right.
"""

from __future__ import annotations

import heapq
import importlib
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from queue import SimpleQueue
from typing import Literal

from xenbuild.errors import FormatError, HostError, XenbuildError
from xenbuild.plan.action import (
    Action,
    Artifact,
    File,
    Input,
    OutputOf,
    TreeOf,
    decode_result,
    encode_action,
    encode_result,
)
from xenbuild.plan.code import Code
from xenbuild.plan.job import Job
from xenbuild.plan.process import Processes
from xenbuild.store.damage import damaged, drop_damaged, drop_damaged_tree
from xenbuild.store.digest import Digest
from xenbuild.store.events import Event
from xenbuild.store.files import host_error
from xenbuild.store.store import Store, absent


class Results(dict[OutputOf, Artifact]):
    """The goals' artifacts. `keys`: label and key of every action of the plan in its order, for plan.history."""

    def __init__(self) -> None:
        super().__init__()
        self.actions: list[tuple[str, Digest]] = []


class _State(Enum):
    WAITING = auto()  # for inputs
    QUEUED = auto()  # to be run
    RUNNING = auto()
    DONE = auto()


@dataclass(slots=True, eq=False)
class _Node:
    action: Action
    order: int  # in the plan; decides between equals
    goal: bool = False
    state: _State = _State.WAITING
    missing: int = 0  # inputs that are waited for
    waiters: list[_Node] = field(default_factory=list)
    key: Digest | None = None
    messages: dict[Digest, bytes] = field(default_factory=dict)
    outputs: dict[str, Artifact] = field(default_factory=dict)
    mended: bool = False  # it failed once already because of damaged inputs
    suspect: bool = False  # its outputs proved to be incomplete: look closely


@dataclass(slots=True)
class _Outcome:
    """How a thread ended: with outputs, with an error, or because inputs were found to be incomplete."""

    node: _Node
    seconds: float
    outputs: dict[str, Artifact] = field(default_factory=dict)
    error: BaseException | None = None
    incomplete: list[str] = field(default_factory=list)


def run(
    goals: Sequence[OutputOf],
    store: Store,
    *,
    jobs: int,
    events: Callable[[Event], None] = lambda event: None,
    provide: Callable[[Digest], None] = lambda digest: None,
    offline: bool = False,
) -> Results:
    """Bring about the goals with at most `jobs` actions at a time; `events` is called in the caller's thread.

    `provide` is called, in an action's thread, for a file from outside that the action needs and the store lacks: it
    returns when the file is there. `offline`: actions that fetch fail instead (Job.offline).

    The first failure stops the run: programs are killed, what else runs is waited for, and the error, which names
    the action, is raised. With jobs=1 the order is always the same.
    """
    return _Run(store, jobs, events, provide, offline).run(goals)


class _Run:
    def __init__(
        self,
        store: Store,
        jobs: int,
        events: Callable[[Event], None],
        provide: Callable[[Digest], None],
        offline: bool,
    ) -> None:
        self.store = store
        self.jobs = max(1, jobs)
        self.events = events
        self.provide = provide
        self.offline = offline
        self.code = Code(store)
        self.processes = Processes()
        self.nodes: dict[Action, _Node] = {}
        self.leaders: dict[Digest, _Node] = {}  # of the actions with the same key, the one that is run
        self.ready: list[_Node] = []  # inputs known, not looked up
        self.queue: list[tuple[int, int, _Node]] = []
        self.running = 0
        self.done = 0
        self.messages: SimpleQueue[_Outcome | Event] = SimpleQueue()
        self.failure: BaseException | None = None

    def run(self, goals: Sequence[OutputOf]) -> Results:
        for goal in goals:
            self._add(goal.action)
            self.nodes[goal.action].goal = True
        try:
            self._loop()
        except BaseException:
            self.processes.end()
            raise
        finally:
            with suppress(HostError):  # it only spares work later, and must not hide why the run failed
                self.code.save()
        if self.failure:
            raise self.failure
        results = Results()
        results.update({goal: self.nodes[goal.action].outputs[goal.name] for goal in goals})
        results.actions = [(node.action.label, node.key) for node in self.nodes.values() if node.key]
        return results

    def _add(self, goal: Action) -> None:
        """Enter an action and all that it needs, inputs first."""
        todo = [(goal, False)]
        while todo:
            action, expanded = todo.pop()
            if action in self.nodes:
                continue
            producers = [i.action for i in action.inputs.values() if isinstance(i, OutputOf)]
            if not expanded:
                todo.append((action, True))
                todo += [(producer, False) for producer in reversed(producers)]
                continue
            node = self.nodes[action] = _Node(action, len(self.nodes))
            self._wait(node, dict.fromkeys(self.nodes[producer] for producer in producers))

    def _wait(self, node: _Node, producers: dict[_Node, None]) -> None:
        """Make a node ready as soon as the producers that are not done are."""
        node.state = _State.WAITING
        waited = [producer for producer in producers if producer.state is not _State.DONE]
        node.missing = len(waited)
        for producer in waited:
            producer.waiters.append(node)
        if not waited:
            self.ready.append(node)

    def _loop(self) -> None:
        while True:
            while self.ready and not self.failure:
                self._look_up(self.ready.pop(0))
            while self.queue and self.running < self.jobs and not self.failure:
                self._start(heapq.heappop(self.queue)[2])
            if not self.running:
                return
            message = self.messages.get()
            if isinstance(message, Event):
                self.events(message)
            else:
                self.running -= 1
                self._finish(message)

    def _look_up(self, node: _Node) -> None:
        """Find out a node's key now that its inputs are known; take its result from the store or queue it."""
        inputs = {name: self._artifact(source) for name, source in node.action.inputs.items()}
        code = self.code.digest(node.action.function)
        node.key, node.messages = encode_action(node.action, inputs, code)
        outputs = self._stored(node, node.key)
        if outputs is not None:
            self._complete(node, outputs, "cached", 0.0)
            return
        leader = self.leaders.setdefault(node.key, node)
        if leader is not node and leader.state is not _State.DONE:
            self._wait(node, {leader: None})
            return
        node.state = _State.QUEUED
        heapq.heappush(self.queue, (-node.action.size_hint, node.order, node))

    def _artifact(self, source: Input) -> Artifact:
        return self.nodes[source.action].outputs[source.name] if isinstance(source, OutputOf) else source

    def _stored(self, node: _Node, key: Digest) -> dict[str, Artifact] | None:
        """The stored result, if its content is there: for goals all of it, else the files and the trees' roots."""
        data = self.store.get_result(key)
        if data is None:
            return None
        try:
            outputs = decode_result(data)
        except FormatError:
            return None
        if outputs.keys() != set(node.action.outputs):
            return None
        deep = node.goal or node.suspect
        for artifact in outputs.values():
            if not (_complete(self.store, artifact) if deep else self.store.has(artifact.digest)):
                return None
        return outputs

    def _start(self, node: _Node) -> None:
        node.state = _State.RUNNING
        self.running += 1
        self.events(Event("start", node.action.label, 0.0, self.done, len(self.nodes)))
        threading.Thread(target=self._work, args=(node,), name=node.action.label, daemon=True).start()

    def _work(self, node: _Node) -> None:
        """In a thread of its own: run one action; whatever happens, say so."""
        began = time.monotonic()
        outcome = _Outcome(node, 0.0)
        has_begun = False
        try:
            inputs = {name: self._artifact(source) for name, source in node.action.inputs.items()}
            for source in node.action.inputs.values():
                if isinstance(source, File) and not self.store.has(source.digest):
                    self.provide(source.digest)
            outcome.incomplete = [name for name in inputs if not _complete(self.store, inputs[name])]
            if not outcome.incomplete:
                has_begun = True
                outcome.outputs = self._execute(node, inputs)
        except BaseException as error:
            outcome.error = error
            if has_begun and not isinstance(error, HostError | OSError):
                outcome.incomplete = self._damaged(node)
        outcome.seconds = time.monotonic() - began
        self.messages.put(outcome)

    def _damaged(self, node: _Node) -> list[str]:
        """The inputs of a step that failed whose content is not what it was; the first time only."""
        if self.failure or node.mended:
            return []
        node.mended = True
        inputs = {name: self._artifact(source) for name, source in node.action.inputs.items()}
        return [name for name, artifact in inputs.items() if _drop_damaged(self.store, artifact)]

    def _execute(self, node: _Node, inputs: dict[str, Artifact]) -> dict[str, Artifact]:
        module, _, name = node.action.function.partition(":")
        function = getattr(importlib.import_module(module), name)

        def progress(done: int, total: int) -> None:
            self.messages.put(Event("progress", node.action.label, 0.0, done, total))

        with self.store.scratch() as folder:
            job = Job(node.action, inputs, self.store, folder, self.processes, progress, self.offline)
            function(job)
            outputs = job.collect()
        for message in node.messages.values():
            self.store.put_bytes(message)
        assert node.key
        self.store.put_result(node.key, encode_result(outputs))
        return outputs

    def _finish(self, outcome: _Outcome) -> None:
        node = outcome.node
        if outcome.incomplete:
            self._repair(node, outcome.incomplete)
        elif outcome.error:
            self._fail(node, outcome.error, outcome.seconds)
        else:
            self._complete(node, outcome.outputs, "done", outcome.seconds)

    def _complete(
        self, node: _Node, outputs: dict[str, Artifact], how: Literal["done", "cached"], seconds: float
    ) -> None:
        node.state = _State.DONE
        node.outputs = outputs
        node.messages = {}
        self.done += 1
        self.events(Event(how, node.action.label, seconds, self.done, len(self.nodes)))
        waiters, node.waiters = node.waiters, []
        for waiter in waiters:
            waiter.missing -= 1
            if not waiter.missing:
                self.ready.append(waiter)

    def _fail(self, node: _Node, error: BaseException, seconds: float) -> None:
        if self.failure:
            return  # what follows from stopping is no news
        if isinstance(error, OSError):
            error = host_error(error, self.store.root)
        if isinstance(error, XenbuildError):
            error.message = f"{node.action.label}: {error.message}"
            error.at = error.at or node.action.at
        else:
            error.add_note(f"in the step: {node.action.label}")
        self.failure = error
        self.events(Event("failed", node.action.label, seconds, self.done, len(self.nodes)))
        self.processes.end()

    def _repair(self, node: _Node, incomplete: list[str]) -> None:
        """Have the inputs made anew whose content is gone or damaged. Sources must be fetched: that is an error."""
        producers: dict[_Node, None] = {}
        for name in incomplete:
            source = node.action.inputs[name]
            if not isinstance(source, OutputOf):
                self._fail(node, damaged(source.digest) if node.mended else absent(source.digest), 0.0)
                return
            producer = self.nodes[source.action]
            producers[producer] = None
            if producer.state is _State.DONE:
                producer.suspect = True
                self.done -= 1
                producer.state = _State.WAITING
                self.ready.append(producer)
        self._wait(node, producers)


def _drop_damaged(store: Store, artifact: Artifact) -> bool:
    if isinstance(artifact, TreeOf):
        return drop_damaged_tree(store, artifact.digest)
    return drop_damaged(store, artifact.digest)


def _complete(store: Store, artifact: Artifact) -> bool:
    """Whether all of an artifact's content is in the store."""
    if isinstance(artifact, TreeOf):
        return store.has_tree(artifact.digest)
    assert isinstance(artifact, File)
    return store.has(artifact.digest)
