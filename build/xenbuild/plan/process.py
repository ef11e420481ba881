"""Programs run by actions: an environment that is the same everywhere, output to a file, and an end on demand."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from xenbuild.errors import ActionError, HostError

if TYPE_CHECKING:
    import subprocess  # at run time only when a program is run: it takes milliseconds to import

LAST_LINES = 20  # of a failed program's output that an error shows
TAIL = 16384  # bytes in which those lines are looked for


class Processes:
    """The programs that run at the moment, so that all of them can be ended at once."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False
        self._guard = threading.Lock()

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        home: Path,
        cwd: Path,
        env: Mapping[str, str],
        stdin: Path | None,
        stdout: Path | None,
    ) -> str:
        """Run a program to its end and return what it printed (without stdout if that goes to a file).

        `home` is a scratch folder for the program's temporary files. Raises ActionError with the last lines.
        """
        log = home / "log"
        with log.open("w+b") as printed:
            reader = stdin.open("rb") if stdin else None
            writer = stdout.open("wb") if stdout else None
            try:
                process = self._start(argv, environment(home, env), cwd, reader, writer or printed, printed)
                status = process.wait()
            finally:
                for file in (reader, writer):
                    if file:
                        file.close()
            with self._guard:
                self._running.discard(process)
            if status:
                raise ActionError(f"{Path(argv[0]).name} {_ending(status)}{_tail(log)}")
            printed.seek(0)
            return printed.read().decode(errors="replace")

    def end(self) -> None:
        """Kill all programs and their children, and let no more start."""
        import signal

        with self._guard:
            self._ended = True
            for process in self._running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def _start(
        self,
        argv: Sequence[str | Path],
        env: dict[str, str],
        cwd: Path,
        stdin: IO[bytes] | None,
        stdout: IO[bytes],
        stderr: IO[bytes],
    ) -> subprocess.Popen[bytes]:
        import subprocess

        with self._guard:
            if self._ended:
                raise ActionError(f"{Path(argv[0]).name} was not started: the build has been stopped")
            try:
                process = subprocess.Popen(
                    [str(word) for word in argv],
                    stdin=stdin or subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    env=env,
                    cwd=cwd,
                    process_group=0,
                )
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else str(error)
                raise HostError(f"cannot start {argv[0]}: {reason}") from error
            self._running.add(process)
            return process


def environment(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a program: nothing of the user's, and no PATH (programs are inputs, by their paths)."""
    fixed = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PATH": "/nonexistent", "SOURCE_DATE_EPOCH": "1"}
    return {**fixed, "HOME": str(home), "TMPDIR": str(home), **more}


def _ending(status: int) -> str:
    if status > 0:
        return f"failed with exit status {status}"
    import signal

    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        lines = file.read().decode(errors="replace").rstrip().splitlines()[-LAST_LINES:]
    return "".join(f"\n  {line}" for line in [":", *lines]).replace("\n  :", ":", 1) if lines else ""
