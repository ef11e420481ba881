"""`xenbuild test`: boot images in QEMU and judge them by what the consoles say."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xenbuild.cli import complete, output
from xenbuild.cli.options import declaration_options, options_given, targets_argument

if TYPE_CHECKING:
    from xenbuild.cli.session import Session
    from xenbuild.media.build import Settings
    from xenbuild.prove.machine import Programs
    from xenbuild.prove.verdict import Proof, Verdict
    from xenbuild.spec.model import Declaration


@click.command()
@targets_argument
@declaration_options
@click.option("--all", "every", is_flag=True, help="Test all targets of the declaration.")
@click.option(
    "-k", "only", multiple=True, metavar="NAME", shell_complete=complete.tests, help="Run only the tests of this name."
)
@click.option("-j", "--jobs", type=click.IntRange(1), help="Machines at a time.  [default: processors]")
@click.option("--offline", is_flag=True, help="Use only what is in the store; never the network.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write the verdicts as JUnit XML.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdicts as JSON.")
def command(
    names: Sequence[str],
    file: Path,
    profiles: Sequence[str],
    variables: Mapping[str, str],
    every: bool,
    only: Sequence[str],
    jobs: int | None,
    offline: bool,
    junit: Path | None,
    as_json: bool,
) -> int:
    """Boot the images of TARGETs and judge each by the declaration's tests. Exits with 1 if a proof failed.

    \b
    Examples:
      xenbuild test                       the default target
      xenbuild test --all --junit r.xml   all targets, with a report for CI
      xenbuild test arm64/xen -k boot     one test of one target
    """
    from xenbuild.cli.session import open_session
    from xenbuild.errors import HostError
    from xenbuild.prove.junit import to_json, to_junit
    from xenbuild.prove.together import prove_all
    from xenbuild.store.files import in_words

    if junit and not junit.absolute().parent.is_dir():
        raise HostError(f"there is no folder {junit.parent} for the JUnit report", advice="make it first")
    if junit and junit.is_dir():
        raise HostError(f"{junit} is a folder, no file for the JUnit report", advice="name a file in it")

    words = options_given(file, profiles, variables)
    with open_session(file, names, profiles, variables, every=every) as session:
        proofs = _proofs(session, only, jobs, offline, words)
    count = jobs or len(os.sched_getaffinity(0))
    verdicts = prove_all(proofs, count, (lambda v: None) if as_json else _show)
    if junit:
        with in_words(junit):
            junit.write_bytes(to_junit(verdicts))
    if as_json:
        print(to_json(verdicts))
    failed = [v for v in verdicts if v.error]
    if not as_json:
        print(f"{len(verdicts) - len(failed)} of {len(verdicts)} tests passed")
    return next((v.error.exit_code for v in failed if v.error), 0)


def _proofs(
    session: Session, only: Sequence[str], jobs: int | None, offline: bool, words: Sequence[str]
) -> list[tuple[Proof, Programs]]:
    """Builds the images and pairs each wanted test with its image, board and QEMU."""
    from xenbuild.cli.progress import Progress
    from xenbuild.errors import DeclarationError
    from xenbuild.media.build import board_of, with_test_files
    from xenbuild.prove.bochs import on_bochs
    from xenbuild.prove.probe import KvmProbe
    from xenbuild.prove.start import start
    from xenbuild.prove.verdict import Proof

    known = sorted({test.name for d in session.declarations for test in d.tests})
    if missing := [name for name in only if name not in known]:
        raise DeclarationError(
            f"no test is named {missing[0]!r}", advice=f"the tests are: {', '.join(known) or 'none'}"
        )
    with Progress() as progress:
        images = session.build(jobs, offline, progress)
    settings = session.settings(jobs, offline)
    probe = KvmProbe(session.store.root)
    proofs = []
    for declaration in session.declarations:
        declaration = with_test_files(declaration, settings)
        wanted = [test for test in declaration.tests if not only or test.name in only]
        if not wanted:
            continue
        board = board_of(declaration)
        programs = qemu_for(declaration, settings, board.qemu)
        kvm = probe.usable(board, programs)
        target = str(declaration.target)
        tree = partial(firmware_folder, declaration, settings)
        by_xen = [name for name, domain in declaration.domains.items() if domain.start == "dom0less"]
        numbers = {name: number for number, name in enumerate(by_xen, 1)}
        unikernel = declaration.dom0.kind == "unikernel"
        for test in wanted:
            image = next(i for i in images if i.target == target and test.image in (None, i.name))
            log = session.out / declaration.target.folder / "tests" / f"{test.name}.log"
            rerun = shlex.join(["xenbuild", "run", *words, "--test", test.name, target])
            begin = start(declaration, image, test.machine, board, tree, log.parent)
            bochs = on_bochs(image.path, test, board, tree, log.parent) if test.machine.emulator == "bochs" else None
            proofs.append((Proof(target, test, board, begin, log, rerun, kvm, numbers, unikernel, bochs), programs))
    return proofs


def firmware_folder(declaration: Declaration, settings: Settings, group: str) -> Path:
    """Where a group of the tools tree is unpacked."""
    from xenbuild.media.build import tools_tree

    return tools_tree(declaration, settings, group).root


def qemu_for(declaration: Declaration, settings: Settings, qemu: str) -> Programs:
    """QEMU from the tools tree, or the host's where the declaration says so."""
    from xenbuild.media.build import tools_tree
    from xenbuild.prove.programs import from_tree, tools_group

    return from_tree(tools_tree(declaration, settings, tools_group(qemu, declaration.folder)))


def _show(verdict: Verdict) -> None:
    """One line a verdict; a failure with all that helps to go on."""
    word = output.paint("passed", output.BOLD, sys.stdout) if verdict.passed else "FAILED"
    if not verdict.passed:
        word = output.paint(word, output.RED, sys.stdout)
    print(f"{word}  {verdict.target} {verdict.name}  {verdict.seconds:.1f} s ({verdict.accelerator})", flush=True)
    if verdict.error:
        print(f"  {verdict.headline()}")
        for line in verdict.details():
            print(f"  {line}")
