"""Writing an image to a disk: `xenbuild flash` beside dd, on a loop device on a file in memory."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from measure import Cost, Row, Terms, Unavailable, alternate, number, spend, wall
from workshop import Workshop

SIZE = 1 << 30  # bytes of the image, all of them noise: nothing to leave out
MEMORY = Path("/dev/shm")


def flash_rows(workshop: Workshop, terms: Terms) -> Iterator[Row]:
    """Writing alone, which has a goal, and all of the command with reading back, beside dd and cmp."""
    with disk() as (image, device):

        def dd() -> Cost:
            return spend(["dd", f"if={image}", f"of={device}", "bs=4M", "oflag=direct", "conv=fsync"], MEMORY)

        def ours() -> Cost:
            began = time.monotonic()
            words = ("flash", "--foreign", "--yes", "--json", str(image), device)
            said = workshop.ask("scripts/xenbuild", *words).splitlines()[-1]
            whole.append(Cost(time.monotonic() - began, 0.0))
            seconds = json.loads(said)["flash"]["seconds"]
            return Cost(seconds["write"] + seconds["finish"], 0.0)

        def dd_and_cmp() -> Cost:
            first = dd()
            second = spend(["cmp", "-n", str(SIZE), str(image), device], MEMORY)
            return Cost(first.wall + second.wall, 0.0)

        whole: list[Cost] = []
        dd()  # the pages of the file are there from now on
        floor, written, both = alternate(terms.rounds, dd, ours, dd_and_cmp)
        yield _row("flash, writing", written, floor, 2.0, f"dd oflag=direct of {SIZE >> 20} MiB")
        yield _row("flash, all", whole, both, None, "dd oflag=direct and cmp")


def _row(name: str, ours: Sequence[Cost], floor: Sequence[Cost], goal: float | None, baseline: str) -> Row:
    """Judged by seconds, whatever the terms: the work is the kernel's, in threads of its own."""
    detail = f"{number(wall(ours), 's')} against {number(wall(floor), 's')} of {baseline}; n={len(ours)}"
    return Row(name, wall(ours) / wall(floor), "x", goal, detail)


@contextmanager
def disk() -> Iterator[tuple[Path, str]]:
    """An image and a loop device that is a little larger. Raises Unavailable without root or memory."""
    losetup = shutil.which("losetup", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if os.geteuid() or not losetup or not shutil.which("dd") or not shutil.which("cmp"):
        raise Unavailable("it needs root, losetup, dd and cmp")
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < 3 * SIZE:
        raise Unavailable(f"it needs {3 * SIZE >> 20} MiB in {MEMORY}")
    with tempfile.TemporaryDirectory(prefix="xenbuild-bench-", dir=MEMORY) as folder:
        image, file = Path(folder, "image"), Path(folder, "disk")
        noise = os.urandom(1 << 20)
        with image.open("wb") as target:
            for _ in range(SIZE >> 20):
                target.write(noise)
            target.seek(0)
            entry = struct.pack("<B3xB3xII", 0, 0x83, 2048, (SIZE >> 9) - 2048)
            target.write(bytes(446) + entry + bytes(48) + b"\x55\xaa")
        with file.open("wb") as target:
            target.truncate(SIZE + (64 << 20))
        made = subprocess.run([losetup, "-f", "--show", str(file)], capture_output=True, text=True, check=False)
        if made.returncode:
            raise Unavailable(f"no loop device: {made.stderr.strip()}")
        device = made.stdout.strip()
        try:
            yield image, device
        finally:
            subprocess.run([losetup, "-d", device], check=False)
