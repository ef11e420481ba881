"""Steps that turn the machine's power and sleep."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from xenbuild.errors import ProofFailed
from xenbuild.prove.boot import Boot

if TYPE_CHECKING:
    from xenbuild.spec.proof import Step

_LOOK = 0.25  # seconds between looks at QEMU while the console is read
_AWAKE = re.compile(r"xb-awake=(\d+)\.")


def take(boot: Boot, step: Step, deadline: float) -> None:
    assert step.machine
    ACTIONS[step.machine](boot, deadline)


def _press(boot: Boot, deadline: float) -> None:
    boot.qmp.command("system_powerdown")


def _suspend(boot: Boot, deadline: float) -> None:
    """ACPI S3 by dom0's own choice. Its shell answers again when the machine was woken."""
    boot.qmp.begin()
    boot.shell.greet(deadline)
    boot.console.send(b"echo mem >/sys/power/state; echo xb''-awake=$?.\n", deadline)
    boot.shell.forget()
    while time.monotonic() < deadline:
        if boot.qmp.event("SUSPEND", time.monotonic()):
            return
        if refused := boot.console.seen(_AWAKE, time.monotonic() + _LOOK):
            raise ProofFailed(
                f"dom0 did not suspend the machine: writing to /sys/power/state ended with status {refused[1]}",
                advice="ACPI S3 is of x86; an IOMMU or a driver may refuse it: see dom0's dmesg",
            )
    raise ProofFailed("the machine did not suspend in time")


def _wake(boot: Boot, deadline: float) -> None:
    boot.qmp.command("system_wakeup")
    if not boot.qmp.event("WAKEUP", deadline):
        raise ProofFailed("the machine does not wake", advice="`machine: suspend` goes before `machine: wake`")
    boot.shell.forget()
    boot.shell.greet(deadline)


def _reset(boot: Boot, deadline: float) -> None:
    """Like the button. QEMU was told to take a reset for the end of a test, which this one is not."""
    boot.qmp.command("set-action", reboot="reset")
    boot.qmp.command("system_reset")
    boot.begin_again()


def _reboot(boot: Boot, deadline: float) -> None:
    """By dom0's own choice, after it has stopped its guests."""
    boot.qmp.command("set-action", reboot="reset")
    boot.shell.greet(deadline)
    boot.console.send(b"reboot\n", deadline)
    boot.begin_again()


def _switched_off(boot: Boot, deadline: float) -> None:
    if not boot.console.switched_off(deadline):
        raise ProofFailed("the machine did not switch itself off in time")


ACTIONS: dict[str, Callable[[Boot, float], None]] = {
    "power-button": _press,
    "suspend": _suspend,
    "wake": _wake,
    "reboot": _reboot,
    "reset": _reset,
    "switched-off": _switched_off,
}
