"""The programs of a declaration that are compiled file by file, for who reads their sources: clangd and gdb.

That is hvkernel, the dom0 that is a unikernel, and the unikernels of guests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from xenbuild.parts import hvkernel, unikernel
from xenbuild.parts.compiler import FLAGS
from xenbuild.parts.objects import DEBUG, PLACE, Program, Unit, is_compiled
from xenbuild.plan.action import Input, OutputOf
from xenbuild.spec.data import data_dir
from xenbuild.spec.inputs import Use
from xenbuild.spec.model import Declaration
from xenbuild.spec.recipe import HypervisorRecipe, load_recipe
from xenbuild.store.store import Store

COMMANDS = "compile_commands.json"


@dataclass(frozen=True, slots=True)
class Compiled:
    """One of the programs."""

    program: Program
    guests: tuple[str, ...]  # whose kernel it is
    debug_file: str  # its name beside the images
    for_gdb: Callable[[Store, Input], OutputOf]  # plans that: what runs, with symbols and debug information
    places: Mapping[str, Path]  # where debug information says that the sources lie -> where they do


def compiled(declaration: Declaration) -> Iterator[Compiled]:
    """All of them: the hypervisor, dom0, guests."""
    arch, base = declaration.target.arch, {f"{PLACE}/pv": data_dir("pv-drivers")}
    recipe = load_recipe(HypervisorRecipe, declaration.target.hypervisor, declaration.folder)
    if recipe.compiled and declaration.hypervisor.file is None:
        plan = partial(hvkernel.hypervisor, arch, debug=True)
        yield Compiled(hvkernel.program(arch), (), "hvkernel.debug", plan, {f"{PLACE}/hv": data_dir("hvkernel")})
    if declaration.dom0.enabled and declaration.dom0.kind == "unikernel":
        program = unikernel.dom0(arch)
        places = base | {f"{PLACE}/dom0": data_dir("dom0-image") / "unikernel"}
        yield Compiled(program, (), "dom0.debug", partial(unikernel.linked, program, debug=True), places)
    guests: dict[str, list[str]] = {}
    for name, domain in declaration.domains.items():
        if domain.kernel is not None:
            guests.setdefault(Use(domain.kernel, None).name, []).append(name)
    for name, users in guests.items():
        source = declaration.sources.get(name)
        if source is not None and source.unikernel:
            program = unikernel.guest(name, source.unikernel, arch)
            places = base | {f"{PLACE}/{unikernel.guest_folder(name)}": source.unikernel[0].parent}
            plan = partial(unikernel.linked, program, debug=True)
            yield Compiled(program, tuple(users), f"guest-{name}.debug", plan, places)


def commands(programs: Sequence[Program]) -> str:
    """How clang compiles each file where it lies, as a JSON compilation database (clang.llvm.org/docs); "" for none.

    A file that several programs share has the command of each: clangd takes the first.
    """
    found = [entry for program in programs for unit in program.units for entry in _entries(program, unit)]
    return json.dumps(found, indent=1) + "\n" if found else ""


def _entries(program: Program, unit: Unit) -> Iterator[dict[str, str | list[str]]]:
    every = program.files
    flags = [flag for flag in unit.flags if flag not in DEBUG]
    include = dict.fromkeys(f"-I{folder}" for name in unit.include for folder in _folders(name, every))
    for path, file in sorted(unit.files.items()):
        if is_compiled(path):
            words = ["clang", f"--target={program.triple}", *FLAGS, *include, *flags, "-c", str(file)]
            yield {"directory": str(file.parent), "file": str(file), "arguments": words, "output": f"{path}.o"}


def _folders(name: str, files: Mapping[str, Path]) -> Iterator[Path]:
    """Where the files lie that a program knows below the folder `name`."""
    for path, file in files.items():
        if path.startswith(f"{name}/"):
            yield file.parents[path.removeprefix(f"{name}/").count("/")]
