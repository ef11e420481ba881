"""Shows the events of a plan: live on a terminal, few lines elsewhere, one JSON object a line with --json."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

from xenbuild.store.events import Event

WORTH_A_LINE = 1.0  # seconds; shorter steps are noise in a log


class Progress:
    """Context manager, to be called with each event; on leaving, a live display is gone.

    It shows on standard error, except --json: those events go to standard output, where the result follows them.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self._stack = ExitStack()
        self._show: Callable[[Event], None] = json_line if as_json else plain_line
        self._is_live = not as_json and sys.stderr.isatty()

    def __enter__(self) -> Progress:
        if self._is_live:
            self._show = self._stack.enter_context(_live())
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def __call__(self, event: Event) -> None:
        self._show(event)


def json_line(event: Event) -> None:
    print(json.dumps(asdict(event), ensure_ascii=False), flush=True)


def plain_line(event: Event) -> None:
    """A line for what failed or took long."""
    text = line(event)
    if text:
        print(text, file=sys.stderr, flush=True)


def line(event: Event) -> str:
    """What is worth to remain on the screen; empty for the rest."""
    if event.kind == "fetch":
        return f"fetch   {event.label}"
    if event.kind == "failed":
        return f"failed  {event.label} ({event.seconds:.1f} s)"
    if event.kind == "done" and event.seconds >= WORTH_A_LINE:
        return f"done    {event.label} ({event.seconds:.1f} s)"
    return ""


@contextmanager
def _live() -> Iterator[Callable[[Event], None]]:
    """A bar for each running step and one for all, redrawn in place by rich."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        whole = display.add_task("all steps", total=None)
        running: dict[str, TaskID] = {}

        def show(event: Event) -> None:
            if event.kind in ("start", "progress") and event.label not in running:
                running[event.label] = display.add_task(event.label, total=None)
            if event.kind == "progress":
                display.update(running[event.label], completed=event.done, total=event.total or None)
                return
            if event.kind in ("done", "failed", "cached") and event.label in running:
                display.remove_task(running.pop(event.label))
            if event.kind != "fetch":
                display.update(whole, completed=event.done, total=event.total or None)
            text = line(event)
            if text:
                display.console.print(text, markup=False, highlight=False)

        yield show
