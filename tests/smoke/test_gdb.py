"""`xenbuild run --gdb`: QEMU waits for gdb, whose file beside the image describes just what runs."""

from __future__ import annotations

import os
import re
import shlex
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from project import TOP, Project

from xenbuild.media.build import Settings, _tools
from xenbuild.parts import hvkernel, unikernel
from xenbuild.parts.compiled import compiled
from xenbuild.parts.objects import PLACE
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.plan.run import run
from xenbuild.spec.load import load, target_named

pytestmark = pytest.mark.smoke
DEADLINE = 60.0  # seconds until QEMU listens and answers
RESET = {"ia32": 0xFFF0, "x86_64": 0xFFF0}  # the instruction pointer of a machine that has not begun


def loaded(file: Path) -> list[tuple[int, int, int, bytes]]:
    """Where the segments of a program go, and their bytes."""
    with file.open("rb") as stream:
        segments = [s for s in ELFFile(stream).iter_segments() if s["p_type"] == "PT_LOAD"]
        return [(s["p_vaddr"], s["p_paddr"], s["p_memsz"], s.data()) for s in segments]


@pytest.mark.parametrize("arch", RESET)
def test_the_file_for_gdb_is_the_image_with_debug_information(
    arch: str, settings: Settings, tools_group: Callable[[str], ToolsTree]
) -> None:
    tools_group("build")
    tools, _ = _tools(load(TOP / "xenbuild.yaml"), settings, "build")
    goals = [hvkernel.hypervisor(arch, settings.store, tools, debug=debug) for debug in (False, True)]
    results = run(goals, settings.store, jobs=os.cpu_count() or 1)
    image, debug = (settings.store.path(results[goal].digest) for goal in goals)
    assert loaded(image) == loaded(debug)
    assert b"/xenbuild/hv" not in image.read_bytes()
    with debug.open("rb") as stream:
        information = ELFFile(stream).get_dwarf_info()
        units = list(information.iter_CUs())
        folders = {unit.get_top_DIE().attributes["DW_AT_comp_dir"].value.decode() for unit in units}
        names = {unit.get_top_DIE().get_full_path() for unit in units}
    assert {"/xenbuild/hv/common", "/xenbuild/hv/pv", f"/xenbuild/hv/arch/x86/{arch}"} <= folders
    assert {name for name in names if name.endswith("/traps.c")} == {"/xenbuild/hv/arch/x86/traps.c"}
    for place in (settings.store.root, TOP):
        assert str(place).encode() not in debug.read_bytes()


@pytest.mark.parametrize("arch", RESET)
def test_unikernels_have_such_files_too(arch: str, settings: Settings, tools_group: Callable[[str], ToolsTree]) -> None:
    tools_group("build")
    declaration = load(TOP / "xenbuild.yaml", target_named(f"{arch}/hvkernel", TOP / "xenbuild.yaml"))
    tools, _ = _tools(declaration, settings, "build")
    own = {one.debug_file: one for one in compiled(declaration) if one.program.name != "hvkernel"}
    assert own.keys() == {"dom0.debug", "guest-clock.debug"}
    runs = {name: unikernel.linked(one.program, settings.store, tools) for name, one in own.items()}
    debug = {name: one.for_gdb(settings.store, tools) for name, one in own.items()}
    results = run([*runs.values(), *debug.values()], settings.store, jobs=os.cpu_count() or 1)
    for name, one in own.items():
        image, file = (settings.store.path(results[goal].digest) for goal in (runs[name], debug[name]))
        assert loaded(image) == loaded(file)
        with file.open("rb") as stream:
            units = [unit.get_top_DIE() for unit in ELFFile(stream).get_dwarf_info().iter_CUs()]
            named = [unit.get_full_path() for unit in units]
        assert {str(Path(path).parent) for path in named} >= {f"{PLACE}/pv/drivers", *one.places} - {f"{PLACE}/pv"}
        for path in named:
            said = next(place for place in one.places if path.startswith(f"{place}/"))
            assert (one.places[said] / path.removeprefix(f"{said}/")).is_file(), path
        assert str(settings.store.root).encode() not in file.read_bytes()


@contextmanager
def waiting(project: Project, target: str) -> Iterator[list[str]]:
    """A machine that waits; gives the command that it says to start gdb with, once it has named all files."""
    others: list[str] = []
    with project.start("run", target, "--gdb") as process:
        try:
            assert process.stderr
            command: list[str] = []
            for line in process.stderr:
                if found := re.match("QEMU waits for: (gdb .*)", line):
                    command = shlex.split(found[1])
                elif found := re.match("while .* runs: symbol-file (.*)", line):
                    assert (project.folder / found[1]).is_file()
                    others.append(Path(found[1]).name)
                if command and len(others) == 4:
                    yield command
                    return
            pytest.fail("it ended without a word about gdb")
        finally:
            process.kill()


def asked(port: int, packet: str) -> str:
    """What QEMU answers to a packet of gdb's protocol, without its frame."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.1)
    with connection:
        connection.sendall(f"${packet}#{sum(packet.encode()) % 256:02x}".encode())
        answer = b""
        while not re.search(rb"#[0-9a-f]{2}$", answer):
            more = connection.recv(4096)
            assert more
            answer += more
    return answer.decode().partition("$")[2].rpartition("#")[0]


@pytest.mark.parametrize("arch", RESET)
def test_a_machine_waits_before_its_first_instruction(arch: str, settings: Settings, tmp_path: Path) -> None:
    project = Project.of(TOP / "recipes/examples/guests/xenbuild.yaml", tmp_path / "guests", settings.store.root)
    with waiting(project, f"{arch}/hvkernel") as gdb:
        port = int(re.findall(r"127\.0\.0\.1:(\d+)", " ".join(gdb))[0])
        registers = asked(port, "g")
        at, size = {"ia32": (8 * 4, 4), "x86_64": (16 * 8, 8)}[arch]
        value = bytes.fromhex(registers[2 * at : 2 * (at + size)])
        assert int.from_bytes(value, "little") == RESET[arch]
        assert loaded(project.folder / gdb[-1])[0][1] == 0x100000
