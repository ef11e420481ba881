"""What a shell needs of the console that it is typed into: the machine's, or a guest's."""

from __future__ import annotations

import re
from typing import Protocol

from xenbuild.prove.stream import History


class Terminal(Protocol):
    history: History

    def expect(self, pattern: str | re.Pattern[str], deadline: float, what: str = "") -> re.Match[str]:
        """Waits for `pattern` and moves behind it. Raises ProofFailed."""

    def seen(self, pattern: re.Pattern[str], deadline: float, what: str = "") -> re.Match[str] | None:
        """Like `expect`, but silence until the deadline is an answer too."""

    def send(self, data: bytes, deadline: float) -> None:
        """Types `data`. Raises ProofFailed."""

    def last_lines(self, count: int = 20) -> list[str]:
        """The last lines that hold anything."""
