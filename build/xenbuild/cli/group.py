"""The command `xenbuild` with its verbs, and what becomes of errors: a message, advice and an exit code."""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from types import FrameType

import click

from xenbuild import __version__
from xenbuild.cli import output
from xenbuild.errors import HostError, XenbuildError

VERBS = {
    "image": "Build the images of a target.",
    "run": "Boot an image in QEMU on this terminal.",
    "test": "Boot images in QEMU and judge them by the declaration's tests.",
    "flash": "Write an image to a disk, safely, and read it back.",
    "serve": "Let machines of the network boot the images.",
    "check": "Check the declaration without building.",
    "show": "Show the merged declaration of a target.",
    "lock": "Choose versions and pin them in xenbuild.lock.",
    "inspect": "List and verify what a bundle, kernel or image holds.",
    "sign": "Sign what was built.",
    "verify": "Check an image, its signature, parts, provenance and bills of materials.",
    "diff": "Say what differs between two images.",
    "why": "Say what changed since a target was last built.",
    "init": "Write a first declaration into this folder.",
    "schema": "Print the JSON Schema of the declaration.",
    "gc": "Remove what nothing needs from the store.",
    "completion": "Print the completion script of a shell.",
}

EXAMPLES = """
\b
Examples:
  xenbuild init                  a first declaration in this folder
  xenbuild image                 build the default target
  xenbuild image arm64/xen       build another one
  xenbuild image --all           build all of them
  xenbuild run                   boot it here; Ctrl-A x leaves
  xenbuild test                  boot it and judge it
  xenbuild lock --update         take newer packages
"""

HOST_ERRORS = {
    errno.ENOSPC: "free some space, or set XENBUILD_CACHE to a folder on a larger disk",
    errno.EDQUOT: "free some of your quota, or set XENBUILD_CACHE to a folder on another disk",
    errno.EACCES: "change the permissions, or work in a folder of your own",
    errno.EPERM: "change the permissions, or work in a folder of your own",
    errno.EROFS: "work in a folder that can be written",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f), or work on another file system",
    errno.EIO: "look for a failing disk (dmesg), or work on another",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENOMEM: "close other programs, or use fewer jobs (-j)",
}

AGAIN = "the next run takes up from here"


class Verbs(click.Group):
    """Imports the module of a verb when it is called; help and completion of names need only the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"xenbuild.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"no such command {args[0]!r}{hint}", ctx)
        name, command, rest = super().resolve_command(ctx, args)
        return args[0] if command else name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=Verbs, epilog=EXAMPLES, context_settings=SETTINGS)
@click.version_option(__version__, "-V", "--version", message="xenbuild %(version)s")
def cli() -> None:
    """Bootable Xen machines from one YAML file.

    `xenbuild COMMAND --help` explains a command. Exit codes are listed in docs/exit-codes.md.
    """


class Ended(KeyboardInterrupt):
    """Another program, or a terminal that was closed, wants an end: as clean a one as Ctrl-C's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(arguments: Sequence[str]) -> int:
    """Call the verb and return the exit code. Whatever goes wrong, the user sees no traceback."""
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # the caller closed it (`>&-`); what is printed has no reader
            setattr(sys, stream, Path(os.devnull).open("w"))  # noqa: SIM115 - lives as long as the process
    if isinstance(sys.stdout, TextIOWrapper):  # a name that is no text, a character that the terminal does not have
        unicode = sys.stdout.encoding.lower().startswith("utf")
        sys.stdout.reconfigure(errors="surrogateescape" if unicode else "backslashreplace")
    with _ended_by(signal.SIGTERM, signal.SIGHUP):
        code = _call(arguments)
    _flush("stderr")
    return code


def _call(arguments: Sequence[str]) -> int:
    as_json = "--json" in arguments
    try:
        result = cli.main(list(arguments), prog_name="xenbuild", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except XenbuildError as error:
        return _report(error, as_json)
    except click.ClickException as error:
        with suppress(OSError):
            error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as error:
        cause = error.__cause__ or error  # click makes an Abort of an interrupt
        by = f"ended by {signal.Signals(cause.number).name}" if isinstance(cause, Ended) else "interrupted"
        return _say(f"{by}; {AGAIN}", 128 + (cause.number if isinstance(cause, Ended) else signal.SIGINT))
    except (BrokenPipeError, SystemExit):  # of a broken pipe click makes an exit, and of nothing else
        _drop("stdout")
        return 141
    except OSError as error:
        if error.errno in HOST_ERRORS:
            _flush("stdout")
            reason, advice = (error.strerror or str(error)).lower(), HOST_ERRORS[error.errno]
            if error.filename:
                return _report(HostError(f"{error.filename}: {reason}", advice=advice), as_json)
            return _report(HostError(f"{reason}, perhaps where standard output leads", advice=advice), as_json)
        return _crash(error, arguments)
    except Exception as error:
        return _crash(error, arguments)


@contextmanager
def _ended_by(*numbers: signal.Signals) -> Iterator[None]:
    """Turns these signals into Ended, so that children end, the terminal is as before and nothing half-made stays.

    One that the caller had ignored (nohup) stays ignored.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise Ended(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in numbers}
    mine = [number for number, handler in before.items() if handler == signal.SIG_DFL]
    for number in mine:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])


def _say(text: str, code: int) -> int:
    with suppress(OSError):
        print(text, file=sys.stderr)
    return code


def _report(error: XenbuildError, as_json: bool) -> int:
    with suppress(OSError):  # nobody can be told, but the exit code tells
        output.report(error, as_json=as_json)
    return error.exit_code


def _flush(stream: str) -> None:
    """Print what waits, or drop it where it cannot be written: a full disk, a device that takes nothing."""
    try:
        getattr(sys, stream).flush()
    except OSError:
        _drop(stream)


def _drop(stream: str) -> None:
    """Let what is still to be written go nowhere, so that Python does not complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), getattr(sys, stream).fileno())


def _crash(error: Exception, arguments: Sequence[str]) -> int:
    """Keep the traceback in a file and ask for a report."""
    import platform
    import tempfile
    import traceback

    call = f"xenbuild {__version__}, Python {platform.python_version()}, {platform.platform()}: {' '.join(arguments)}"
    with tempfile.NamedTemporaryFile("w", prefix="xenbuild-crash-", suffix=".txt", delete=False) as file:
        file.write(f"{call}\n\n{''.join(traceback.format_exception(error))}")
    head = output.paint("error:", output.RED, sys.stderr)
    said = f"{head} xenbuild has a bug: {type(error).__name__}: {error}"
    return _say(f"{said}\n  advice: please report it with the file {file.name}", 70)
