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
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.errors import Position, ProofFailed, XenbuildError
from xenbuild.prove.console import Console, compile_pattern
from xenbuild.prove.machine import NONCE_WORD, Programs, loader_words, qemu_argv
from xenbuild.prove.shell import Shell

if TYPE_CHECKING:
    from xenbuild.spec.proof import Step, Test
    from xenbuild.spec.recipe import Board

# After these nothing more can come: there is no need to wait for a deadline.
ALWAYS_FORBIDDEN = (r"Kernel panic - not syncing", r"\(XEN\) Panic on CPU \d+:")
_LABEL = 60  # characters of a step's text in messages
_LINES = 20  # of the console, beside a failure


@dataclass(frozen=True, slots=True)
class Proof:
    """One test of one target, ready to run."""

    target: str
    test: Test
    board: Board
    image: Path
    log: Path
    rerun: str  # the command of ours that boots the same machine
    kvm: bool = False


@dataclass(slots=True)
class StepTime:
    label: str
    at: Position | None
    seconds: float = 0.0


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
        if self.console:
            lines += [f"last lines of the console ({self.log}):", *(f"  | {line}" for line in self.console)]
        return [*lines, "to see it yourself:", *(f"  {command}" for command in self.reproduce)]


def prove(proof: Proof, programs: Programs, cancel: threading.Event | None = None) -> Verdict:
    """Boots and judges. A failed proof or a broken QEMU is in the verdict; only an interruption is raised."""
    nonce = secrets.token_hex(8)
    test = with_nonce(proof.test, nonce)
    words = loader_words(test.cmdline, nonce)
    argv = qemu_argv(proof.board, test.machine, proof.image, programs=programs, words=words, kvm=proof.kvm)
    verdict = Verdict(
        target=proof.target,
        name=test.name,
        nonce=nonce,
        accelerator="kvm" if proof.kvm else "tcg",
        log=proof.log,
        reproduce=(proof.rerun, shlex.join(argv)),
    )
    began = time.monotonic()
    try:
        proof.log.parent.mkdir(parents=True, exist_ok=True)
        forbid = [compile_pattern(p) for p in (*test.forbid, *ALWAYS_FORBIDDEN)]
        with Console(argv, log=proof.log, forbid=forbid, notice=nonce, cancel=cancel) as console:
            try:
                _Judge(console, verdict, began + test.timeout).steps(test)
            except XenbuildError:
                verdict.console = tuple(console.last_lines(_LINES))
                raise
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

    steps = [replace(s, expect=put(s.expect), run=put(s.run), send=put(s.send)) for s in test.steps]
    return replace(test, steps=steps, cmdline=put_all(test.cmdline), forbid=put_all(test.forbid))


class _Judge:
    """The steps of one test on one console."""

    def __init__(self, console: Console, verdict: Verdict, deadline: float) -> None:
        self._console = console
        self._verdict = verdict
        self._deadline = deadline
        self._shell = Shell(console, verdict.nonce)
        self._proved = False

    def steps(self, test: Test) -> None:
        for step in test.steps:
            self._timed(label(step), step.at(), step.within, partial(self._step, step))
        if not self._proved and not self._console.noticed:
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

    def _step(self, step: Step, deadline: float) -> None:
        if step.run is not None:
            self._run(step, step.run, deadline)
            return
        if step.send is not None:
            self._console.send(step.send.encode(), deadline)
        if step.expect is not None:
            self._console.expect(step.expect, deadline)

    def _run(self, step: Step, command: str, deadline: float) -> None:
        self._shell.greet(deadline)
        if not self._proved and not self._console.noticed:
            self._ask_nonce(deadline)
        self._proved = True
        result = self._shell.run(command, deadline)
        if result.status != step.status:
            raise ProofFailed(
                f"the command ended with status {result.status} instead of {step.status}",
                at=step.at("status"),
                advice=_said(result.output),
            )
        if step.expect is not None and not compile_pattern(step.expect).search(result.output):
            raise ProofFailed(
                f"the command's output does not match {step.expect!r}",
                at=step.at("expect"),
                advice=_said(result.output),
            )

    def _prove_nonce(self, deadline: float) -> None:
        nonce = re.escape(self._verdict.nonce)
        self._console.expect(nonce, deadline, f"the nonce of this boot ({NONCE_WORD}…)")

    def _ask_nonce(self, deadline: float) -> None:
        """A quiet boot does not print its command line: dom0 is asked for it."""
        result = self._shell.run("cat /proc/cmdline", deadline)
        if self._verdict.nonce not in result.output:
            raise ProofFailed(
                "dom0's command line does not hold the nonce of this boot",
                advice=f"words after `--` on the boot loader's command line must reach dom0; {_said(result.output)}",
            )


def label(step: Step) -> str:
    """A step in a few words."""
    name = next(n for n in ("run", "send", "expect") if getattr(step, n) is not None)
    text = repr(getattr(step, name))
    return f"{name} {text if len(text) <= _LABEL else text[: _LABEL - 1] + '…'}"


def _said(output: str) -> str:
    lines = [line for line in output.strip().splitlines() if line.strip()]
    return "it printed: " + " / ".join(lines[-5:]) if lines else "it printed nothing"
