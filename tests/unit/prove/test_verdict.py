"""Every way in which a boot can go wrong, with the exact message, on a fake QEMU."""

from __future__ import annotations

import os
import re
import shlex
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import FAKE, WHERE, Judge, board, programs, step

from xenbuild.errors import HostError, ProofFailed
from xenbuild.prove import shell
from xenbuild.prove.console import Console
from xenbuild.prove.machine import Start
from xenbuild.prove.together import prove_all
from xenbuild.prove.verdict import Proof
from xenbuild.spec.block import Duration
from xenbuild.spec.proof import Test

READY = {"expect": "dom0 ready"}


def test_a_good_boot_passes(judge: Judge) -> None:
    verdict = judge(
        "good", [step(**READY), step(run="echo one; echo two >&2", expect="^two$"), step(run="exit 3", status=3)]
    )
    assert verdict.error is None
    assert [s.label for s in verdict.steps] == [
        "expect 'dom0 ready'",
        "run 'echo one; echo two >&2'",
        "run 'exit 3'",
    ]
    assert b"dom0 ready" in verdict.log.read_bytes()


@pytest.mark.parametrize("behaviour", ["silent-shell", "getty", "flood", "binary", "child"])
def test_a_rough_console_passes(judge: Judge, behaviour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_ASK_AGAIN", 0.5)
    monkeypatch.setattr(shell, "_ECHO_WAIT", 0.5)
    long = "x" * 300
    verdict = judge(
        behaviour, [step(**READY), step(run=f"echo {long}; echo '# ) done'", expect=f"^{long}\n# \\) done$")]
    )
    assert verdict.error is None, verdict.headline()


def test_control_characters_do_not_hide_words(judge: Judge) -> None:
    assert judge("binary", [step(expect=r"dom0 \ufffd\ufffdis up$")]).error is None


def test_the_echo_of_a_command_is_no_evidence(judge: Judge) -> None:
    verdict = judge("good", [step(**READY), step(run="true # unicorn", expect="unicorn")])
    assert verdict.headline() == (
        "xenbuild.yaml:42:7: run 'true # unicorn': the command's output does not match 'unicorn'"
    )
    assert verdict.error and verdict.error.advice == "it printed nothing"


def test_the_nonce_is_put_into_steps(judge: Judge) -> None:
    assert judge("good", [step(expect=r"xenbuild\.nonce=${nonce}$")]).error is None


FAILURES = [
    ("hang", {"expect": "login:"}, "expect 'login:': the console did not say 'login:' in time"),
    ("mute", {"expect": "login:"}, "expect 'login:': the console did not say 'login:' in time"),
    ("off", {"expect": "login:"}, "expect 'login:': the machine switched itself off before the console said 'login:'"),
    (
        "crash",
        {"expect": "login:"},
        "expect 'login:': QEMU was killed by SIGABRT before the console said 'login:': qemu: assertion failed",
    ),
    (
        "error-exit",
        {"expect": "login:"},
        "expect 'login:': QEMU ended with status 1 before the console said 'login:': qemu: cannot go on",
    ),
    (
        "panic",
        {"expect": "login:"},
        "expect 'login:': the console said '[    1.0] Kernel panic - not syncing', "
        "which the pattern 'Kernel panic - not syncing' forbids",
    ),
    (
        "not-ready",
        {"expect": "login:"},
        "expect 'login:': the console said 'xenbuild: dom0 is not ready, it failed to start xenstored', "
        r"which the pattern 'xenbuild: dom0 is not ready, .*(?=[\\r\\n])' forbids",
    ),
    ("hang", {"run": "true"}, "run 'true': no shell answers on the console"),
    ("good", {"run": "false"}, "run 'false': the command ended with status 1 instead of 0"),
    (
        "good",
        {"run": "sleep 60"},
        "run 'sleep 60': the console did not say that the command 'sleep 60' ended in time",
    ),
    (
        "good",
        {"run": "switch-off"},
        "run 'switch-off': the machine switched itself off before the console said that the command 'switch-off' ended",
    ),
    (
        "other-boot",
        {"expect": "dom0 ready"},
        "nonce of this boot: the console did not say the nonce of this boot (xenbuild.nonce=…) in time",
    ),
]


@pytest.mark.parametrize(("behaviour", "fields", "message"), FAILURES)
def test_failure(judge: Judge, behaviour: str, fields: dict[str, str], message: str) -> None:
    timeout = 30.0  # most end by evidence, not by the deadline
    if behaviour in ("hang", "mute"):
        timeout = 0.5  # whatever such a machine says until then
    elif behaviour == "other-boot" or fields.get("run") == "sleep 60":
        timeout = 3
    verdict = judge(behaviour, [step(**fields)], timeout=timeout)
    assert isinstance(verdict.error, ProofFailed)
    where = "" if message.startswith("nonce") else f"{WHERE}: "
    assert verdict.headline() == where + message


def test_a_failure_comes_with_evidence_and_commands(judge: Judge) -> None:
    verdict = judge("hang", [step(expect="login:")], timeout=2)
    raw = shlex.join([sys.executable, str(FAKE), "-accel", "tcg"])
    assert verdict.details()[:4] == [
        "the last thing it said was: dom0 ready",
        f"last lines of the console ({verdict.log}):",
        f"  | [    0.0] Command line: console=hvc0 xenbuild.nonce={verdict.nonce}",
        "  | dom0 ready",
    ]
    assert verdict.details()[4:6] == ["to see it yourself:", "  xenbuild run"]
    assert verdict.details()[6].startswith(f"  {raw}")
    assert f"-append '-- xenbuild.nonce={verdict.nonce}'" in verdict.details()[6]


def test_a_test_may_expect_that_dom0_is_not_ready(judge: Judge) -> None:
    verdict = judge("not-ready", [step(expect="dom0 is not ready, it failed to (.*)")], timeout=5)
    assert not verdict.error or "nonce" in verdict.error.message


def test_forbidden_words_fail_before_the_deadline(judge: Judge) -> None:
    began = time.monotonic()
    verdict = judge("good", [step(expect="never")], timeout=60, forbid=("re[a]dy",))
    assert verdict.headline().endswith("the console said 'dom0 ready', which the pattern 're[a]dy' forbids")
    assert time.monotonic() - began < 30


def test_what_comes_after_the_evidence_is_not_awaited(judge: Judge) -> None:
    assert judge("panic", [step(expect="Command line: .*${nonce}")]).error is None


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("no-reason", "QEMU ended with status 1: it gave no reason"),
        ("bad-argument", "QEMU ended with status 1: qemu: -machine nonsense: unsupported machine type"),
    ],
)
def test_a_qemu_that_does_not_start_is_the_hosts_fault(judge: Judge, behaviour: str, message: str) -> None:
    verdict = judge(behaviour, [step(**READY)])
    assert isinstance(verdict.error, HostError)
    assert verdict.error.message == message
    assert verdict.error.advice.startswith(f"the command was: {sys.executable} ")


def test_an_absent_qemu_is_the_hosts_fault(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        Console(["/nonexistent/qemu"], log=tmp_path / "log")
    assert caught.value.message == "cannot start /nonexistent/qemu: No such file or directory"


def test_no_process_is_left(tmp_path: Path) -> None:
    with Console([*programs(""), "-behave", "child"], log=tmp_path / "log") as console:
        console.expect("dom0 ready", time.monotonic() + 10)
        group = console.pid
    with pytest.raises(ProcessLookupError):
        _wait_for_the_end_of(group)


def _wait_for_the_end_of(group: int) -> None:
    """Raises ProcessLookupError as soon as no process of the group is left (init reaps orphans)."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        os.killpg(group, 0)
        states = [re.sub(r".*\) ", "", p.read_text()).split() for p in Path("/proc").glob("[0-9]*/stat")]
        if all(s[0] == "Z" for s in states if int(s[2]) == group):
            raise ProcessLookupError


def test_an_interruption_ends_all_machines(tmp_path: Path) -> None:
    tests = [Test(name=f"t{i}", timeout=Duration(60), steps=[step(expect="never")]) for i in range(3)]
    proofs = [(Proof("a/b", t, board("hang"), Start(Path("b")), tmp_path / t.name, "x"), programs) for t in tests]
    quick = Test(name="quick", timeout=Duration(60), steps=[step(**READY)])
    proofs.append((Proof("a/b", quick, board("good"), Start(Path("b")), tmp_path / "quick", "x"), programs))

    def interrupt(verdict: object) -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        prove_all(proofs, 4, interrupt)
    assert time.monotonic() - began < 30
    assert threading.active_count() == 1
