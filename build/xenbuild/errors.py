"""The one family of errors that a user may see.

Each error says what is wrong, where (if a file's position is known) and a way out. Nothing else may reach
a user: the command line turns any other exception into exit code 70 with a request to report it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text file. Lines and columns count from 1; 0 means that the whole file is meant."""

    file: Path
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return str(self.file)
        return f"{self.file}:{self.line}:{self.column}"


class XenbuildError(Exception):
    """What is wrong (one line, no final stop), where, and what the user can do about it (`advice`)."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, at: Position | None = None, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.advice = advice

    def __str__(self) -> str:
        where = f"{self.at}: " if self.at else ""
        return f"{where}{self.message}"


class ProofFailed(XenbuildError):
    """A test of the declaration failed: the machine booted otherwise than asserted."""

    exit_code = 1


class DeclarationError(XenbuildError):
    """The declaration, a recipe or a template is wrong."""

    exit_code = 3


class LockError(XenbuildError):
    """The lock does not cover what the declaration asks for, or a locked version is gone from every mirror."""

    exit_code = 4


class IntegrityError(XenbuildError):
    """A hash or signature does not match: the bytes are not used."""

    exit_code = 5


class NetworkError(XenbuildError):
    """A source cannot be reached."""

    exit_code = 6


class FormatError(XenbuildError):
    """An input file (package, kernel, archive, image) is damaged or of another kind."""

    exit_code = 7


class HostError(XenbuildError):
    """This machine lacks something: space, permission, a program, a working QEMU."""

    exit_code = 8


class ActionError(XenbuildError):
    """A build step (a compiler, say) failed; the message carries its last lines."""

    exit_code = 9


class Errors(XenbuildError):
    """Several errors reported in one go; exits with the code of the first."""

    def __init__(self, errors: Sequence[XenbuildError]) -> None:
        super().__init__("\n".join(str(e) for e in errors))
        self.errors = tuple(errors)
        self.exit_code = errors[0].exit_code  # type: ignore[misc]
