"""Functions that the tests' actions run."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from xenbuild.errors import FormatError
from xenbuild.plan.job import Job


def join(job: Job) -> None:
    """All inputs after one another, after the parameter "say"."""
    _count(job)
    parts = [job.path(name) for name in sorted(job.inputs)]
    content = b"".join((part / "greeting" if part.is_dir() else part).read_bytes() for part in parts)
    job.out().write_bytes(job.params["say"].encode() + content)


def folder(job: Job) -> None:
    _count(job)
    out = job.out()
    (out / "bin").mkdir(parents=True)
    (out / "greeting").write_text(job.params["say"])
    (out / "bin/run").write_text("#!/bin/sh\necho ran\n")
    (out / "bin/run").chmod(0o755)
    (out / "link").symlink_to("bin/run")
    (out / "empty").mkdir()


def damaged(job: Job) -> None:
    job.out().write_bytes(b"partial")
    raise FormatError("it is damaged")


def nothing(job: Job) -> None:
    pass


def full_disk(job: Job) -> None:
    raise OSError(28, "No space left on device", str(job.out()))


def shell(job: Job) -> None:
    job.out().write_text(job.run(["/bin/sh", "-c", job.params["script"]], env=job.params.get("env", {})))


def suicide_once(job: Job) -> None:
    """Kill the whole build, unless the marker says that this was done."""
    marker = Path(job.params["marker"])
    job.out().write_bytes(b"half")
    if not marker.exists():
        marker.write_text("killed")
        os.kill(os.getpid(), signal.SIGKILL)
    job.out().write_bytes(b"whole")


def meet(job: Job) -> None:
    """Wait for the other action of the pair: fails unless both run at the same time."""
    mine, other = Path(job.params["mine"]), Path(job.params["other"])
    mine.write_text("here")
    deadline = time.monotonic() + 20
    while not other.exists():
        if time.monotonic() > deadline:
            raise FormatError("the other action does not run at the same time")
        time.sleep(0.005)
    job.out().write_bytes(b"met")


def _count(job: Job) -> None:
    """Leave a trace outside the store, by which a test sees how often an action was run."""
    if log := job.params.get("log"):
        with Path(log).open("a") as file:
            file.write(job.action.label + "\n")


def exact(job: Job) -> None:
    """The input, which must be "sound": a step that notices damage."""
    _count(job)
    data = job.path("x").read_bytes()
    if not data.endswith(b"sound"):
        raise FormatError("it is damaged")
    job.out().write_bytes(data)
