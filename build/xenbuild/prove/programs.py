"""QEMU from the tools tree."""

from __future__ import annotations

from pathlib import Path

from xenbuild.errors import DeclarationError
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.prove.machine import Programs
from xenbuild.spec.recipe import load_tools

# Where Debian's packages keep firmware and option ROMs. QEMU looks beside its own program file, which is the
# dynamic loader's when the tree's loader starts it: it has to be told. The same goes for its modules: those that
# the host's own QEMU may have at the usual place are of another build.
_FIRMWARE = ("usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu")


def tools_group(qemu: str, folder: Path | None = None) -> str:
    """The group of recipes/tools.yaml that holds a QEMU program; `folder` is the declaration's.

    Raises DeclarationError.
    """
    tools = load_tools(folder)
    group = tools.group_of(qemu)
    if group is None:
        known = [name for names in tools.programs.values() for name in names if name.startswith("qemu-")]
        raise DeclarationError(f"no tools group holds {qemu}", advice=f"known programs: {', '.join(known)}")
    return group


def from_tree(tree: ToolsTree) -> Programs:
    """Starts a QEMU of the tree with the tree's firmware."""

    def words(program: str) -> list[str]:
        if tree.is_hosts(program):
            return tree.argv(program)  # which knows its own files
        modules = next(tree.root.glob("usr/lib/*-linux-gnu*/qemu"), tree.root / "no-modules")
        folders: list[Path] = [tree.root / name for name in _FIRMWARE if (tree.root / name).is_dir()]
        start = ["env", f"QEMU_MODULE_DIR={modules}", *tree.argv(program)]
        return [*start, *(word for folder in folders for word in ("-L", str(folder)))]

    return words
