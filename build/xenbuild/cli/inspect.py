"""`xenbuild inspect`: what a bundle, kernel, hypervisor or initramfs holds, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

MOST_FILES = 20  # of an archive's files that are shown to people; --json gives all


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def command(file: Path, as_json: bool) -> None:
    """List and verify what FILE holds: parts with digests, command lines, boot protocols, Xen notes.

    FILE is a bundle, an ELF or EFI file, a Linux kernel or an initramfs. The exit code is 5 if it is damaged
    and 7 if it is of an unknown kind.

    \b
    Examples:
      xenbuild inspect out/x86_64-xen/demo.elf
      xenbuild inspect --json /boot/vmlinuz
    """
    from xenbuild.compose.inspect import inspect, raise_damage

    report = inspect(file)
    if as_json:
        import json

        click.echo(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        click.echo(f"{file}: {report.kind}, {report.size} bytes")
        click.echo(f"  sha256: {report.sha256}")
        click.echo("".join(f"{line}\n" for line in _lines(report.facts, "  ")), nl=False)
        for wrong in report.damage:
            click.echo(f"  DAMAGED: {wrong}")
    raise_damage(report, str(file))


def _lines(value: dict[str, Any], indent: str) -> Iterator[str]:
    """Facts as indented lines; lists of plain values on one line."""
    for name, fact in value.items():
        if isinstance(fact, dict):
            yield f"{indent}{name}:"
            yield from _lines(fact, indent + "  ")
        elif isinstance(fact, list) and fact and isinstance(fact[0], dict):
            yield f"{indent}{name}:"
            for row in fact:
                yield from _row(row, indent + "  ")
        elif isinstance(fact, list):
            shown = [str(item) for item in fact[:MOST_FILES]]
            more = [f"… {len(fact) - MOST_FILES} more"] if len(fact) > MOST_FILES else []
            yield f"{indent}{name}: {', '.join(shown + more) or '-'}"
        else:
            yield f"{indent}{name}: {_word(fact)}"


def _row(row: dict[str, Any], indent: str) -> Iterator[str]:
    """One part, section or segment: its first field leads, the others follow below."""
    first, *rest = row.items()
    yield f"{indent}{first[0]} {_word(first[1])}"
    yield from _lines({name: fact for name, fact in rest if fact != ""}, indent + "  ")


def _word(fact: Any) -> str:
    return {True: "yes", False: "no"}[fact] if isinstance(fact, bool) else str(fact)
