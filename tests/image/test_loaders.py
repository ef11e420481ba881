"""The loader stubs, compiled by the locked compiler: what they must be whatever is put behind them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from xenbuild.compose import arm
from xenbuild.compose.toolchain import X86_BASE, store_sources, x86_params
from xenbuild.compose.x86 import ANCHOR
from xenbuild.formats.elf import Elf
from xenbuild.formats.multiboot import find_multiboot1, find_multiboot2
from xenbuild.formats.xennotes import notes_of_elf
from xenbuild.media.build import Settings
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.plan.action import Action, Json, TreeOf
from xenbuild.plan.run import run
from xenbuild.store.digest import Digest

pytestmark = pytest.mark.image
Compile = Callable[[dict[str, Json]], bytes]


@pytest.fixture(scope="module")
def compiled(settings: Settings, tools_group: Callable[[str], ToolsTree]) -> Compile:
    """Compiles a loader by parameters of parts/compiler.py."""
    store, hash = settings.store, tools_group("build").root.name
    tools = TreeOf(Digest(hash, (store.root / "cas" / hash[:2] / hash).stat().st_size))

    def made(params: dict[str, Json]) -> bytes:
        inputs = {"sources": store_sources(store), "tools": tools}
        goal = Action("loader", "xenbuild.parts.compiler:run", params, inputs, ("loader",)).output("loader")
        return store.read(run([goal], store, jobs=1, events=lambda event: None)[goal].digest)

    return made


def test_the_x86_loader_is_entered_in_three_ways(compiled: Compile) -> None:
    data = compiled(x86_params())
    image = Elf.parse(data, "loader")
    [code] = image.loads()
    assert (image.bits, image.arch, code.paddr) == (32, "ia32", X86_BASE)
    assert ANCHOR in bytes(image.content(code))
    one, two = find_multiboot1(data), find_multiboot2(data)
    assert one is not None and one.flags == 3
    assert two is not None and two.tag_names == ["information-request", "console", "framebuffer", "module-align"]
    entry = notes_of_elf(image).values["PHYS32_ENTRY"]
    assert isinstance(entry, int) and code.paddr <= entry < code.paddr + code.filesz


@pytest.mark.parametrize("arch", ["arm64", "armv7"])
def test_the_arm_loader_runs_at_any_address(compiled: Compile, arch: str) -> None:
    """Linked at another address it is the same file: nothing in it needs relocation."""
    files = [compiled({**arm.loader_params(arch), "symbols": {"link_base": base}}) for base in (0, 0x100000)]
    assert files[0] == files[1]
    table = arm.TABLE.unpack_from(files[0], arm.TABLE_OFFSET)
    assert table[0] == arm.MAGIC
    assert len(files[0]) <= table[2] < 64 << 10
