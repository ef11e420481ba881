"""hvkernel, compiled from its sources: an object a file, and two links, since it holds a table of its functions."""

from __future__ import annotations

from xenbuild.parts.hvsymbols import assembly
from xenbuild.parts.objects import DEBUG, STRICT, Program, Unit, folder_unit, object_of, objects_of
from xenbuild.plan.action import Action, File, Input, Json, OutputOf, TreeOf
from xenbuild.plan.job import Job
from xenbuild.spec.data import data_dir
from xenbuild.store.store import Store
from xenbuild.store.tree import Tree

# Triple, flags, and where the direct map begins (arch/x86/ARCH/include/asm/layout.h). No jump tables: they would be
# indirect jumps in a kernel.
_COMMON = ("-fno-jump-tables", *STRICT)
_TARGETS: dict[str, tuple[str, tuple[str, ...], int]] = {
    "ia32": ("i386-unknown-none-elf", ("-march=pentium2", "-mno-mmx", "-mno-sse", "-mno-80387"), 0xFB000000),
    "x86_64": (
        "x86_64-unknown-none-elf",
        ("-mno-mmx", "-mno-sse", "-mno-red-zone", "-fpie", "-fvisibility=hidden"),
        0xFFFF830000000000,
    ),
}
_IMAGE = 0x100000  # where it is loaded


def program(arch: str) -> Program:
    """What hvkernel is compiled from for an architecture, all but the table of its functions."""
    triple, flags, _ = _TARGETS[arch]
    folders = ["include", "include/abi", "common", "pv", "arch/x86", "arch/x86/include/abi", "arch/x86/include/asm"]
    folders += [f"arch/x86/{arch}", f"arch/x86/{arch}/include/asm"]
    include = ["hv/include", "hv/pv", "hv/arch/x86/include", f"hv/arch/x86/{arch}/include"]
    unit = folder_unit(data_dir("hvkernel"), "hv", folders, include, (*flags, *_COMMON, *DEBUG))
    return Program("hvkernel", triple, [unit])


def hypervisor(arch: str, store: Store, tools: Input, *, debug: bool = False) -> OutputOf:
    """The plan of hvkernel for an architecture; its output is an ELF file that multiboot and PVH loaders start.

    Its objects have debug information, which the last link leaves out, but for `debug`: that is the same image for
    gdb (`xenbuild run --gdb`). Objects of their own would not do: clang's code is not quite the same with -g.
    """
    triple, flags, base = _TARGETS[arch]
    top = data_dir("hvkernel")
    objects = objects_of(program(arch), store, tools)
    words = [f"--defsym=DIRECT_BASE={base:#x}", f"--defsym=IMAGE_PHYS={_IMAGE:#x}", "-z", "noexecstack"]
    inputs = {**objects, "script": File(store.put_file(top / "arch/x86/hvkernel.lds")), "tools": tools}
    first = _link("link hvkernel for its symbols", list(objects), words, inputs)
    table = Action("hvkernel's symbols", "xenbuild.parts.hvkernel:symbols", {}, {"image": first}, ("source",))
    none = TreeOf(store.put_tree(Tree({})))
    bare = Unit({}, [], flags)
    named = object_of("hvkernel", "symbols.S", table.output("source"), none, bare, triple, tools)
    label, style = ("link hvkernel for gdb", []) if debug else ("link hvkernel", ["-s"])
    return _link(label, [*objects, "symbols"], [*words, *style], {**inputs, "symbols": named})


def test_guest(arch: str, store: Store, tools: Input) -> OutputOf:
    """The guest that tests hvkernel (hvkernel/test), with what it shares of common code."""
    triple, flags, _ = _TARGETS[arch]
    top, base = data_dir("hvkernel"), {"ia32": 0x40000000, "x86_64": 0xFFFFFFFF80000000}[arch]
    plain = tuple(flag for flag in flags if flag != "-fpie")
    more = ("-mcmodel=kernel",) if arch == "x86_64" else ()
    folders = ["test", "include", "include/abi", "arch/x86/include/abi", "arch/x86/include/asm"]
    folders.append(f"arch/x86/{arch}/include/asm")
    include = ["hv/test", "hv/include", "hv/arch/x86/include", f"hv/arch/x86/{arch}/include"]
    unit = folder_unit(top, "hv", folders, include, (*plain, *more, *_COMMON))
    shared = ["common/string.c", "common/print.c", "common/elf.c", *(["arch/x86/ia32/div.c"] if arch == "ia32" else [])]
    files = {**unit.files, **{f"hv/{name}": top / name for name in shared}}
    objects = objects_of(Program("the test guest", triple, [Unit(files, include, unit.flags)]), store, tools)
    words = [f"--defsym=VIRT_BASE={base:#x}", "-z", "noexecstack", "-s"]
    inputs = {**objects, "script": File(store.put_file(top / "test/guest.lds")), "tools": tools}
    return _link("link the test guest", list(objects), words, inputs)


def _link(label: str, order: list[str], words: list[str], inputs: dict[str, Input]) -> OutputOf:
    params: dict[str, Json] = {"order": [*order], "words": [*words]}
    return Action(label, "xenbuild.parts.objects:link", params, inputs, ("program",)).output("program")


def symbols(job: Job) -> None:
    """Action: image, linked with its symbols -> source, the table of its functions as assembly."""
    job.out("source").write_text(assembly(job.path("image").read_bytes()))
