"""What is shown of a plan's events."""

import json
import sys

import pytest

from xenbuild.cli.progress import Progress
from xenbuild.store.events import Event

EVENTS = (
    Event("fetch", "23 packages, 128.8 MiB", total=135000000),
    Event("start", "unpack libc6", 0.0, 0, 3),
    Event("done", "unpack libc6", 0.4, 1, 3),
    Event("progress", "fetch linux [x86]", 0.0, 10, 70),
    Event("done", "fetch linux [x86]", 2.04, 2, 3),
    Event("failed", "compile stub", 0.1, 2, 3),
)


def test_few_lines_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        for event in EVENTS:
            progress(event)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert (
        shown.err == "fetch   23 packages, 128.8 MiB\ndone    fetch linux [x86] (2.0 s)\nfailed  compile stub (0.1 s)\n"
    )


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(as_json=True) as progress:
        for event in EVENTS:
            progress(event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["kind"] for line in lines] == [event.kind for event in EVENTS]
    assert lines[1] == {"kind": "start", "label": "unpack libc6", "seconds": 0.0, "done": 0, "total": 3}


def test_live_display_keeps_long_steps(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress() as progress:
        for event in EVENTS:
            progress(event)
    shown = capsys.readouterr().err
    assert "done    fetch linux [x86] (2.0 s)" in shown
    assert "failed  compile stub (0.1 s)" in shown
