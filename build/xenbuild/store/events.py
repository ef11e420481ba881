"""What is reported while work goes on; whoever shows it (terminal, plain lines, JSON) passes a callback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Event:
    """start, done, cached, failed: of the step `label`, with `done` of `total` steps behind us.
    progress: `done` of `total` units (bytes, mostly) within the step `label`. `seconds`: how long the step took.
    fetch: `total` bytes are about to be fetched, which `label` describes."""

    kind: Literal["start", "done", "cached", "progress", "failed", "fetch"]
    label: str
    seconds: float = 0.0
    done: int = 0
    total: int = 0
