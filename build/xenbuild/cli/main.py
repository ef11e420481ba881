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
    if text is None:
        from xenbuild.cli.group import run

        sys.exit(run(arguments))
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    sys.exit(0)


if __name__ == "__main__":
    main()
