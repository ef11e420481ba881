"""Bochs as the machine of a test.

It is slow and checks what QEMU's TCG lets pass: segment limits, reserved bits of page tables, MSRs that a CPU does not
have; and its models are of real CPUs, down to the Pentium II.

Bochs has no boot loader of its own, so each boot gets a CD with GRUB, the bundle and the words of its command line. The
serial line is a TCP connection to us: Bochs waits while nobody reads, so nothing of it is lost.
"""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xenbuild.errors import HostError
from xenbuild.parts.templates import grub_words, render
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.prove.console import last_words
from xenbuild.spec.proof import Test
from xenbuild.spec.recipe import Board
from xenbuild.store.files import in_words

# A second of the machine's time, in instructions; that is what its clocks go by. Bochs does about twice as many in a
# second of ours, on a machine of today.
INSTRUCTIONS = 50_000_000
GROUPS = ("bochs", "media", "grub-x86")  # of recipes/tools.yaml
MODULES = ("biosdisk", "iso9660", "multiboot", "serial", "terminal", "boot")  # of GRUB


@dataclass(frozen=True, slots=True)
class Bochs:
    """A bundle, or another program for multiboot, on a machine that Bochs is.

    What each boot needs besides is made in `folder`.
    """

    bundle: Path
    cpu: str  # Bochs's name of a model
    cpus: int
    memory: int  # bytes
    tools: Mapping[str, Path]  # groups of recipes/tools.yaml, and where each is unpacked
    folder: Path
    modules: tuple[tuple[Path, str], ...] = ()  # more files for GRUB to load, each with its words

    def argv(self, line: str, words: Sequence[str]) -> list[str]:
        """The whole command line; `line` is what Bochs's com1 is to be. Raises HostError."""
        root = self.tools["bochs"]
        for path in (self.folder, root):
            if any(c in '",$\n' for c in str(path)):
                advice = "Bochs cannot be told of a comma, a quotation mark or a dollar: choose another folder"
                raise HostError(f"Bochs does not understand the path {path}", advice=advice)
        cd, settings, commands = (self.folder / name for name in ("cd.iso", "bochsrc", "commands"))
        plugins = next(root.glob("usr/lib/**/libbx_term_gui.so")).parent
        values = {
            **{"cpu": self.cpu, "cpus": self.cpus, "memory": -(-self.memory // (1 << 20)), "line": line},
            **{"bios": root / "usr/share/bochs/BIOS-bochs-latest", "vgabios": root / "usr/share/vgabios/vgabios.bin"},
            **{"instructions": INSTRUCTIONS, "cd": cd, "log": self.folder / "bochs.log"},
        }
        with in_words(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._make_cd(cd, words)
            settings.write_text(render("bochsrc", self.folder, **values))
            commands.write_text("continue\n")  # Debian's Bochs has a debugger, which asks what to do first
        environment = [f"BXSHARE={root}/usr/share/bochs", f"LTDL_LIBRARY_PATH={plugins}"]
        environment += ["TERM=dumb", f"TERMINFO={root}/usr/lib/terminfo"]
        program = ToolsTree(root).argv("bochs-bin")
        return ["env", *environment, *program, "-q", "-f", str(settings), "-rc", str(commands)]

    def _make_cd(self, cd: Path, words: Sequence[str]) -> None:
        loader = self.folder / "cd" / "grub"
        loader.parent.mkdir(exist_ok=True)
        commands = self.folder / "grub.cfg"
        lines = ["serial --unit=0 --speed=115200", "terminal_output serial", "set root=cd", "set gfxpayload=text"]
        for number, (file, told) in enumerate([(self.bundle, list(words)), *((f, w.split()) for f, w in self.modules)]):
            link = loader.with_name(f"file{number}")
            link.unlink(missing_ok=True)
            link.symlink_to(file.absolute())
            verb = "module" if number else "multiboot"
            lines.append(f"{verb} /{link.name} {grub_words(told)}")
        commands.write_text("".join(f"{line}\n" for line in [*lines, "boot"]))
        media = ToolsTree(self.tools["media"])
        modules = self.tools["grub-x86"] / "usr/lib/grub/i386-pc"
        grub = [*media.argv("grub-mkimage"), "-O", "i386-pc-eltorito", "-d", str(modules), "-p", "/"]
        _run([*grub, "-c", str(commands), "-o", str(loader), *MODULES])
        iso = [*media.argv("xorriso"), "-as", "mkisofs", "-quiet", "-f", "-R", "-o", str(cd), "-b", loader.name]
        _run([*iso, "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", str(loader.parent)])


def on_bochs(bundle: Path, test: Test, board: Board, tree: Callable[[str], Path], scratch: Path) -> Bochs:
    """The board as Bochs has it, with what the test changes about it; its files go below `scratch`."""
    tools = {group: tree(group) for group in GROUPS}
    machine, folder = test.machine, scratch / f"{test.name}.bochs"
    cpus, memory = machine.cpus or board.cpus, machine.memory or board.memory
    return Bochs(bundle, machine.cpu or board.bochs, cpus, memory, tools, folder)


def listen() -> socket.socket:
    """Where the machine's serial line will come to."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1)
    listener.setblocking(False)
    return listener


def connecting(listener: socket.socket) -> str:
    """What com1 is then (bochsrc(5))."""
    host, port = listener.getsockname()
    return f"mode=socket-client, dev={host}:{port}"


def reason(said: str) -> str:
    """Why Bochs has ended, of all that it said."""
    found = re.search(r"exiting with the following message:\s*(?:\[\w* *\] )?(.*)", said)
    return found[1].strip() if found else last_words(said)


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HostError(f"the CD for Bochs cannot be made: {done.stderr.strip()[-300:]}")
