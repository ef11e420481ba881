"""Commands typed into a POSIX shell on a console: their output and exit status.

The shell prints a marker before and after the command. The typed text holds the marker in two halves
(`xb''-end`), so that its echo cannot be taken for it. The end marker is printed twice, because a
message of the hypervisor may fall into the middle of one.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from xenbuild.errors import ProofFailed
from xenbuild.prove.terminal import Terminal

_CHUNK = 48  # bytes typed at a time; Xen holds 128 for dom0 and drops the rest (xen/drivers/char/console.c)
_UNPACED = 2048  # bytes at a time where others hold what is typed
_ECHO_WAIT = 2.0  # seconds for the echo of a chunk; a console that does not echo costs it once
_ASK_AGAIN = 3.0  # seconds until a shell that said nothing is asked again: a starting getty flushes its input


@dataclass(frozen=True, slots=True)
class Result:
    output: str
    status: int


class Shell:
    """A shell that reads from `console`. `token` makes the markers unique to this boot, `of` to one of its
    shells: guests of Xen speak on the console that dom0 has too.

    Where typing is `paced`, each piece waits for its echo.
    """

    def __init__(self, console: Terminal, token: str, *, paced: bool = True, of: str = "") -> None:
        self._console = console
        self._token = of + token[:8]
        self._count = 0
        self._echoes = paced
        self._heard = False  # an echo, ever
        self._chunk = _CHUNK if paced else _UNPACED
        self._greeted = False
        self._defined: set[str] = set()

    def forget(self) -> None:
        """The next command finds out anew whether a shell answers: the machine was away."""
        self._greeted = False
        self._defined.clear()

    def define(self, function: str, deadline: float, *, quiet: re.Pattern[str]) -> None:
        """Types a shell function, once."""
        begin = self._console.history.mark
        self.greet(deadline)
        if function not in self._defined:
            end = self._console.history.end
            self._type(function + "\n", deadline)
            self._hide(begin, end, quiet)
            self._defined.add(function)
        self._console.history.mark = begin

    def run(self, command: str, deadline: float, *, quiet: re.Pattern[str] | None = None) -> Result:
        """Runs `command` in a subshell, with nothing on its standard input. Raises ProofFailed.

        With `quiet`, the console is left as if nothing had been run; lines that it matches are of others and stay.
        """
        begin = self._console.history.mark
        self.greet(deadline)
        before = self._console.history.end
        self._count += 1
        mark = f"{self._token}.{self._count}"
        self._type(f"(echo xb''-run-{mark}; {command}\n", deadline)
        self._type(f") </dev/null; s=$?; for i in 1 2; do echo xb''-end-{mark}=$s.; done\n", deadline)
        what = f"that the command {command!r} ended"
        self._console.history.mark = begin  # pacing by the echo may have moved behind the answer
        end = re.compile(rf"xb-end-{re.escape(mark)}=(\d+)\.")
        match = self._console.expect(end, deadline, what)
        text = self._console.history.slice(begin, self._console.history.mark)
        text = text[: text.rfind(match.group())]
        output = text.rpartition(f"xb-run-{mark}\n")[2]
        if quiet:
            self._console.seen(end, min(deadline, time.monotonic() + _ECHO_WAIT))  # it is printed twice
            self._hide(begin, before, quiet)
        return Result(output, int(match.group(1)))

    def _hide(self, mark: int, start: int, keep: re.Pattern[str]) -> None:
        self._console.history.blank(start, keep)
        self._console.history.mark = mark

    def greet(self, deadline: float) -> None:
        """Waits until a shell answers; once it has, this is nothing. Raises ProofFailed."""
        if self._greeted:
            return
        answer = re.compile(rf"xb-shell-{re.escape(self._token)}")
        while time.monotonic() < deadline:
            self._console.send(f"\necho xb''-shell-{self._token}\n".encode(), deadline)
            if self._console.seen(answer, min(deadline, time.monotonic() + _ASK_AGAIN)):
                self._greeted = True
                return
        raise ProofFailed(
            "no shell answers on the console",
            advice="`run` needs a POSIX shell there; `expect` the prompt or log in with `send` first",
        )

    def _type(self, text: str, deadline: float) -> None:
        """Types at the pace of the echo, so that no buffer on the way overflows."""
        data = text.encode()
        for i in range(0, len(data), self._chunk):
            chunk = data[i : i + self._chunk]
            self._console.send(chunk, deadline)
            if self._echoes:
                # One echo may be torn apart by what somebody else says; a console that never echoes is not waited for.
                self._heard |= self._echoed(chunk.decode("utf-8", "replace"), deadline)
                self._echoes = self._heard

    def _echoed(self, chunk: str, deadline: float) -> bool:
        """Whether the end of `chunk` came back. A line editor may wrap it, so blanks are not compared."""
        tail = chunk.split()[-1][-8:] if chunk.split() else ""
        pattern = re.compile(r"\s*".join(re.escape(c) for c in tail))
        return self._console.seen(pattern, min(deadline, time.monotonic() + _ECHO_WAIT)) is not None
