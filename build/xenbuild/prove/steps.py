"""What each kind of step does to a running machine."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from xenbuild.errors import ProofFailed
from xenbuild.prove import power, screen
from xenbuild.prove.boot import Boot
from xenbuild.prove.console import compile_pattern
from xenbuild.prove.shell import Result
from xenbuild.prove.terminal import Terminal

if TYPE_CHECKING:
    from xenbuild.spec.proof import Step

_LABEL = 60  # characters of a step's text in messages
_PAUSE = 1.0  # seconds between tries
_NEVER = re.compile(r"(?!)")


def take(boot: Boot, step: Step, deadline: float) -> None:
    """Does one step. Raises ProofFailed."""
    KINDS[kind_of(step)](boot, step, deadline)


def kind_of(step: Step) -> str:
    return next(name for name in KINDS if getattr(step, name) is not None)


def label(step: Step) -> str:
    """A step in a few words."""
    kind = kind_of(step)
    value = getattr(step, kind)
    text = value if kind in ("machine", "screenshot") else repr(value)
    where = f"guest {step.guest}: " if step.guest else ""
    return f"{where}{kind} {text if len(text) <= _LABEL else text[: _LABEL - 1] + '…'}"


def _expect(boot: Boot, step: Step, deadline: float) -> None:
    assert step.expect is not None
    _terminal(boot, step).expect(step.expect, deadline)


def _send(boot: Boot, step: Step, deadline: float) -> None:
    assert step.send is not None
    _terminal(boot, step).send(step.send.encode(), deadline)


def _terminal(boot: Boot, step: Step) -> Terminal:
    return boot.guest(step.guest) if step.guest else boot.console


def _run(boot: Boot, step: Step, deadline: float) -> None:
    assert step.run is not None
    shell = boot.shell_of(step.guest) if step.guest else boot.shell
    shell.greet(deadline)
    if not step.guest:
        _ask_nonce(boot, deadline)
    tries = 0
    while True:
        result = shell.run(step.run, deadline)
        tries += 1
        wrong = _judged(step, result)
        if not wrong:
            return
        if not step.retry or time.monotonic() + _PAUSE >= deadline:
            if step.retry:
                wrong.message += f", in {tries} tries"
            raise wrong
        boot.console.seen(_NEVER, time.monotonic() + _PAUSE)


def _judged(step: Step, result: Result) -> ProofFailed | None:
    if result.status != step.status:
        message = f"the command ended with status {result.status} instead of {step.status}"
        return ProofFailed(message, at=step.at("status"), advice=said(result.output))
    if step.expect is not None and not compile_pattern(step.expect).search(result.output):
        message = f"the command's output does not match {step.expect!r}"
        return ProofFailed(message, at=step.at("expect"), advice=said(result.output))
    return None


def _ask_nonce(boot: Boot, deadline: float) -> None:
    """A quiet boot does not print its command line: dom0 is asked for it, and for Xen's.

    On Arm the options of a UEFI application are Xen's alone.
    """
    if not boot.proved and not boot.console.noticed:
        result = boot.shell.run("cat /proc/cmdline; xl info xen_commandline", deadline)
        if boot.nonce not in result.output:
            raise ProofFailed(
                "dom0's command line does not hold the nonce of this boot",
                advice=f"words after `--` on the boot loader's command line must reach dom0; {said(result.output)}",
            )
    boot.proved = True


def said(output: str) -> str:
    lines = [line for line in output.strip().splitlines() if line.strip()]
    return "it printed: " + " / ".join(lines[-5:]) if lines else "it printed nothing"


# A step with `run` has perhaps `expect` as well: the order matters.
KINDS: dict[str, Callable[[Boot, Step, float], None]] = {
    "run": _run,
    "send": _send,
    "expect": _expect,
    "screenshot": screen.take,
    "machine": power.take,
}
