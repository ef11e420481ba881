"""What the loaders are compiled from, and how: parameters of parts/compiler.py."""

from __future__ import annotations

from pathlib import Path

from xenbuild.plan.action import Json, TreeOf
from xenbuild.store.store import Store
from xenbuild.store.tree import FileEntry, Tree

STRICT = ["-Wall", "-Wextra", "-Werror"]
X86_BASE = 0x1000000  # 16 MiB: above Xen's own place (from 2 MiB on), low enough for a machine with little memory


def x86_params(base: int = X86_BASE) -> dict[str, Json]:
    """Parameters of parts/compiler.py for the x86 loader, linked at `base`: a Pentium II without its MMX is enough."""
    return {
        "folders": ["common", "x86"],
        "target": "i386-unknown-none-elf",
        "flags": ["-march=pentium2", "-mno-mmx", "-mno-sse", *STRICT],
        "script": "x86/loader.lds",
        "symbols": {"LOADER_BASE": base},
    }


def store_sources(store: Store) -> TreeOf:
    """The loaders' sources as an artifact, from the checkout or the installed package."""
    top = Path(__file__).parent / "loader"
    files = sorted(p for p in top.rglob("*") if p.suffix in (".c", ".h", ".S", ".inc", ".lds") and p.is_file())
    entries = {str(p.relative_to(top)): FileEntry(store.put_bytes(p.read_bytes()), False) for p in files}
    return TreeOf(store.put_tree(Tree(dict(entries))))
