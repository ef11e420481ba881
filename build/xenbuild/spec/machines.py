"""Whether the machine of each test has what the declaration gives out: CPUs, memory, an IOMMU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xenbuild.errors import Position
from xenbuild.spec.block import Node
from xenbuild.spec.cpus import format_cpus
from xenbuild.spec.model import Declaration
from xenbuild.spec.problems import Problems
from xenbuild.spec.proof import Test
from xenbuild.spec.recipe import Board
from xenbuild.spec.scalars import format_size

MAX_PLAUSIBLE = 1 << 46
DOM0_LEAST = 128 << 20  # what libxl leaves dom0 (LIBXL_MIN_DOM0_MEM)

Wanted = Iterable[tuple[str, frozenset[int], Position | None]]  # for whom, which CPUs, where that is written


def check_memory(node: Node, size: int, minimum: int, what: str, problems: Problems) -> None:
    """A size that somebody wrote as `memory`."""
    if size < minimum:
        guess = f"; did you mean {size}M?" if size < 1 << 16 and size << 20 >= minimum else ""
        shown = f"{size} bytes" if size % 1024 else format_size(size)
        problems.add(node.at("memory"), f"{what}: {shown} is too little", f"at least {format_size(minimum)}{guess}")
    elif size > MAX_PLAUSIBLE:
        problems.add(node.at("memory"), f"{what}: {format_size(size)} is more than any machine has", "check the unit")


def check_machines(
    made: Declaration, most: int, board: Board, wanted: Wanted, pools: Mapping[str, frozenset[int]], problems: Problems
) -> None:
    """Each test's machine, which is the board's where the test says nothing. `most`: CPUs that Xen can use."""
    listed = list(wanted)
    for test in made.tests:
        words = test.machine.arguments
        if "-smp" not in words:
            _check_cpus(made, most, board, test, listed, pools, problems)
        if made.dom0.type == "pvh" and not any("iommu" in word for word in words):
            message = f"test {test.name}: a pvh dom0 needs an IOMMU, and this machine has none"
            advice = "add `arguments: [-device, amd-iommu]` to the machine"
            problems.add(_at(test, "arguments"), message, advice)


def _check_cpus(
    made: Declaration,
    most: int,
    board: Board,
    test: Test,
    wanted: Wanted,
    pools: Mapping[str, frozenset[int]],
    problems: Problems,
) -> None:
    there = test.machine.cpus or board.cpus
    if there > most:
        message = f"test {test.name}: its machine has {there} CPUs, and Xen is built for {most}"
        problems.add(_at(test, "cpus"), message, f"use {most} at most, or bring another Xen by hypervisor.file")
        return
    used = min(there, made.hypervisor.max_cpus or there)
    for what, cpus, _ in wanted:
        if cpus and max(cpus) >= used:
            missing = format_cpus(cpu for cpu in cpus if cpu >= used)
            message = f"test {test.name}: {what} needs CPU {missing}, and there is {format_cpus(range(used))}"
            limited = used < there
            advice = "raise hypervisor.max_cpus" if limited else f"write machine: {{cpus: {max(cpus) + 1}}} in the test"
            problems.add(_at(test, "cpus"), message, advice)
            return
    pooled = frozenset().union(*pools.values())
    if pools and pooled >= frozenset(range(used)):
        message = f"test {test.name}: the cpupools take all {used} CPUs, and dom0 has none"
        problems.add(_at(test, "cpus"), message, "leave a CPU out of the cpupools, or give the machine another")


def check_room(made: Declaration, board: Board, own: int, problems: Problems) -> None:
    """What starts by itself must fit into each test's machine beside the hypervisor, which needs `own` bytes."""
    for test in made.tests:
        if "-m" not in test.machine.arguments:
            _check_room_of(made, board, own, test, problems)


def _check_room_of(made: Declaration, board: Board, own: int, test: Test, problems: Problems) -> None:
    guests = {name: domain.max_memory or domain.memory for name, domain in made.domains.items() if domain.autostart}
    if not guests:
        return
    memory = test.machine.memory or board.memory
    dom0 = _dom0_memory(made, memory)
    needed = own + dom0 + sum(guests.values())
    if memory < needed:
        each = {made.target.hypervisor: own, "dom0": dom0, **guests}
        parts = ", ".join(f"{name} {format_size(size)}" for name, size in each.items())
        message = f"test {test.name}: {format_size(memory)} are not enough for all that starts"
        problems.add(_at(test, "memory"), message, f"at least {format_size(needed)}: {parts}")


def _dom0_memory(made: Declaration, memory: int) -> int:
    """Bytes that dom0 keeps on a machine."""
    dom0 = made.dom0
    if not dom0.enabled:
        return 0
    if dom0.balloon:
        return min(DOM0_LEAST, dom0.memory)
    share = int(memory * (dom0.memory_share or 0) / 100)
    return min(max(dom0.memory, share), dom0.max_memory or memory)


def _at(test: Test, key: str) -> Position | None:
    return test.machine.at(key) or test.at("machine") or test.at()
