"""`xenbuild run`: boot an image in QEMU on this terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from xenbuild.cli import complete
from xenbuild.cli.options import declaration_options, target_argument


@click.command(context_settings={"ignore_unknown_options": True})
@target_argument
@click.argument("extra", nargs=-1, type=click.UNPROCESSED, metavar="[-- QEMU-ARGUMENT...]")
@declaration_options
@click.option("--image", help="The image to boot.  [default: the first]")
@click.option(
    "--test",
    "test_name",
    metavar="NAME",
    shell_complete=complete.tests,
    help="The machine and command line of this test.",
)
@click.option("--offline", is_flag=True, help="Use only what is in the store; never the network.")
@click.option("--gdb", "wants_gdb", is_flag=True, help="Wait for gdb, and say how to start it.")
@click.option("--dry-run", is_flag=True, help="Print QEMU's command line instead of starting it.")
def command(
    name: str | None,
    extra: Sequence[str],
    file: Path,
    profiles: Sequence[str],
    variables: Mapping[str, str],
    image: str | None,
    test_name: str | None,
    offline: bool,
    wants_gdb: bool,
    dry_run: bool,
) -> None:
    """Boot TARGET (the default one without) with its serial console on this terminal; Ctrl-A x leaves.

    \b
    Examples:
      xenbuild run
      xenbuild run arm64/xen
      xenbuild run x86_64/xen -- -m 4G    with other QEMU arguments
      xenbuild run ia32/hvkernel --gdb    stopped before the first instruction
    """
    if name and name.startswith("-"):  # `run -- -m 4G`: click gives the first word to the target
        extra, name = (name, *extra), None
    import shlex
    from functools import partial

    from xenbuild.cli import gdb
    from xenbuild.cli.bochs import in_bochs
    from xenbuild.cli.progress import Progress
    from xenbuild.cli.session import open_session
    from xenbuild.cli.test import firmware_folder, qemu_for
    from xenbuild.errors import DeclarationError, HostError
    from xenbuild.media.build import board_of, with_test_files
    from xenbuild.prove.machine import INTERACTIVE, loader_words, qemu_argv
    from xenbuild.prove.probe import KvmProbe
    from xenbuild.prove.start import start
    from xenbuild.spec.proof import Machine

    with open_session(file, [name] if name else [], profiles, variables) as session:
        declaration = session.declarations[0]
        test = next((t for t in declaration.tests if t.name == test_name), None)
        if test_name and not test:
            known = ", ".join(t.name for t in declaration.tests) or "none"
            raise DeclarationError(f"no test is named {test_name!r}", advice=f"the tests are: {known}")
        wanted = image or (test.image if test else None)
        with Progress() as progress:
            images = session.build(offline=offline, events=progress)
        chosen = next((i for i in images if wanted in (None, i.name)), None)
        if not chosen:
            known = ", ".join(i.name for i in images)
            raise DeclarationError(f"there is no image {wanted!r}", advice=f"the images are: {known}")
        if test is not None:
            declaration = with_test_files(declaration, session.settings(offline=offline))
            test = next(t for t in declaration.tests if t.name == test_name)
        board = board_of(declaration)
        if wants_gdb:
            board = gdb.board_for(declaration, board)
        settings, machine = session.settings(offline=offline), test.machine if test else Machine()
        if test and machine.emulator == "bochs":
            in_bochs(declaration, settings, chosen, test, dry_run)
            return
        programs = qemu_for(declaration, settings, board.qemu)
        tree = partial(firmware_folder, declaration, settings)
        port = gdb.free_port() if wants_gdb else 0
        debugger, files = gdb.words(declaration, settings, chosen.path.parent, port) if wants_gdb else ([], [])
        argv = qemu_argv(
            board,
            machine,
            start(declaration, chosen, machine, board, tree, chosen.path.parent / "tests"),
            programs=programs,
            words=loader_words(test.cmdline) if test else (),
            kvm=KvmProbe(session.store.root).usable(board, programs),
            console=INTERACTIVE,
            extra=[*(gdb.stub(port) if wants_gdb else ()), *extra],
        )
    if debugger:
        print("\n".join([f"QEMU waits for: {shlex.join(debugger)}", *files]), file=sys.stderr)
    if dry_run:
        print(shlex.join(argv))
        return
    print(f"{chosen.target} {chosen.name} on {board.name}: Ctrl-A x leaves, Ctrl-A h helps", flush=True)
    sys.stderr.flush()
    try:
        os.execvp(argv[0], argv)  # QEMU gets this terminal and its signals, and its status is ours
    except OSError as e:
        raise HostError(f"cannot start {argv[0]}: {e.strerror}", advice="`xenbuild image` fetches QEMU again") from e
