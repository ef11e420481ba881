"""What the schema is made of: a key with its help text, a block that knows where it was written, units.

The dataclasses of model.py, dom0.py, domain.py and proof.py are the only copy of the schema. The loader, the JSON
Schema, the reference in docs/ and the completion are all derived from the fields' types and metadata (`key(...)`): the
default, the help text, the unit or pattern that a scalar must have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NewType

from xenbuild.errors import Position

Size = NewType("Size", int)  # bytes; written "512M", "1.5G" or "4096K" (powers of 1024) or a plain number of bytes
Duration = NewType("Duration", float)  # seconds; written "90s", "2m" or "1500ms"
Percent = NewType("Percent", float)  # written "30%" or "0.5%"
Mode = NewType("Mode", int)  # permission bits; written as a string of octal digits, "0644"
InputFile = NewType("InputFile", Path)  # a file as Path, or "source:NAME[/PATH]" (see spec/inputs.py)
Setting = NewType("Setting", object)  # text, a number, true or false, or a list of these: written as it is


def key(help: str, *, default: Any = ..., factory: Any = ..., pattern: str = "", choices: tuple[str, ...] = ()) -> Any:
    """A field of the schema: its help text, and what a scalar may look like. Without a default it is required."""
    meta = {"help": help, "pattern": pattern, "choices": choices}
    if factory is not ...:
        return field(default_factory=factory, metadata=meta)
    if default is not ...:
        return field(default=default, metadata=meta)
    return field(metadata=meta)


@dataclass(kw_only=True)
class Node:
    """A block of the declaration that remembers where it and each of its keys were written."""

    origins: dict[str, Position] = field(default_factory=dict, repr=False, compare=False)

    def at(self, name: str = "") -> Position | None:
        """Where key `name` was written (or the block itself, when `name` is empty or a default)."""
        return self.origins.get(name) or self.origins.get("")
