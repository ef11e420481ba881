"""`xenbuild diff`: what differs between two images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xenbuild.cli import output

if TYPE_CHECKING:
    from xenbuild.trust.diff import Change, Difference


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def command(old: Path, new: Path, as_json: bool) -> None:
    """Tell what differs between the images OLD and NEW: sizes, parts, words of command lines, packages.

    Each is an image or a folder of results, here or copied elsewhere. Packages are known from the bill of materials
    beside an image. What is not told is the same.

    \b
    Examples:
      xenbuild diff yesterday/x86_64-xen out/x86_64-xen
      xenbuild diff out/x86_64-xen/lab.elf out/arm64-xen/lab.img
    """
    import json

    from xenbuild.trust.diff import compare, read_side

    found = compare(read_side(old), read_side(new))
    if as_json:
        print(json.dumps({"diff": {"old": str(old), "new": str(new), **found.to_json()}}, ensure_ascii=False))
        return
    lines = list(_lines(found))
    print("\n".join(lines) if lines else "no difference")


def _lines(found: Difference) -> Iterator[str]:
    yield from _section("", found.facts, str)
    yield from _section("image ", found.images, output.size)
    yield from _section("part ", found.parts, output.size)
    for change in found.words:
        signs = [f"-{word}" for word in change.old] + [f"+{word}" for word in change.new]
        yield f"{change.name} command line: {' '.join(signs)}"
    if found.packages is None:
        yield "packages: not known, since an image has no bill of materials beside it"
        return
    yield from _section("package ", found.packages, str)


def _section(what: str, changes: list[Change], show: Any) -> Iterator[str]:
    for change in changes:
        if change.old is None:
            yield f"{what}{change.name}: new, {show(change.new)}"
        elif change.new is None:
            yield f"{what}{change.name}: gone, {show(change.old)}"
        elif change.old == change.new:
            yield f"{what}{change.name}: other bytes, {show(change.new)}"
        else:
            yield f"{what}{change.name}: {show(change.old)} -> {show(change.new)}{_more(change)}"


def _more(change: Change) -> str:
    """The difference of sizes in bytes, which rounded sizes hide."""
    return f" ({change.new - change.old:+} bytes)" if isinstance(change.old, int) else ""
