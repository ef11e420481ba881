from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from xenbuild.errors import Position
from xenbuild.prove.machine import Start
from xenbuild.prove.verdict import Proof, Verdict, prove
from xenbuild.spec.block import Duration, Size
from xenbuild.spec.proof import Machine, Step, Test
from xenbuild.spec.recipe import Board

FAKE = Path(__file__).with_name("fake_qemu.py")
WHERE = Position(Path("xenbuild.yaml"), 42, 7)

LIMIT = 90  # seconds that a test may take; the longest deadline in one is 60

Judge = Callable[..., Verdict]


@pytest.fixture(autouse=True)
def limit() -> Iterator[None]:
    """A test of what waits for evidence fails, rather than waiting for ever, when the waiting is broken."""

    def end(number: int, frame: object) -> None:
        pytest.fail(f"longer than {LIMIT} seconds")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def programs(name: str) -> list[str]:
    return [sys.executable, str(FAKE)]


def board(behaviour: str) -> Board:
    return Board(
        name="fake",
        file=Path("fake.yaml"),
        arch="x86_64",
        qemu="qemu-system-fake",
        machine="none",
        cpu="none",
        memory=Size(1 << 30),
        arguments=["-behave", behaviour],
    )


def step(**fields: object) -> Step:
    return Step(**fields, origins={"": WHERE})  # type: ignore[arg-type]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Runs a test on a fake machine that behaves as named."""

    def run(
        behaviour: str, steps: list[Step], *, timeout: float = 10, forbid: tuple[str, ...] = (), **about: Any
    ) -> Verdict:
        test = Test(name="boot", timeout=Duration(timeout), machine=Machine(), steps=steps, forbid=list(forbid))
        log = tmp_path / "out" / "boot.log"
        start = Start(Path("b.elf"))
        return prove(Proof("x86_64/xen", test, board(behaviour), start, log, "xenbuild run", **about), programs)

    return run
