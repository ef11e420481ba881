"""What becomes of errors, and that help needs no verb."""

import errno
import json
import signal
import sys
from pathlib import Path

import click
import pytest

from xenbuild.cli import group
from xenbuild.errors import DeclarationError, Errors, LockError, Position


def fails(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    def command(as_json: bool) -> None:
        raise error

    monkeypatch.setattr(group.Verbs, "get_command", lambda self, context, name: command)


def test_message_line_caret_and_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("name: a\nrelaese: b\n")
    fails(monkeypatch, DeclarationError("unknown key", at=Position(file, 2, 1), advice="did you mean 'release'?"))
    assert group.run(["check"]) == 3
    wanted = f"error: {file}:2:1: unknown key\n  2 | relaese: b\n    | ^\n  advice: did you mean 'release'?\n"
    assert capsys.readouterr().err == wanted


def test_several_errors_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fails(monkeypatch, Errors([LockError("old"), DeclarationError("bad")]))
    assert group.run(["check", "--json"]) == 4
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["error"], line["exit_code"]) for line in lines] == [("LockError", 4), ("DeclarationError", 3)]


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 8, "error: /x: no space left on device"),
        (OSError(errno.EFBIG, "File too large", "/x"), 8, "error: /x: file too large\n  advice: raise the limit of"),
        (click.UsageError("no such thing"), 2, "no such thing"),
    ],
)
def test_codes(
    error: BaseException, code: int, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails(monkeypatch, error)
    assert group.run(["check"]) == code
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_an_end_from_outside_is_as_clean_as_ctrl_c(
    number: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cleaned = []

    @click.command()
    def command() -> None:
        try:
            signal.raise_signal(number)
        finally:
            cleaned.append(number)

    monkeypatch.setattr(group.Verbs, "get_command", lambda self, context, name: command)
    before = signal.signal(number, signal.SIG_DFL)
    try:
        assert group.run(["check"]) == code
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert (cleaned, capsys.readouterr().err) == ([number], f"\nended by {number.name}; {group.AGAIN}\n")


def test_nohup_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    command = click.Command("check", callback=lambda: signal.raise_signal(signal.SIGHUP))
    monkeypatch.setattr(group.Verbs, "get_command", lambda self, context, name: command)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert group.run(["check"]) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_bug_leaves_its_traceback_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fails(monkeypatch, ZeroDivisionError("oops"))
    assert group.run(["check"]) == 70
    shown = capsys.readouterr().err
    (file,) = tmp_path.glob("xenbuild-crash-*.txt")
    assert shown == (
        f"error: xenbuild has a bug: ZeroDivisionError: oops\n  advice: please report it with the file {file}\n"
    )
    assert "Traceback" in file.read_text()


def test_help_imports_no_verb(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in group.VERBS:
        monkeypatch.delitem(sys.modules, f"xenbuild.cli.{name}", raising=False)
    assert group.run(["--help"]) == 0
    assert "Examples:" in capsys.readouterr().out
    assert not [name for name in group.VERBS if f"xenbuild.cli.{name}" in sys.modules]


def test_a_misspelt_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert group.run(["imgae"]) == 2
    assert "no such command 'imgae'; did you mean 'image'?" in capsys.readouterr().err
