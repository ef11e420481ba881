"""The Arm loader's C code as a program of this machine, under the address and undefined behaviour sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from xenbuild.compose import arm
from xenbuild.formats.fdt import DeviceTree, Node, cells, strings, write_fdt

Run = Callable[..., bytes]  # (standard input, words) -> what it prints
FOLDER = Path(arm.__file__).parent / "loader"
SOURCES = ("fdt.c", "output.c", "domains.c", "chosen.c", "memory.c", "uart.c", "crc32.c")
DRIVER = Path(__file__).parent / "unit/compose/arm_driver.c"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-std=c11"]


def build(folder: Path) -> Run:
    """Compile it into `folder`, or skip the test: the sanitizers are those of the host's compiler."""
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler:
        pytest.skip("no C compiler on this host")
    program = folder / "driver"
    flags = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    flags += [f"-I{FOLDER / name}" for name in ("common", "arm", "arm/armv7")]
    files = [*(FOLDER / "arm" / name for name in SOURCES), DRIVER]
    subprocess.run([compiler, *WARNINGS, *flags, "-o", program, *files], check=True)

    def run(data: bytes, *args: object) -> bytes:
        done = subprocess.run([program, *map(str, args)], input=data, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


def machine(chosen: Node | None = None, *extra: Node, reserved: tuple[tuple[int, int], ...] = ()) -> bytes:
    """A tree like that of QEMU's virt: 1 GiB at 1 GiB, two cells each."""
    memory = Node("memory@40000000", {"device_type": strings("memory"), "reg": cells(0, 0x40000000, 0, 0x40000000)})
    pl011 = {"compatible": strings("arm,pl011", "arm,primecell"), "reg": cells(0, 0x9000000, 0, 4096)}
    uart = Node("pl011@9000000", pl011)
    children = [memory, uart, *extra, *([chosen] if chosen else [])]
    root = Node("", {"#address-cells": cells(2), "#size-cells": cells(2)}, children)
    return write_fdt(DeviceTree(root, list(reserved), 3))
