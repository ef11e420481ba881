"""Judges one boot: the steps of a test, in order, against what the console says.

A boot counts only if its nonce was on the console: then the output is of this machine, started by us with this
command line, and of no other.
"""

from __future__ import annotations

import re
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.errors import Position, XenbuildError
from xenbuild.prove import steps
from xenbuild.prove.bochs import Bochs, connecting, listen, reason
from xenbuild.prove.boot import Boot
from xenbuild.prove.console import Console, compile_pattern
from xenbuild.prove.machine import NONCE_WORD, Programs, Start, loader_words, qemu_argv
from xenbuild.prove.qmp import Qmp

if TYPE_CHECKING:
    from xenbuild.spec.proof import Test
    from xenbuild.spec.recipe import Board

# After these nothing more can come: there is no need to wait for a deadline.
ALWAYS_FORBIDDEN = (r"Kernel panic - not syncing", r"\(XEN\) Panic on CPU \d+:")
# What dom0's console says instead of "dom0 ready"; a test of just that expects it by these words.
NOT_READY = r"xenbuild: dom0 is not ready, .*(?=[\r\n])"  # once the line is whole
_LINES = 20  # of the console, beside a failure


@dataclass(frozen=True, slots=True)
class Proof:
    """One test of one target, ready to run."""

    target: str
    test: Test
    board: Board
    start: Start
    log: Path
    rerun: str  # the command of ours that boots the same machine
    kvm: bool = False
    numbers: Mapping[str, int] = field(default_factory=dict)  # of the guests that Xen starts
    unikernel: bool = False  # dom0 is one, not a Linux
    bochs: Bochs | None = None  # instead of QEMU


@dataclass(slots=True)
class StepTime:
    label: str
    at: Position | None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class GuestConsole:
    """The end of what a guest said."""

    name: str
    log: Path
    lines: tuple[str, ...]


@dataclass(slots=True)
class Verdict:
    target: str
    name: str
    nonce: str
    accelerator: str
    log: Path
    reproduce: tuple[str, ...]  # commands, ours first, then QEMU's
    seconds: float = 0.0
    steps: list[StepTime] = field(default_factory=list)  # those that were begun
    error: XenbuildError | None = None
    console: tuple[str, ...] = ()  # last lines, of a failure
    guest: GuestConsole | None = None  # the one that the failed step was about
    files: tuple[Path, ...] = ()  # consoles of guests and screenshots

    @property
    def passed(self) -> bool:
        return self.error is None

    def headline(self) -> str:
        """One line: where, which step, what is wrong."""
        assert self.error
        step = f"{self.steps[-1].label}: " if self.steps else ""
        where = f"{self.error.at}: " if self.error.at else ""
        return f"{where}{step}{self.error.message}"

    def details(self) -> list[str]:
        """What a person needs to go on: advice, last console lines, log, commands."""
        assert self.error
        lines = [self.error.advice] if self.error.advice else []
        if self.guest:
            lines += [f"last lines of guest {self.guest.name} ({self.guest.log}):"]
            lines += [f"  | {line}" for line in self.guest.lines]
        if self.console:
            lines += [f"last lines of the console ({self.log}):", *(f"  | {line}" for line in self.console)]
        return [*lines, "to see it yourself:", *(f"  {command}" for command in self.reproduce)]


def prove(proof: Proof, programs: Programs, cancel: threading.Event | None = None) -> Verdict:
    """Boots and judges. A failed proof or a broken QEMU is in the verdict; only an interruption is raised."""
    nonce = secrets.token_hex(8)
    test = with_nonce(proof.test, nonce)
    verdict = Verdict(
        target=proof.target,
        name=test.name,
        nonce=nonce,
        accelerator="bochs" if proof.bochs else "kvm" if proof.kvm else "tcg",
        log=proof.log,
        reproduce=(proof.rerun,),
    )
    began = time.monotonic()
    try:
        proof.log.parent.mkdir(parents=True, exist_ok=True)
        expected = any("dom0 is not ready" in (step.expect or "") for step in test.steps)
        always = ALWAYS_FORBIDDEN if expected else (*ALWAYS_FORBIDDEN, NOT_READY)
        forbid = [compile_pattern(p) for p in (*test.forbid, *always)]
        with ExitStack() as stack:
            qmp = stack.enter_context(closing(Qmp()))
            begin = partial(Console, log=proof.log, forbid=forbid, notice=nonce, cancel=cancel)
            words = loader_words(test.cmdline, nonce)
            if proof.bochs:
                listener = stack.enter_context(listen())
                argv = proof.bochs.argv(connecting(listener), words)
                started = begin(argv, listener=listener, name="Bochs", reason=reason)
            else:
                argv = qemu_argv(proof.board, test.machine, proof.start, programs=programs, words=words, kvm=proof.kvm)
                verdict.reproduce += (shlex.join(argv),)
                started = begin([*argv, *qmp.argv()], fds=(qmp.theirs.fileno(),))
            console = stack.enter_context(started)
            boot = Boot(console, qmp, nonce, proof.log, test.forbid_in, proof.numbers, proof.unikernel)
            try:
                _Judge(boot, verdict, began + test.timeout).steps(test)
            except XenbuildError:
                verdict.console = tuple(console.last_lines(_LINES))
                raise
            finally:
                verdict.files = (*(guest.log for guest in boot.guests.values()), *boot.pictures)
    except XenbuildError as e:
        e.at = e.at or (verdict.steps[-1].at if verdict.steps else None) or test.at("name")
        verdict.error = e
    verdict.seconds = time.monotonic() - began
    return verdict


def with_nonce(test: Test, nonce: str) -> Test:
    """The test with this boot's nonce in the place of `${nonce}`."""

    def put(text: str | None) -> str | None:
        return text.replace("${nonce}", nonce) if text else text

    def put_all(texts: list[str]) -> list[str]:
        return [text.replace("${nonce}", nonce) for text in texts]

    changed = [replace(s, expect=put(s.expect), run=put(s.run), send=put(s.send)) for s in test.steps]
    return replace(
        test,
        steps=changed,
        cmdline=put_all(test.cmdline),
        forbid=put_all(test.forbid),
        forbid_in={name: put_all(patterns) for name, patterns in test.forbid_in.items()},
    )


class _Judge:
    """The steps of one test on one machine."""

    def __init__(self, boot: Boot, verdict: Verdict, deadline: float) -> None:
        self._boot = boot
        self._verdict = verdict
        self._deadline = deadline

    def steps(self, test: Test) -> None:
        for step in test.steps:
            try:
                self._timed(steps.label(step), step.at(), step.within, partial(steps.take, self._boot, step))
            except XenbuildError:
                if step.guest in self._boot.guests:
                    guest = self._boot.guests[step.guest]
                    self._verdict.guest = GuestConsole(guest.name, guest.log, tuple(guest.last_lines(_LINES)))
                raise
        for name in test.forbid_in if self._boot.console.running else ():
            at = test.at(f"forbid_in.{name}")
            self._timed(f"guest {name}: forbidden words", at, None, self._boot.guest(name).catch_up)
        if not self._boot.proved and not self._boot.console.noticed:
            self._timed("nonce of this boot", None, None, self._prove_nonce)

    def _timed(self, name: str, at: Position | None, within: float | None, do: Callable[[float], None]) -> None:
        """Does a step with its deadline, and notes how long it took."""
        begun = StepTime(name, at)
        self._verdict.steps.append(begun)
        start = time.monotonic()
        try:
            do(min(self._deadline, start + within) if within is not None else self._deadline)
        finally:
            begun.seconds = time.monotonic() - start

    def _prove_nonce(self, deadline: float) -> None:
        nonce = re.escape(self._verdict.nonce)
        self._boot.console.expect(nonce, deadline, f"the nonce of this boot ({NONCE_WORD}…)")
