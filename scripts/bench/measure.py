"""Measuring commands: seconds, processor time and memory; alternating rounds; rows of the table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

CHILD = Path(__file__).with_name("child.py")
SAMPLE = 0.02  # seconds between two looks at the memory of a group of processes


class Unavailable(Exception):
    """Why something cannot be measured here."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one command with all its children."""

    wall: float  # seconds
    cpu: float  # seconds of user and system time
    peak: float = 0.0  # MiB resident in the largest process


@dataclass(frozen=True, slots=True)
class Row:
    """What is judged (`value` against `goal`, both in `unit`) and the text that says against what."""

    name: str
    value: float
    unit: str
    goal: float | None
    detail: str

    @property
    def missed(self) -> bool:
        return self.goal is not None and self.value > self.goal

    def __str__(self) -> str:
        goal = "" if self.goal is None else f"<= {number(self.goal, self.unit)}"
        verdict = "" if self.goal is None else "MISSED" if self.missed else "ok"
        return f"{self.name:<20}{number(self.value, self.unit):>10}  {goal:<12}{verdict:<8}{self.detail}"


def number(value: float, unit: str) -> str:
    """A value with as many digits as make sense: 1.23x, 0.45 s, 130 ms, 200 MiB."""
    if unit == "s" and value < 0.2:
        return f"{value * 1000:.0f} ms"
    if unit == "s" and value >= 10:
        return f"{value:.1f} s"
    return {"x": f"{value:.2f}x", "s": f"{value:.2f} s"}.get(unit, f"{value:.0f} {unit}")


def spend(
    argv: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    watch: Callable[[int], None] | None = None,
) -> Cost:
    """Run a command to its end; `watch` gets its process number (it leads a session). Unavailable if it fails."""
    read, write = os.pipe()
    with tempfile.TemporaryFile() as said, os.fdopen(read) as report:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(CHILD), str(write), *argv],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            pass_fds=[write],
        )
        os.close(write)
        if (leader := report.readline()) and watch:
            threading.Thread(target=watch, args=(int(leader),), daemon=True).start()
        cost = json.loads(report.readline() or "[127, 0, 0, 0]")  # nothing: there was nothing to start
        process.wait()
        status, wall, cpu, peak = cost
        if status:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines()[-3:]
            raise Unavailable(f"{Path(argv[0]).name} ended with {status}: {' / '.join(lines)}")
    return Cost(wall, cpu, peak / 1024)


def alternate(rounds: int, *ways: Callable[[], Cost]) -> list[list[Cost]]:
    """Do all `ways` in turn, `rounds` times: what else the machine does meets all of them."""
    costs: list[list[Cost]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, found in zip(ways, costs, strict=True):
            found.append(way())
    return costs


@dataclass(frozen=True, slots=True)
class Terms:
    """How often to measure and what to judge: seconds, or processor time, which a busy machine disturbs less."""

    rounds: int
    by_cpu: bool = False

    def judged(self, costs: Sequence[Cost]) -> float:
        """The median that is judged."""
        return (cpu if self.by_cpu else wall)(costs)

    def other(self, costs: Sequence[Cost]) -> float:
        """The median that is told beside it."""
        return (wall if self.by_cpu else cpu)(costs)

    @property
    def names(self) -> tuple[str, str]:
        """What the judged and the other median are medians of."""
        names = ("seconds", "processor time")
        return (names[1], names[0]) if self.by_cpu else names

    def ratio(self, name: str, ours: Sequence[Cost], floor: Sequence[Cost], goal: float | None, baseline: str) -> Row:
        """The row that compares medians."""
        value = self.judged(ours) / self.judged(floor)
        detail = (
            f"{number(self.judged(ours), 's')} against {number(self.judged(floor), 's')} of {baseline};"
            f" {self.names[1]} {self.other(ours) / self.other(floor):.2f}x; n={len(ours)}"
        )
        return Row(name, value, "x", goal, detail)


def wall(costs: Sequence[Cost]) -> float:
    """Median seconds."""
    return median(cost.wall for cost in costs)


def cpu(costs: Sequence[Cost]) -> float:
    """Median seconds of processor time."""
    return median(cost.cpu for cost in costs)


class MemorySum:
    """The highest sum of the resident memory of a session's processes; shared pages count once (PSS of proc(5))."""

    def __init__(self) -> None:
        self.peak = 0.0  # MiB

    def watch(self, session: int) -> None:
        """Look until the session is over."""
        while found := [process for process in Path("/proc").glob("[0-9]*") if _session(process) == session]:
            self.peak = max(self.peak, sum(map(_pss, found)) / 1024)
            time.sleep(SAMPLE)


def _session(process: Path) -> int:
    try:
        stat = (process / "stat").read_text()
    except OSError:
        return -1  # gone in the meantime
    return int(stat.rpartition(")")[2].split()[3])


def _pss(process: Path) -> int:
    """KiB; nothing for a process that is gone or another user's."""
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
