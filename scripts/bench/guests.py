"""Rows about guests: how soon one is there, what its devices carry, what an initramfs weighs, what one more costs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from statistics import median
from threading import Timer

from boot import READY
from measure import Cost, Row, Terms, Unavailable, alternate, number, spend
from workshop import Workshop

DEADLINE = 1800.0  # seconds
END = b"bench: end"
CARRIED = re.compile(r"bench: (\w+) (\w+) (\d+) bytes in (\d+) hundredths")
LOCKS = {
    "start": "xenbuild.lock",
    "devices": "recipes/examples/hvm/xenbuild.lock",
    "hvkernel": "recipes/examples/guests/xenbuild.lock",
}


class Machine:
    """A declaration of scripts/bench/machines/ in a folder of its own; or in `folder`, where one lies already."""

    def __init__(self, workshop: Workshop, name: str, folder: Path | None = None) -> None:
        self.workshop = workshop
        self.folder = folder or workshop.folder / name
        if not self.folder.exists():
            shutil.copytree(workshop.checkout / "scripts" / "bench" / "machines" / name, self.folder)
            shutil.copy(workshop.checkout / LOCKS[name], self.folder / "xenbuild.lock")

    def xenbuild(self, *words: str) -> Cost:
        program = str(self.workshop.checkout / "scripts" / "xenbuild")
        return spend([program, *words], self.folder, self.workshop.environment())

    def argv(self, *more: str, target: str = "") -> list[str]:
        """QEMU's command line as `xenbuild run` has it, with the console on standard input and output."""
        named = [target] if target else []
        self.xenbuild("image", *named)
        program = str(self.workshop.checkout / "scripts" / "xenbuild")
        environment = {**os.environ, **self.workshop.environment()}
        words = [program, "run", *named, "--dry-run"]
        said = subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True, check=True)
        argv = shlex.split(said.stdout.splitlines()[-1])
        console = argv.index("-serial")
        argv[console : console + 2] = ["-serial", "stdio", "-monitor", "none"]
        return [*argv, *more]


def talk(argv: Sequence[str], folder: Path, command: str) -> list[tuple[float, str]]:
    """Boot, type a command into dom0's shell when it is ready; its lines with the seconds at which they came.

    Raises Unavailable with the last line if the command never comes to its end.
    """
    process = subprocess.Popen(argv, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    timer = Timer(DEADLINE, os.kill, (process.pid, signal.SIGKILL))
    timer.start()
    lines: list[tuple[float, str]] = []
    try:
        assert process.stdin and process.stdout
        for raw in process.stdout:
            lines.append((time.monotonic(), raw.decode(errors="replace").strip()))
            if READY.encode() in raw:
                process.stdin.write(f"{command}\n".encode())
                process.stdin.flush()
            if raw.startswith(END):
                return lines
    finally:
        timer.cancel()
        process.kill()
        process.wait()
    raise Unavailable(f"{command} did not end within {DEADLINE:.0f} s; last line: {lines[-1][1] if lines else 'none'}")


def start(workshop: Workshop, terms: Terms) -> Iterator[Row]:
    """dom0 ready to a guest's first line, beside xl create by hand to the same line; all in one boot."""
    machine = Machine(workshop, "start")
    lines = talk(machine.argv(), machine.folder, f"bench-start {terms.rounds}")
    ready = next(at for at, text in lines if READY in text)
    ours = next(at for at, text in lines if text == "bench: first line of auto") - ready
    begun = [at for at, text in lines if text == "bench: begin"]
    there = [at for at, text in lines if text == "bench: first line of hand"]
    hand = median(end - begin for begin, end in zip(begun, there, strict=True))
    detail = (
        f"{number(ours, 's')} from dom0 ready against {number(hand, 's')} from xl create by hand; n=1 and {len(begun)}"
    )
    yield Row("guest's first line", ours / hand, "x", 1.2, detail)


def devices(workshop: Workshop, terms: Terms) -> Iterator[Row]:
    """Of one hvm guest: bytes in some seconds through PV drivers, beside those through emulated devices."""
    machine = Machine(workshop, "devices")
    lines = talk(machine.argv("-m", "2048M"), machine.folder, "bench-devices")
    rates = carried(text for _, text in lines)
    for kind, what in (("disk", "ide"), ("net", "e1000")):
        pv, emulated = rates.get(("pv", kind)), rates.get(("emulated", kind))
        if not pv or not emulated:
            said = " / ".join(text for _, text in lines[-8:])
            raise Unavailable(f"the guests did not measure {kind}; last lines: {said}")
        detail = f"{per_second(pv)} by PV drivers against {per_second(emulated)} by {what}; what is judged is time"
        yield Row(f"{kind}, PV", emulated / pv, "x", 1.0, detail)


def per_second(rate: float) -> str:
    """Bytes a second, with as many digits as make sense: 12 MiB/s, 4.9 KiB/s."""
    value, unit = (rate / (1 << 20), "MiB/s") if rate >= 1 << 20 else (rate / 1024, "KiB/s")
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def carried(lines: Iterable[str]) -> dict[tuple[str, str], float]:
    """What bench-measure says: bytes a second by guest and device."""
    found = (match for text in lines if (match := CARRIED.match(text)))
    return {(match[1], match[2]): int(match[3]) / max(int(match[4]), 1) * 100 for match in found}


def sizes(workshop: Workshop, terms: Terms) -> Iterator[Row]:
    """Each initramfs beside the sum of the files in it."""
    machine = Machine(workshop, "start")
    machine.xenbuild("image")
    script = str(workshop.checkout / "scripts" / "bench" / "sizes.py")
    bundle = str(next(machine.folder.glob("out/*/start.elf")))
    said = workshop.ask(workshop.python, "-I", script, str(workshop.checkout / "build"), bundle)
    for name, facts in json.loads(said).items():
        packed, inside, files = facts["packed"], facts["inside"], facts["files"]
        detail = f"{packed / 1e6:.2f} MB against {inside / 1e6:.2f} MB in {files} files"
        yield Row(f"size, {name}", packed / inside, "x", 0.7, detail)


def added(workshop: Workshop, terms: Terms) -> Iterator[Row]:
    """One more guest in a machine that is built."""
    machine = Machine(workshop, "start")
    machine.xenbuild("image")
    numbers = count()
    yaml = machine.folder / "xenbuild.yaml"
    original = yaml.read_text()

    def change() -> Cost:
        return machine.xenbuild("image", "--profile", "one-more", "--set", f"number={next(numbers)}")

    def floor() -> Cost:
        return spend([workshop.python, "-I", "-c", "import click"], machine.folder)

    base, ours = alternate(2 * terms.rounds, floor, change)
    assert yaml.read_text() == original
    detail = (
        f"{terms.judged(ours) / terms.judged(base):.1f}x the {number(terms.judged(base), 's')} of python -c 'import"
        f" click'; {terms.names[1]} {number(terms.other(ours), 's')}; n={len(ours)}"
    )
    yield Row("one more guest", terms.judged(ours), "s", 1.0, detail)


ROWS: dict[str, Callable[[Workshop, Terms], Iterator[Row]]] = {
    "guest": start,
    "devices": devices,
    "sizes": sizes,
    "added": added,
}
