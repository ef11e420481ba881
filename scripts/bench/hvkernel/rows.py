"""The rows: counts of instructions beside Xen, from reset to the guests, from sources to the image, bytes of code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from math import nan

from changes import changed
from guests import Machine
from listen import listen
from measure import Row, Terms, Unavailable, number
from workshop import Workshop

# QEMU counts instructions instead of looking at the clock: a nanosecond of the machine's time each, its TSC's too.
COUNTING = ("-icount", "shift=0,sleep=off")
COUNT = re.compile(r"bench: (.+?) ([\d.]+)$")
END = "bench: end"
VERSION = re.compile(r"on Xen ABI ([\d.]+)")
OURS, XEN, IA32 = "x86_64/hvkernel", "x86_64/xen", "ia32/hvkernel"
GUESTS = ("clock", "echo", "ping", "exercise")
TEXT = 128.0  # KiB of code, at the most
CLEAN, PROCESSORS = 10.0, 2  # seconds of a machine that has so many, for all compilations


def counts(workshop: Workshop, terms: Terms) -> Iterator[Row]:
    """What hypercalls, events, and disk and network through dom0 cost: the same guests and dom0 on both."""
    machine = Machine(workshop, "hvkernel")
    (ours, _), (theirs, version), (narrow, _) = (_counted(machine, target) for target in (OURS, XEN, IA32))
    if not ours or ours.keys() != theirs.keys():
        raise Unavailable(f"the guests measured {', '.join(ours)} here, and {', '.join(theirs)} on Xen")
    for name, count in ours.items():
        detail = f"{count:,.0f} instructions against {theirs[name]:,.0f} on Xen {version}"
        detail += f"; ia32: {narrow.get(name, nan):,.0f}"
        yield Row(name, count / theirs[name], "x", 1.0, detail)


def _counted(machine: Machine, target: str) -> tuple[dict[str, float], str]:
    """The guest's figures, and the version of the hypervisor that dom0 sees."""
    _, lines = listen(machine.argv(*COUNTING, target=target), machine.folder, lambda line: line.endswith(END))
    version = next((match[1] for line in lines if (match := VERSION.search(line))), "?")
    return figures(lines), version


def figures(lines: list[str]) -> dict[str, float]:
    """What the guest measured, by name; a row that failed has none."""
    return {match[1]: float(match[2]) for line in lines if (match := COUNT.search(line))}


def start(workshop: Workshop, terms: Terms) -> Iterator[Row]:
    """From QEMU's start, which is the machine's reset, to the first line of the last of four guests."""
    machine = Machine(workshop, "guests", workshop.checkout / "recipes/examples/guests")
    for target in (IA32, OURS):
        argv = machine.argv(target=target)
        costs = []
        for _ in range(2 * terms.rounds):
            missing = {f"[{name}] " for name in GUESTS}
            costs.append(listen(argv, machine.folder, lambda line, m=missing: _seen(line, m))[0])
        detail = f"from QEMU's start; {terms.names[1]} {number(terms.other(costs), 's')}; n={len(costs)}"
        yield Row(f"4 guests, {target.partition('/')[0]}", terms.judged(costs), "s", 1.0, detail)


def _seen(line: str, missing: set[str]) -> bool:
    """Takes the guest that speaks out of those who have not spoken yet; whether nobody is left."""
    missing.difference_update([mark for mark in missing if mark in line])
    return not missing


def build(workshop: Workshop, terms: Terms) -> Iterator[Row]:
    """The image from its sources with the tools at hand, and again with a line of C changed."""
    workshop.xenbuild("image", IA32)
    code = str(workshop.checkout / "build")
    forget = [workshop.python, "-I", str(workshop.checkout / "scripts/bench/forget.py"), code, str(workshop.warm)]
    costs, forgotten = [], ""
    for _ in range(terms.rounds):
        forgotten = workshop.ask(*forget).strip()
        (workshop.checkout / "out" / IA32.replace("/", "-") / "manifest.json").unlink(missing_ok=True)
        costs.append(workshop.xenbuild("image", IA32))
    detail = f"{forgotten} results forgotten; {terms.names[1]} {number(terms.other(costs), 's')}; n={len(costs)}"
    goal = CLEAN * PROCESSORS if terms.by_cpu else CLEAN
    yield Row("ia32/hvkernel, clean", terms.judged(costs), "s", goal, detail)
    source = workshop.checkout / "hvkernel/common/sched.c"
    line, new = "#define SLICE       (10 * MS)", "#define SLICE       (10 * MS + {})"
    yield changed(workshop, terms, "a line of its C", source, line, new, target=IA32, goal=2.0)


def size(workshop: Workshop, terms: Terms) -> Iterator[Row]:
    """The hypervisor's code."""
    machine = Machine(workshop, "hvkernel")
    script = str(workshop.checkout / "scripts/bench/hvkernel/text.py")
    for target in (IA32, OURS):
        machine.xenbuild("image", target)
        bundle = machine.folder / "out" / target.replace("/", "-") / "hvkernel.elf"
        text = int(workshop.ask(workshop.python, "-I", script, str(workshop.checkout / "build"), str(bundle)))
        yield Row(f"code, {target.partition('/')[0]}", text / 1024, "KiB", TEXT, f"{text} bytes of .text")


ROWS: dict[str, Callable[[Workshop, Terms], Iterator[Row]]] = {
    "hvkernel": counts,
    "hvkernel-start": start,
    "hvkernel-build": build,
    "hvkernel-size": size,
}
