"""The x86 loader's sources: they compile to the file that the composer and the boot loaders expect."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from xenbuild.compose.toolchain import X86_BASE, store_sources, x86_params
from xenbuild.compose.x86 import ANCHOR
from xenbuild.formats.elf import Elf
from xenbuild.formats.multiboot import find_multiboot1, find_multiboot2
from xenbuild.formats.xennotes import notes_of_elf
from xenbuild.plan.action import Action
from xenbuild.plan.run import run
from xenbuild.store.store import Store


def compile_loader(cache: Path) -> bytes:
    """Compile with the host's programs, or skip."""
    programs = {name: shutil.which(name) for name in ("clang", "ld.lld")}
    if not all(programs.values()):
        pytest.skip("clang and ld.lld are not installed")
    store = Store(cache)
    params = {**x86_params(), "programs": programs}
    action = Action("loader", "xenbuild.parts.compiler:run", params, {"sources": store_sources(store)}, ("loader",))
    goal = action.output("loader")
    return store.read(run([goal], store, jobs=1, events=lambda event: None)[goal].digest)


def test_loader(tmp_path: Path) -> None:
    data = compile_loader(tmp_path / "one")
    image = Elf.parse(data, "loader")
    [code] = image.loads()
    assert (image.bits, image.arch, code.paddr) == (32, "ia32", X86_BASE)
    assert ANCHOR in bytes(image.content(code))
    one, two = find_multiboot1(data), find_multiboot2(data)
    assert one is not None and one.flags == 3
    assert two is not None and two.tag_names == ["information-request", "console", "framebuffer", "module-align"]
    entry = notes_of_elf(image).values["PHYS32_ENTRY"]
    assert isinstance(entry, int) and code.paddr <= entry < code.paddr + code.filesz
    assert compile_loader(tmp_path / "two") == data


def test_sources_stay_where_they_are(tmp_path: Path) -> None:
    assert store_sources(Store(tmp_path / "one")) == store_sources(Store(tmp_path / "two"))
