"""Tests whose machine is Bochs, which has no monitor to speak to and takes none of QEMU's words."""

from __future__ import annotations

import re

from xenbuild.spec.model import Declaration
from xenbuild.spec.problems import Problems
from xenbuild.spec.proof import Test
from xenbuild.spec.recipe import Board

QEMU_ONLY = ("firmware", "attach", "enroll", "drives", "arguments")  # keys of a test's machine
STEPS = ("screenshot", "machine")  # that QEMU does
MODEL = re.compile(r"[a-z0-9_]+")
MOST_MEMORY = 2 << 30  # bytes; Bochs's PC puts its devices above


def check_emulators(made: Declaration, board: Board, problems: Problems) -> None:
    """Every test of the declaration; `board` is the machine of the target."""
    for test in made.tests:
        if test.machine.emulator == "bochs":
            _check_bochs(made, test, board, problems)


def _check_bochs(made: Declaration, test: Test, board: Board, problems: Problems) -> None:
    machine, what = test.machine, f"test {test.name}: Bochs"
    if not board.bochs:
        problems.add(machine.at("emulator"), f"{what} is a PC, and the target is {made.target}", "use qemu")
        return
    image = next((one for one in made.images if test.image in (None, one.name)), None)
    if image is not None and image.medium != "bundle":
        at = test.at("image") or machine.at("emulator")
        problems.add(at, f"{what} starts no {image.medium}", "name an image whose medium is bundle")
    for name in QEMU_ONLY:
        if getattr(machine, name):
            problems.add(machine.at(name), f"{what} knows no {name}", "remove it, or use qemu")
    if machine.cpu and not MODEL.fullmatch(machine.cpu):
        advice = f"such as {board.bochs}; bochsrc(5) lists them"
        problems.add(machine.at("cpu"), f"{what} has no CPU of such a name", advice)
    if (machine.memory or board.memory) > MOST_MEMORY:
        problems.add(machine.at("memory") or machine.at("emulator"), f"{what} has 2 GiB at most", "write memory: 2G")
    for step in test.steps:
        for name in STEPS:
            if getattr(step, name) is not None:
                problems.add(step.at(name), f"{what} has no monitor that a step `{name}` could use", "use qemu")
