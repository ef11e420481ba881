"""What tests of all layers share: the store, host programs from the tools tree, bundles of the showcase."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import hypothesis
import pytest

from xenbuild.errors import HostError
from xenbuild.media.build import Settings, build, tools_tree
from xenbuild.parts.toolstree import ToolsTree
from xenbuild.prove.programs import from_tree
from xenbuild.sources.lock import load_lock
from xenbuild.spec.load import load, target_named
from xenbuild.store.files import remove
from xenbuild.store.location import store_root
from xenbuild.store.store import Store

TOP = Path(__file__).resolve().parent.parent
SHOWCASE = TOP / "xenbuild.yaml"
GROUPS = ("test", "run-x86", "run-arm", "build")  # of recipes/tools.yaml, in the order in which a program is looked for

hypothesis.settings.register_profile("xenbuild", deadline=None)  # time says nothing on a busy machine
hypothesis.settings.load_profile("xenbuild")


@pytest.fixture(scope="module")
def module_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for what a module's tests share. It goes when they are over; where one failed, it stays to be looked at.

    pytest itself removes such folders only when all tests have passed, and images are large.
    """
    folder = tmp_path_factory.mktemp(request.module.__name__.rpartition(".")[2])
    failed = request.session.testsfailed
    yield folder
    if request.session.testsfailed == failed:
        remove(folder)


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """How tests build: in the store of $XENBUILD_CACHE, against the repository's lock."""
    with Store(store_root(os.environ)) as store:
        yield Settings(store, load_lock(TOP / "xenbuild.lock"), len(os.sched_getaffinity(0)))


@pytest.fixture(scope="session")
def tools_group(settings: Settings) -> Callable[[str], ToolsTree]:
    """A group of the tools tree, by its name."""
    declaration = load(SHOWCASE)
    return cache(lambda group: tools_tree(declaration, settings, group))


@pytest.fixture(scope="session")
def tool(tools_group: Callable[[str], ToolsTree]) -> Callable[[str], list[str]]:
    """The words that start a program of the tools tree."""

    def words(name: str) -> list[str]:
        for group in GROUPS:
            tree = tools_group(group)
            try:
                return from_tree(tree)(name) if name.startswith("qemu-system") else tree.argv(name)
            except HostError:
                continue
        raise HostError(f"no group of the tools tree holds {name}")

    return words


@pytest.fixture(scope="session")
def tools_dir(tools_group: Callable[[str], ToolsTree]) -> Path:
    """Where the packages of the tests' tools are unpacked: /usr/lib/grub, /usr/lib/PXELINUX and the like."""
    return tools_group("test").root


@pytest.fixture(scope="session")
def bundle(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The showcase's bundle of a target, with all that hypervisor and kernel have to say on the console."""

    @cache
    def made(target: str) -> Path:
        declaration = load(SHOWCASE, target_named(target, SHOWCASE), ["verbose"])
        images, _ = build([declaration], settings, tmp_path_factory.mktemp("out"))
        return images[0].path

    return made
