"""A child process that cannot outlive us: its own process group, killed whole, and by the kernel if we die."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Sequence

from xenbuild.errors import HostError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LAST_BREATH = 5.0  # seconds from closed pipes to the end
_prctl = ctypes.CDLL(None).prctl  # looked up before any fork: the child may not import or allocate much


def die_with_parent() -> None:
    """For a new child: the kernel kills it if we die."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(argv: Sequence[str], fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    """Starts `argv` with pipes on its standard streams and the descriptors `fds`.

    Call `end` in the same thread. Raises HostError.
    """
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=fds,
            preexec_fn=die_with_parent,
        )
    except OSError as e:
        raise HostError(
            f"cannot start {argv[0]}: {e.strerror}",
            advice="QEMU comes with xenbuild's tools: `xenbuild image` fetches them",
        ) from e


def status(process: subprocess.Popen[bytes]) -> int:
    """Exit status of a process that has closed its pipes: it is gone, or about to go."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(_LAST_BREATH)
    end(process)
    return process.wait()


def end(process: subprocess.Popen[bytes]) -> None:
    """Kills the process with all its children, reaps it, and closes the pipes. May be called twice."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with contextlib.suppress(OSError):
                stream.close()
