"""Shows how flashing goes: a bar with speed and time left on a terminal, few lines elsewhere, JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from typing import Any

from xenbuild.cli.output import size

PHASES = {"write": "writing", "clear": "clearing", "compare": "comparing"}
EVERY = 5.0  # seconds between two plain lines
EVERY_JSON = 0.5  # and between two objects


class Flashing:
    """Context manager, to be called with (phase, bytes done, bytes in total)."""

    def __init__(self, *, as_json: bool = False) -> None:
        self._stack = ExitStack()
        self._json = as_json
        self._bar: Any = None
        self._task: Any = None
        self._phase = ""
        self._began = self._said = 0.0

    def __enter__(self) -> Flashing:
        if not self._json and sys.stderr.isatty():
            self._bar = self._stack.enter_context(_bar())
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def __call__(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._began, self._said = phase, now, 0.0 if self._json else now
            if self._bar is not None:
                if self._task is not None:
                    self._bar.remove_task(self._task)
                self._task = self._bar.add_task(PHASES[phase], total=total)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)
        elif now - self._said >= (EVERY_JSON if self._json else EVERY) or (self._json and done == total):
            self._said = now
            self._line(phase, done, total, now - self._began)

    def _line(self, phase: str, done: int, total: int, seconds: float) -> None:
        rate = done / seconds if seconds > 0 else 0.0
        left = (total - done) / rate if rate else 0.0
        if self._json:
            fields = {
                "phase": phase,
                "done": done,
                "total": total,
                "seconds": round(seconds, 3),
                "left": round(left, 1),
            }
            print(json.dumps({"progress": fields}), flush=True)
            return
        percent = 100 * done // total if total else 100
        shown = (
            f"{PHASES[phase]}  {percent:3} %  {size(done)} of {size(total)}  {size(int(rate))}/s  {clock(left)} left"
        )
        print(shown, file=sys.stderr, flush=True)


def clock(seconds: float) -> str:
    """ "0:07", "12:30", "1:02:03"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description:>9}"), BarColumn(), DownloadColumn(binary_units=True))
    speed = (TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(*columns, *speed, console=Console(stderr=True), transient=True)
