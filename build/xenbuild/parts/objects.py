"""Programs of C and assembly, compiled file by file: what did not change is not compiled again.

clang's driver starts itself anew for every step, which it cannot do from the tools tree (parts/compiler.py). It is
asked once for each set of flags what it would start; the compilations then start just that.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from xenbuild.parts.compiler import FLAGS, program, resources
from xenbuild.plan.action import Action, File, Input, Json, OutputOf, TreeOf
from xenbuild.plan.job import Job
from xenbuild.store.store import Store
from xenbuild.store.tree import FileEntry, Tree

STRICT = ("-Wall", "-Wextra", "-Werror")
PLACE = "/xenbuild"  # where debug information says that the sources lie: the same on every machine
_SECTIONS = ("-ffunction-sections", "-fdata-sections")  # of which the linker takes what is used
_COMPILED = (".c", ".S")  # suffixes
_HEADERS = (".h", ".inc")
# Stand for paths in the words that clang's driver prints; the folder of the tools tree differs between machines.
_SOURCE, _OBJECT, _TREE, _TOOLS, _MIDDLE = "@SOURCE@", "@OBJECT@", "@HEADERS@", "@TOOLS@", "@MIDDLE@"
_FOLDER = "@FOLDER@"  # of the source, in the program
# Debug information that names no folder of this machine.
DEBUG = (
    "-g", f"-fdebug-compilation-dir={PLACE}/{_FOLDER}", f"-ffile-prefix-map={_TREE}={PLACE}",
    f"-ffile-prefix-map={_TOOLS}={PLACE}/tools",
)  # fmt: skip
_BETWEEN = re.compile(rf"[^ ]*/{_SOURCE}-\w+\.s$")  # what goes from one step to the next


@dataclass(frozen=True, slots=True)
class Unit:
    """Files that are compiled alike. Paths in `files` and `include` are below the top of the program."""

    files: Mapping[str, Path]  # path in the program -> where it lies
    include: Sequence[str]
    flags: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """What a program is compiled from, for one of clang's triples."""

    name: str
    triple: str
    units: Sequence[Unit]

    @property
    def files(self) -> dict[str, Path]:
        """All sources and headers: path in the program -> where it lies."""
        return {path: file for unit in self.units for path, file in unit.files.items()}


def is_compiled(path: str) -> bool:
    """Whether a file of a program becomes an object."""
    return path.endswith(_COMPILED)


def folder_unit(top: Path, prefix: str, folders: Sequence[str], include: Sequence[str], flags: Sequence[str]) -> Unit:
    """All sources in some folders below `top`, which the program knows as `prefix`."""
    files = {
        f"{prefix}/{path.relative_to(top)}": path
        for folder in folders
        for path in sorted((top / folder).iterdir())
        if path.suffix in (*_COMPILED, *_HEADERS)
    }
    return Unit(files, include, flags)


def program_of(program: Program, script: Path, store: Store, tools: Input, *, debug: bool = False) -> OutputOf:
    """The plan of a program: an object a file, and the link.

    Its output is an ELF file without symbols; for `debug` the same one with them and with debug information.
    """
    objects = objects_of(program, store, tools)
    inputs = {**objects, "script": File(store.put_file(script)), "tools": tools}
    params: dict[str, Json] = {"order": list(objects)}
    if debug:
        params["words"] = ["--gc-sections"]
    label = f"link {program.name} for gdb" if debug else f"link {program.name}"
    return Action(label, "xenbuild.parts.objects:link", params, inputs, ("program",)).output("program")


def objects_of(program: Program, store: Store, tools: Input) -> dict[str, Input]:
    """The objects of a program's files in the order of linking, by what `link` calls them."""
    objects: dict[str, Input] = {}
    every = program.files
    for unit in program.units:
        headers = _headers(unit, every, store)
        for path, file in sorted(unit.files.items()):
            if is_compiled(path):
                source = File(store.put_file(file))
                made = object_of(program.name, path, source, headers, unit, program.triple, tools)
                objects[path.replace("/", ":")] = made
    return objects


def object_of(name: str, path: str, source: Input, headers: TreeOf, unit: Unit, triple: str, tools: Input) -> OutputOf:
    """The object of one source of a program, compiled as the unit's files are."""
    file = PurePosixPath(path)
    words = Action(
        f"ask clang how to compile {file.suffix[1:]} for {triple}",
        "xenbuild.parts.objects:words",
        {"target": triple, "suffix": file.suffix, "include": list(unit.include), "flags": list(unit.flags)},
        {"tools": tools},
        ("words",),
    ).output("words")
    inputs = {"source": source, "headers": headers, "words": words, "tools": tools}
    params: dict[str, Json] = {"name": file.name}
    if set(DEBUG) <= set(unit.flags):
        params["folder"] = str(file.parent)
    made = Action(f"compile {file.name} of {name}", "xenbuild.parts.objects:compile", params, inputs, ("object",))
    return made.output("object")


def _headers(unit: Unit, files: Mapping[str, Path], store: Store) -> TreeOf:
    """The headers that a unit can see: a change of any other compiles none of its files again."""
    seen = {folder.partition("/")[0] for folder in unit.include}
    chosen = {p: f for p, f in files.items() if f.suffix in _HEADERS and p.partition("/")[0] in seen}
    return TreeOf(store.put_tree(Tree({path: FileEntry(store.put_file(file), False) for path, file in chosen.items()})))


def words(job: Job) -> None:
    """Action: flags -> the words that clang's driver would start, a list for each of its steps, as JSON.

    params: target, suffix (.c or .S), include (folders), flags; input tools.
    """
    params = job.params
    clang = program(job, "clang")
    flags = [f"--target={params['target']}", *resources(job), *FLAGS, *_SECTIONS]
    flags += [*(f"-I{_TREE}/{folder}" for folder in params["include"]), *params["flags"]]
    source = f"{_SOURCE}{params['suffix']}"
    (job.folder / source).touch()
    printed = job.run([*clang, *flags, "-c", source, "-o", _OBJECT, "-###"])
    steps = [shlex.split(line)[1:] for line in printed.splitlines() if line.startswith(' "')]
    tools, here = str(job.path("tools")), str(job.folder)
    made = [[_BETWEEN.sub(_MIDDLE, word).replace(tools, _TOOLS).replace(here, ".") for word in step] for step in steps]
    job.out("words").write_text(json.dumps(made))


def compile(job: Job) -> None:
    """Action: source, headers, words, tools -> object; params: name, the source's; folder, for debug information."""
    source = job.folder / job.params["name"]
    source.write_bytes(job.path("source").read_bytes())  # messages name it, not its place in the store
    stands = {
        f"{_SOURCE}{source.suffix}": source.name,
        _MIDDLE: "middle.s",
        _FOLDER: job.params.get("folder", "."),
        _OBJECT: str(job.out("object")),
        _TREE: str(job.path("headers")),
        _TOOLS: str(job.path("tools")),
    }
    clang = program(job, "clang")
    for step in json.loads(job.path("words").read_text()):
        job.run([*clang, *(_filled(word, stands) for word in step)])


def link(job: Job) -> None:
    """Action: objects in the order of params, script, tools -> program.

    params: order; words for the linker (what is not used is left out, and symbols, if there are none).
    """
    objects = [str(job.path(name)) for name in job.params["order"]]
    style = ["--build-id=none", "-z", "max-page-size=4096", "-T", str(job.path("script"))]
    style += job.params.get("words", ["-s", "--gc-sections"])
    job.run([*program(job, "ld.lld"), *style, "-o", str(job.out("program")), *objects])


def _filled(word: str, stands: Mapping[str, str]) -> str:
    for mark, text in stands.items():
        word = word.replace(mark, text)
    return word
