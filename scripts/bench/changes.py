"""What a change costs: from a file that is written to new bundles."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from measure import Cost, Row, Terms, Unavailable, alternate, number, spend
from workshop import Workshop


def start_python(workshop: Workshop) -> Cost:
    return spend([workshop.python, "-I", "-c", "import click"], workshop.checkout)


def changed(
    workshop: Workshop, terms: Terms, name: str, file: Path, old: str, new: str, *, target: str = "", goal: float = 0.6
) -> Row:
    """The first `old` in a file becomes `new` with a number in it; undoing that is not measured."""
    words = ("image", *([target] if target else ()))
    original = file.read_text()
    if old not in original:
        raise Unavailable(f"{file.name} has no {old!r} to change")
    numbers = count()
    seen = set()

    def change() -> Cost:
        file.write_text(original.replace(old, new.format(next(numbers)), 1))
        cost = workshop.xenbuild(*words)
        seen.add(workshop.sums())
        return cost

    workshop.xenbuild(*words)
    floor, ours = alternate(2 * terms.rounds, lambda: start_python(workshop), change)
    file.write_text(original)
    if len(seen) != len(ours):
        raise Unavailable(f"{len(ours)} changes of {file.name} made {len(seen)} bundles")
    detail = (
        f"{terms.judged(ours) / terms.judged(floor):.1f}x the {number(terms.judged(floor), 's')} of python -c 'import"
        f" click'; {terms.names[1]} {number(terms.other(ours), 's')}; n={len(ours)}"
    )
    return Row(name, terms.judged(ours), "s", goal, detail)
