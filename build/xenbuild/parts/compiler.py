"""Compiles freestanding programs with clang and ld.lld, both from the tools tree."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from xenbuild.parts.toolstree import ToolsTree
from xenbuild.plan.job import Job

FLAGS = [
    "-std=c11", "-O2", "-ffreestanding", "-fno-pic", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
    "-fno-ident",
]  # fmt: skip


def run(job: Job) -> None:
    """Action: compile and link every .c and .S file in some folders of "sources" by "tools"; one output, an ELF file.

    params: folders (also the include path), target (clang's triple), flags, script (linker script, relative to
    "sources" as paths in flags are), symbols (name -> number for the linker), format ("elf", or "binary" for the bare
    bytes).
    """
    params = job.params
    sources = job.path("sources")
    found = [path for name in params["folders"] for path in sorted((sources / name).iterdir())]
    files = [path.relative_to(sources) for path in found if path.suffix in (".c", ".S")]
    clang, linker = program(job, "clang"), program(job, "ld.lld")
    common = [*clang, f"--target={params['target']}", *resources(job), *FLAGS]
    common += [*(f"-I{name}" for name in params["folders"]), *params["flags"]]
    objects: list[str] = []
    for file in files:
        objects.append(str(job.folder / f"{len(objects)}.o"))
        _compile(job, [*common, "-c", str(file), "-o", objects[-1]], len(clang), sources)
    symbols = [f"--defsym={name}={value:#x}" for name, value in sorted(params.get("symbols", {}).items())]
    style = ["--oformat=binary"] if params.get("format", "elf") == "binary" else []
    script = ["-T", str(sources / params["script"])]
    job.run(
        [
            *linker,
            *script,
            *symbols,
            *style,
            "--build-id=none",
            "-s",
            "-o",
            str(job.out(job.action.outputs[0])),
            *objects,
        ]
    )


def _compile(job: Job, words: Sequence[str], program: int, folder: Path) -> None:
    """Run clang, whose name are the first `program` of the words, step by step.

    Its driver starts itself anew for every step by /proc/self/exe, which in the tools tree is ld.so. So it is asked
    what it would start (-###: a line of quoted words a step), and that is started in its place.
    """
    printed = job.run([*words, "-###"], cwd=folder)
    for line in printed.splitlines():
        if line.startswith(' "'):
            job.run([*words[:program], *shlex.split(line)[1:]], cwd=folder)


def program(job: Job, name: str) -> list[str]:
    """The words that start a program of the input "tools"."""
    return ToolsTree(job.path("tools")).argv(name)


def resources(job: Job) -> list[str]:
    """Where the compiler's own headers lie: started through ld.so, clang cannot find them by its own path."""
    if ToolsTree(job.path("tools")).is_hosts("clang"):
        return []
    found = sorted((job.path("tools") / "usr/lib").glob("llvm-*/lib/clang/*/include"))
    return ["-resource-dir", str(found[-1].parent)] if found else []
