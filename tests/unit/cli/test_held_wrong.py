"""Calls that a user gets wrong, or a shell makes odd: no traceback, and an exit code that says what it was."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from xenbuild.cli import run as run_verb
from xenbuild.cli import test as judge_verb
from xenbuild.errors import HostError, LockError
from xenbuild.sources.lock import load_lock

TOP = Path(__file__).resolve().parents[3]


def test_a_report_without_a_folder_is_refused_before_anything_boots(tmp_path: Path) -> None:
    result = CliRunner().invoke(judge_verb.command, ["--junit", str(tmp_path / "none" / "r.xml")])
    assert isinstance(result.exception, HostError)
    assert result.exception.message == f"there is no folder {tmp_path}/none for the JUnit report"


def test_a_report_that_is_a_folder_is_refused_before_anything_boots(tmp_path: Path) -> None:
    result = CliRunner().invoke(judge_verb.command, ["--junit", str(tmp_path)])
    assert str(result.exception) == f"{tmp_path} is a folder, no file for the JUnit report"


def test_a_folder_in_the_place_of_the_lock(tmp_path: Path) -> None:
    with pytest.raises(LockError, match="cannot be read: Is a directory") as caught:
        load_lock(tmp_path)
    assert caught.value.advice == "let it be a file that you may read"


def shell(command: str, *, cwd: Path = TOP) -> tuple[int, str]:
    """Exit status and standard error of a command in which `xenbuild` is ours."""
    xenbuild = f"{sys.executable} -P -m xenbuild.cli.main"
    environment = {**os.environ, "PYTHONPATH": str(TOP / "build")}
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; xenbuild() {{ {xenbuild} "$@"; }}; {command}'],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


FULL = (
    "error: no space left on device, perhaps where standard output leads\n"
    "  advice: free some space, or set XENBUILD_CACHE to a folder on a larger disk\n"
)


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("xenbuild show >&-", 0, ""),
        ("xenbuild check >/dev/full", 8, FULL),
        ("xenbuild check -f none 2>/dev/full", 3, ""),
        ("xenbuild chekc 2>/dev/full", 2, ""),
    ],
)
def test_where_the_output_goes(command: str, status: int, said: str) -> None:
    assert shell(command) == (status, said)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/d\xff")
    Path(folder).mkdir()
    shutil.copy(TOP / "tests/good/declaration/minimal.yaml", folder)
    reading = "PYTHONIOENCODING=utf-8:strict; export PYTHONIOENCODING; xenbuild show --origin -f $'d\\xff/minimal.yaml'"
    assert shell(f"{reading} | grep -c $'# d\\xff/minimal' >/dev/null", cwd=tmp_path) == (0, "")


def test_a_terminal_without_our_characters() -> None:
    command = "from xenbuild.cli import group; import click, sys; group.Verbs.get_command = lambda *_: click.Command("
    command += "'check', callback=lambda: print('\u2026'))\nsys.exit(group.run(['check']))"
    environment = {**os.environ, "PYTHONPATH": str(TOP / "build"), "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([sys.executable, "-P", "-c", command], env=environment, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"\\u2026\n", b"")


STAMPED = "from xenbuild.cli import fastpath, main; fastpath.try_answer = lambda words: 'x' * 99999; main.main({words})"


@pytest.mark.parametrize("words", [["-m", "xenbuild.cli.main", "schema"], ["-c", STAMPED.format(words=["image"])]])
def test_a_reader_that_has_gone(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-P", *words]
    environment = {**os.environ, "PYTHONPATH": str(TOP / "build")}
    try:
        done = subprocess.run(command, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(("where", "status", "said"), [(">&-", 0, ""), (">/dev/full", 8, FULL)])
def test_an_answer_from_the_stamp_that_nobody_takes_goes_the_long_way(
    where: str, status: int, said: str, tmp_path: Path
) -> None:
    (tmp_path / "fast.py").write_text(STAMPED.format(words=["show", "-f", str(TOP / "xenbuild.yaml")]))
    assert shell(f"{sys.executable} fast.py {where}", cwd=tmp_path) == (status, said)


def test_words_for_qemu_are_no_target(tmp_path: Path) -> None:
    result = CliRunner().invoke(run_verb.command, ["-f", str(tmp_path / "none.yaml"), "--", "-m", "4G"])
    assert str(result.exception) == f"there is no file {tmp_path}/none.yaml"
