"""Calls that a user gets wrong, or a shell makes odd: no traceback, and an exit code that says what it was."""

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from xenbuild.cli import run as run_verb
from xenbuild.cli import test as judge_verb
from xenbuild.errors import HostError

TOP = Path(__file__).resolve().parents[3]


def test_a_report_without_a_folder_is_refused_before_anything_boots(tmp_path: Path) -> None:
    result = CliRunner().invoke(judge_verb.command, ["--junit", str(tmp_path / "none" / "r.xml")])
    assert isinstance(result.exception, HostError)
    assert result.exception.message == f"there is no folder {tmp_path}/none for the JUnit report"


def test_a_closed_standard_output_is_no_bug() -> None:
    command = f"{sys.executable} -m xenbuild.cli.main show -f {TOP}/xenbuild.yaml >&-"
    environment = {**os.environ, "PYTHONPATH": str(TOP / "build")}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_words_for_qemu_are_no_target(tmp_path: Path) -> None:
    result = CliRunner().invoke(run_verb.command, ["-f", str(tmp_path / "none.yaml"), "--", "-m", "4G"])
    assert str(result.exception) == f"there is no file {tmp_path}/none.yaml"
