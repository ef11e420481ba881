"""What a machine's console says, and when."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Timer

from measure import Cost, Unavailable

DEADLINE = 300.0  # seconds


def listen(argv: Sequence[str], folder: Path, is_over: Callable[[str], bool]) -> tuple[Cost, list[str]]:
    """Start QEMU and read lines until one of them ends it; its cost up to then, and the lines.

    Raises Unavailable with the last line if none ever does.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    timer = Timer(DEADLINE, os.kill, (process.pid, signal.SIGKILL))
    timer.start()
    lines: list[str] = []
    over = False
    try:
        assert process.stdout
        for raw in process.stdout:
            lines.append(raw.decode(errors="replace").strip())
            if over := is_over(lines[-1]):
                break
        wall = time.monotonic() - began
    finally:
        timer.cancel()
        os.kill(process.pid, signal.SIGKILL)  # Popen.kill() would take the status that wait4() is asked for
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if not over:
        raise Unavailable(f"the machine came to no end within {DEADLINE:.0f} s; last line: {(lines or ['none'])[-1]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime), lines
