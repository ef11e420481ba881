"""hvkernel with its test guest (hvkernel/test): built, and booted under QEMU."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xenbuild.media.build import Settings, _tools
from xenbuild.parts import hvkernel
from xenbuild.plan.run import run
from xenbuild.spec.load import load

TOP = Path(__file__).resolve().parent.parent
SOURCES = TOP / "hvkernel/test"
CPUS = {"ia32": "pentium2", "x86_64": "qemu64"}
EXIT = 0xF4  # QEMU's isa-debug-exit; hvkernel writes 0 there when dom0 has powered off

# Macros of suite.h and attacks_pointers.c that make a row.
_ROW = re.compile(r"(ATTACK|(?:REFUSED|HOLDS|FAULTS|KILLS|ENDS|POINTER|RACE|LIMITS)[A-Z0-9_]*)\((\w+)")
_BY_DOMU_ONLY = ("KILLS", "ENDS", "RACE")


@dataclass(frozen=True)
class Boot:
    """What a boot said, and QEMU's exit status: 1 if dom0 has powered off."""

    console: str
    status: int

    def passed(self) -> bool:
        """Whether the test guest found nothing wrong."""
        return "HVKERNEL-TEST-OK" in self.console and self.status == 1


def build(arch: str, settings: Settings) -> tuple[Path, Path]:
    """hvkernel and its test guest; the tools tree of group "build" must be there."""
    tools, _ = _tools(load(TOP / "xenbuild.yaml"), settings, "build")
    goals = [part(arch, settings.store, tools) for part in (hvkernel.hypervisor, hvkernel.test_guest)]
    results = run(goals, settings.store, jobs=os.cpu_count() or 1)
    image, guest = (settings.store.path(results[goal].digest) for goal in goals)
    return image, guest


def boot(
    qemu: list[str],
    parts: tuple[Path, Path],
    folder: Path,
    arch: str,
    words: str,
    *,
    cpus: int = 1,
    memory: int = 64,
    more: str = "",
    deadline: float = 240.0,
    arguments: Sequence[str] = (),
) -> Boot:
    """Boots `parts` in `folder`: `words` are the test guest's command line, `more` the hypervisor's; seconds, MiB.

    `arguments` are more words for QEMU.
    """
    log, kernel, module = folder / "log", folder / "hvkernel", folder / "guest"
    shutil.copy(parts[0], kernel)
    shutil.copy(parts[1], module)
    argv = [*qemu, "-accel", "tcg", "-cpu", CPUS[arch], "-smp", str(cpus), "-m", str(memory)]
    argv += ["-display", "none", "-no-reboot", "-nic", "none", "-serial", f"file:{log}", "-kernel", str(kernel)]
    argv += ["-device", f"isa-debug-exit,iobase={EXIT:#x}", "-append", f"isa-debug-exit={EXIT:#x} {more}".strip()]
    argv += ["-initrd", f"{module} {words},{module}", *arguments]
    done = subprocess.run(argv, capture_output=True, timeout=deadline, check=False)
    return Boot(log.read_text(errors="replace"), done.returncode)


def verdicts(console: str) -> dict[str, str]:
    """What was said of each attack, by its name."""
    return dict(re.findall(r"^attack ([\w ]+): (.+?)\r*$", console, re.MULTILINE))


def needs_limits() -> set[str]:
    """The rows that only a machine which checks segment limits can judge; QEMU's TCG does not."""
    text = "".join(file.read_text() for file in SOURCES.glob("*.c"))
    return {name + by for name in re.findall(r"^LIMITS\((\w+)\)", text, re.MULTILINE) for by in ("", " by dom0")}


def attacks(arch: str) -> list[str]:
    """The rows of the table of attacks, as their sources name them; " by dom0" behind those that dom0 makes."""
    found: list[str] = []
    for file in sorted(SOURCES.glob("*.c")):
        other = False  # inside of #ifdef for the other width
        for line in file.read_text().splitlines():
            if line.startswith(("#ifdef __i386__", "#ifndef __i386__")):
                other = (arch == "ia32") != line.startswith("#ifdef")
            elif line.startswith("#else"):
                other = not other
            elif line.startswith("#endif"):
                other = False
            row = _ROW.match(line)
            if row is None or other:
                continue
            kind, name = row.groups()
            if kind == "ATTACK" and name == "id":  # the macros themselves
                continue
            name = f"pointer_{name}" if kind.startswith("POINTER") else name
            only = re.search(r"_(?:TO|FOR)_(DOM[U0])$", kind)
            who = only[1] if only else "DOMU" if kind in _BY_DOMU_ONLY else ""
            if kind == "ATTACK":
                who = "" if "BY_DOM0" in line and "BY_DOMU" in line else "DOMU"
            if who != "DOM0":
                found.append(name)
            if who != "DOMU":
                found.append(f"{name} by dom0")
    return found
