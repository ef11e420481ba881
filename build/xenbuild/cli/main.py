"""Where every call of xenbuild enters: the answer from a stamp first, the command line otherwise."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from xenbuild.cli import fastpath


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with a code of docs/exit-codes.md.

    Nothing heavy (click, dataclasses) is imported before the fast path has declined: see fastpath.py.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    text = fastpath.try_answer(arguments)
    if text is None or not _print(text):
        from xenbuild.cli.group import run

        sys.exit(run(arguments))
    sys.exit(0)


def _print(text: str) -> bool:
    """Print the answer; False if nobody takes it, which the command line knows how to say."""
    if sys.stdout is None:  # closed by the caller (`>&-`)
        return False
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()  # Python would complain there of what it could not write
        sys.exit(141)
    except (OSError, UnicodeError):
        return False
    return True


if __name__ == "__main__":
    main()
