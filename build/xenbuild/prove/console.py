"""A machine's serial console: what it must say, what it must never say, and what is typed into it.

Everything waits for evidence with a deadline; nothing sleeps. A wait ends early with ProofFailed when a forbidden
pattern shows up before the awaited one, or when the machine ends.
"""

from __future__ import annotations

import os
import re
import selectors
import shlex
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from xenbuild.errors import HostError, ProofFailed
from xenbuild.prove import process
from xenbuild.prove.stream import OVERLAP, History, Plain

_TICK = 0.25  # seconds between looks at the cancel flag
_SAID_KEPT = 8192  # bytes


def last_words(said: str) -> str:
    return " / ".join(said.splitlines()[-2:])


class Console:
    """An emulator with its serial port on our pipe. Use as a context manager: leaving it kills the machine.

    With `listener` the serial port is what connects there; `name` is what messages call the emulator, and `reason`
    finds in what it has said itself why it has ended.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        forbid: Sequence[re.Pattern[str]] = (),
        notice: str = "",
        cancel: threading.Event | None = None,
        fds: Sequence[int] = (),
        listener: socket.socket | None = None,
        name: str = "QEMU",
        reason: Callable[[str], str] = last_words,
    ) -> None:
        self.history = History()
        self._argv = list(argv)
        self._forbid = tuple(forbid)
        self.noticed = False  # whether `notice` was ever said; the history forgets what is long past
        self._notice = notice
        self._judged = 0  # forbidden patterns were sought up to this position
        self._cancel = cancel or threading.Event()
        self._plain = Plain()
        self._said = b""  # by the emulator itself
        self._name = name
        self._reason = reason
        self._listener = listener
        self._line: socket.socket | None = None
        self._ended = False
        self._log: BinaryIO = log.open("wb")
        try:
            self._process = process.start(argv, fds)
        except HostError:
            self._log.close()
            raise
        assert self._process.stdout and self._process.stderr
        self._selector = selectors.DefaultSelector()
        for stream in (self._process.stdout, self._process.stderr):
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ)
        if listener is not None:
            assert self._process.stdin
            self._process.stdin.close()
            self._selector.register(listener, selectors.EVENT_READ)

    def __enter__(self) -> Console:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Number of QEMU's process and of its process group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the machine has not ended, as far as was noticed."""
        return not self._ended

    def close(self) -> None:
        process.end(self._process)
        self._selector.close()
        if self._line:
            self._line.close()
        self._log.close()

    def expect(self, pattern: str | re.Pattern[str], deadline: float, what: str = "") -> re.Match[str]:
        """Waits until the console says `pattern` (from where the last match ended) and moves behind it.

        `deadline` is a time of time.monotonic(); `what` names the awaited thing in messages. Raises ProofFailed.
        """
        compiled = compile_pattern(pattern)
        what = what or repr(compiled.pattern)
        match = self.seen(compiled, deadline, what)
        if not match:
            raise ProofFailed(f"the console did not say {what} in time", advice=self._silence())
        return match

    def seen(self, pattern: re.Pattern[str], deadline: float, what: str = "") -> re.Match[str] | None:
        """Like `expect`, but silence until the deadline is an answer too."""
        searched = self.history.mark
        while True:
            found = self.history.search(pattern, max(self.history.mark, searched - OVERLAP))
            self._judge(found[0] if found else self.history.end)
            if found:
                self.history.mark = found[0]
                return found[1]
            searched = self.history.end
            if self._ended:
                raise self._death(what or repr(pattern.pattern))
            if time.monotonic() >= deadline:
                return None
            self._read(deadline)

    def send(self, data: bytes, deadline: float) -> None:
        """Types `data`. Raises ProofFailed if the machine has ended or takes nothing until the deadline."""
        while data:
            try:
                data = data[os.write(self._input(), data) :]
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise ProofFailed("the machine takes no input on its console") from None
                self._read(deadline)
            except (BrokenPipeError, ConnectionResetError):
                while not self._ended:
                    self._read(deadline)
                raise self._death("anything after what was typed") from None

    def switched_off(self, deadline: float) -> bool:
        """Whether QEMU ends by itself before `deadline`. What the console says until then is judged."""
        while not self._ended and time.monotonic() < deadline:
            self._read(deadline)
            self._judge(self.history.end)
        if self._ended and process.status(self._process):
            raise self._death("that it switches itself off")
        return self._ended

    def last_lines(self, count: int = 20) -> list[str]:
        return self.history.last_lines(count)

    def _input(self) -> int:
        """Where to type. Raises BlockingIOError while the serial port is not connected yet."""
        if self._listener is None:
            assert self._process.stdin
            os.set_blocking(self._process.stdin.fileno(), False)
            return self._process.stdin.fileno()
        if self._line is not None:
            return self._line.fileno()
        raise BrokenPipeError if self._ended else BlockingIOError

    def _read(self, deadline: float) -> None:
        """Takes what the machine has said, or waits a little for more. Notices its end."""
        if self._cancel.is_set():
            raise KeyboardInterrupt
        events = self._selector.select(max(0.0, min(_TICK, deadline - time.monotonic())))
        for key, _ in events:
            if key.fileobj is self._listener:
                self._connect()
                continue
            data = _received(key.fd)
            if not data:
                self._selector.unregister(key.fileobj)
            if key.fileobj is (self._process.stdout if self._listener is None else self._line):
                self._log.write(data)
                self._log.flush()
                self._take(self._plain.feed(data, final=not data))
            else:
                self._said = (self._said + data)[-_SAID_KEPT:]
        left = [key.fileobj for key in self._selector.get_map().values()]
        self._ended = left == [self._listener] if self._listener else not left

    def _connect(self) -> None:
        """The first who comes is the machine's serial port."""
        assert self._listener
        line, _ = self._listener.accept()
        if self._line is not None:
            line.close()
            return
        line.setblocking(False)
        self._line = line
        self._selector.register(line, selectors.EVENT_READ)

    def _take(self, text: str) -> None:
        before = self.history.end
        self.history.add(text)
        if self._notice and not self.noticed:
            self.noticed = self._notice in self.history.slice(before - len(self._notice), self.history.end)

    def _judge(self, end: int) -> None:
        """Seeks forbidden patterns up to position `end`: what comes after a match is judged by the next wait."""
        start = self.history.line_start(max(self._judged - OVERLAP, 0)) if self._judged > OVERLAP else 0
        for forbidden in self._forbid:
            if found := self.history.search(forbidden, start, end):
                at = found[0] - 1
                line = self.history.slice(self.history.line_start(at), found[0]).strip("\n")
                raise ProofFailed(f"the console said {line!r}, which the pattern {forbidden.pattern!r} forbids")
        self._judged = max(self._judged, end)

    def _silence(self) -> str:
        lines = self.history.last_lines(1)
        return f"the last thing it said was: {lines[0]}" if lines else "it said nothing at all"

    def _death(self, what: str) -> ProofFailed | HostError:
        """Why the machine is gone: the emulator could not run it (HostError), or it switched itself off or crashed."""
        status = process.status(self._process)
        reason = self._reason(self._said.decode("utf-8", "replace").strip()) or "it gave no reason"
        if status == 0:
            return ProofFailed(f"the machine switched itself off before the console said {what}")
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        if not self.history.end:
            return HostError(f"{self._name} {how}: {reason}", advice=f"the command was: {shlex.join(self._argv)}")
        return ProofFailed(f"{self._name} {how} before the console said {what}: {reason}")


def _received(fd: int) -> bytes:
    """What there is to read; nothing at the end. A connection may end in a reset."""
    try:
        return os.read(fd, 1 << 16)
    except ConnectionResetError:
        return b""


def compile_pattern(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    """Patterns of tests are Python regular expressions in which ^ and $ mean lines."""
    return re.compile(pattern, re.MULTILINE) if isinstance(pattern, str) else pattern
