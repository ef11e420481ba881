"""From declarations to images: plan every target, fetch what the plan lacks, run it, lay the results in out/."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from xenbuild.compose.bundle import FORMATS, Parts, bundle
from xenbuild.media.results import Image, write_results
from xenbuild.parts import dom0, domains, guest, hypervisor
from xenbuild.parts.packages import merged, unpacked
from xenbuild.parts.requests import part_requests, tool_requests
from xenbuild.parts.sourced import Sourced
from xenbuild.parts.toolstree import ToolsTree, host_programs
from xenbuild.parts.unpack import DOCUMENTATION
from xenbuild.plan.action import Action, Input, OutputOf
from xenbuild.plan.needs import absent_files
from xenbuild.plan.run import Results, run
from xenbuild.sources.fetch import Downloads
from xenbuild.sources.lock import Lock as PackageLock
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.inputs import Use, refers, uses, with_files
from xenbuild.spec.model import Declaration
from xenbuild.spec.recipe import Board, HypervisorRecipe, Release, load_recipe, load_tools
from xenbuild.store.events import Event
from xenbuild.store.store import Store

Events = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to build, which never changes what is built."""

    store: Store
    lock: PackageLock
    jobs: int
    offline: bool = False
    events: Events = lambda event: None


@dataclass(frozen=True, slots=True)
class Plan:
    """The composing action of one target, and the packages that it may need."""

    declaration: Declaration
    compose: Action
    packages: tuple[LockedPackage, ...]


def board_of(declaration: Declaration) -> Board:
    """The machine that `run` and `test` boot the target on, and whose console words the bundle has."""
    recipe = load_recipe(HypervisorRecipe, declaration.target.hypervisor, declaration.folder)
    return load_recipe(Board, recipe.boards[declaration.target.arch], declaration.folder)


def plan(declaration: Declaration, settings: Settings) -> Plan:
    """All actions of one target. No package is fetched, nothing is run.

    Raises LockError if the lock does not cover the target.
    """
    release = load_recipe(Release, declaration.release, declaration.folder)
    arch = release.architectures[declaration.target.arch]
    recipe = load_recipe(HypervisorRecipe, declaration.target.hypervisor, declaration.folder)
    board = board_of(declaration)
    packages = {role: settings.lock.packages(r) for role, r in part_requests(declaration, release).items()}
    tools, tool_packages = _tools(declaration, settings, "build")
    sourced = _sourced(declaration, settings)
    if declaration.hypervisor.file is None:
        tree = merged("hypervisor", [unpacked(p, [arch.hypervisor.file]) for p in packages["hypervisor"]])
        xen = hypervisor.from_package(tree, arch.hypervisor.file)
    else:
        own = declaration.hypervisor.file
        xen = hypervisor.from_file(sourced.input(own, declaration.hypervisor.at("file")), sourced.name(own))
    guests = guest.guests(declaration, release, packages, sourced)
    inside = domains.segment(declaration, guests)
    kernel, initramfs = (
        dom0.parts(declaration, release, packages, inside, sourced) if declaration.dom0.enabled else (None, None)
    )
    words = [*recipe.cmdline, *board.hypervisor_cmdline, *dom0.hypervisor_words(declaration)]
    words += declaration.hypervisor.cmdline
    parts = Parts(
        hypervisor=xen,
        hypervisor_cmdline=" ".join(words),
        kernel=kernel,
        kernel_cmdline=" ".join([*board.dom0_cmdline, *declaration.dom0.cmdline]),
        initramfs=initramfs,
        guests=guests,
    )
    if any(source.git for source in declaration.sources.values()):
        tool_packages = [*tool_packages, *_tools(declaration, settings, "git")[1]]
    used = {p: None for role in packages.values() for p in role} | dict.fromkeys(tool_packages)
    return Plan(declaration, bundle(declaration, parts, tools, settings.store), tuple(used))


def build(declarations: Sequence[Declaration], settings: Settings, out: Path) -> tuple[list[Image], Results]:
    """Build every image of the declarations (one per target) under `out`.

    Raises what planning, fetching and the actions raise; an image that was there before stays as it was then.
    """
    plans = [plan(declaration, settings) for declaration in declarations]
    goals = [made.compose.output(name) for made in plans for name in made.compose.outputs]
    results = _bring_about(goals, [p for made in plans for p in made.packages], settings)
    images = []
    for made in plans:
        files = {name: results[made.compose.output(name)].digest for name in made.compose.outputs}
        suffix = FORMATS[made.declaration.target.arch].suffix
        images += write_results(made.declaration, settings.store, files, suffix, out)
    return images, results


def tools_tree(declaration: Declaration, settings: Settings, group: str) -> ToolsTree:
    """A group of the host's tools (recipes/tools.yaml), fetched and unpacked if need be."""
    tree, packages = _tools(declaration, settings, group)
    made = _bring_about([tree], packages, settings)[tree]
    return ToolsTree(settings.store.materialise(made.digest))


def with_test_files(declaration: Declaration, settings: Settings) -> Declaration:
    """The declaration in whose tests every source is a real file, fetched if need be."""
    sourced = _sourced(declaration, settings)
    made = {use.file: sourced.input(use.file, use.at) for test in declaration.tests for use in uses(test)}
    goals = [one for one in made.values() if isinstance(one, OutputOf)]
    packages = _tools(declaration, settings, "git")[1] if goals else []
    results = _bring_about(goals, packages, settings)

    def place(use: Use) -> Path:
        one = made[use.file]
        if not refers(use.file):
            return use.file
        return settings.store.path((results[one] if isinstance(one, OutputOf) else one).digest)

    return replace(declaration, tests=[with_files(test, place) for test in declaration.tests])


def _bring_about(goals: Sequence[OutputOf], packages: Iterable[LockedPackage], settings: Settings) -> Results:
    """Run the plan while the packages that it lacks are still on their way."""
    absent = {digest.hash for digest in absent_files(goals, settings.store)}
    wanted = [p for p in packages if p.sha256 in absent]
    one_at_a_time = Lock()

    def events(event: Event) -> None:
        with one_at_a_time:
            settings.events(event)

    store, jobs = settings.store, settings.jobs
    with Downloads(wanted, settings.lock, store, offline=settings.offline, events=events) as downloads:
        return run(goals, store, jobs=jobs, events=events, provide=downloads.wait, offline=settings.offline)


def _tools(declaration: Declaration, settings: Settings, group: str) -> tuple[OutputOf, list[LockedPackage]]:
    tools = load_tools(declaration.folder)
    programs = tools.programs.get(group, [])
    host = host_programs(declaration, programs, settings.store)
    if host is not None and set(programs) <= set(declaration.host_tools):
        return merged(f"tools: {group}", [host]), []
    packages = settings.lock.packages(tool_requests(tools, [group], declaration.folder)[group])
    trees: list[Input] = [unpacked(p, exclude=DOCUMENTATION) for p in packages]
    return merged(f"tools: {group}", [*trees, host] if host else trees), packages


def _sourced(declaration: Declaration, settings: Settings) -> Sourced:
    return Sourced(declaration, settings.store, lambda group: _tools(declaration, settings, group)[0])
