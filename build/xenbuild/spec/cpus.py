"""Lists of CPUs as xl reads them: "0-3,^1,8" (xl.cfg(5): cpus; tools/xl/xl_parse.c: parse_range)."""

from __future__ import annotations

from collections.abc import Iterable

CPUS_MAX = 4096


def parse_cpus(text: str) -> frozenset[int] | None:
    """The CPUs of a list; None if which they are depends on the machine (all, nodes).

    Raises ValueError for a range that runs backwards or a CPU that no Xen has.
    """
    if "all" in text or "node" in text:
        return None
    chosen: set[int] = set()
    for piece in text.split(","):
        first, _, last = piece.removeprefix("^").partition("-")
        start, end = int(first), int(last or first)
        if end < start:
            raise ValueError(f"the range {piece.removeprefix('^')} runs backwards")
        if end >= CPUS_MAX:
            raise ValueError(f"no Xen has a CPU {end}")
        cpus = range(start, end + 1)
        chosen = chosen.difference(cpus) if piece.startswith("^") else chosen.union(cpus)
    return frozenset(chosen)


def format_cpus(cpus: Iterable[int]) -> str:
    """The shortest list of CPUs: ranges, in order."""
    pieces: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if pieces and cpu == pieces[-1][1] + 1:
            pieces[-1][1] = cpu
        else:
            pieces.append([cpu, cpu])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in pieces)
