"""`xenbuild inspect`: what a bundle, kernel, hypervisor or initramfs holds, and whether it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from xenbuild.cli import output

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
            yield ""
            yield from _table(fact, indent)
            yield ""
        elif isinstance(fact, list):
            shown = [str(item) for item in fact[:MOST_FILES]]
            more = [f"… {len(fact) - MOST_FILES} more"] if len(fact) > MOST_FILES else []
            yield f"{indent}{name}: {', '.join(shown + more) or '-'}"
        else:
            yield f"{indent}{name}: {_word(fact)}"


def _table(rows: list[dict[str, Any]], indent: str) -> Iterator[str]:
    """Parts, sections or segments, a line each; what is too long for a column follows below the table."""
    columns = [name for name in rows[0] if name != "cmdline"]
    cells = [[_short(row.get(name, "")) for name in columns] for row in rows]
    numbers = frozenset(at for at, name in enumerate(columns) if isinstance(rows[0][name], int))
    for line in output.table(columns, cells, right=numbers).splitlines():
        yield indent + line
    for row in rows:
        if row.get("cmdline"):
            yield f"{indent}{row[columns[0]]} command line: {row['cmdline']}"


def _short(fact: Any) -> str:
    """A fact for a column; of a digest the beginning (--json has all of it)."""
    word = _word(fact)
    return word[:16] if len(word) == 64 else word


def _word(fact: Any) -> str:
    return {True: "yes", False: "no"}[fact] if isinstance(fact, bool) else str(fact)
