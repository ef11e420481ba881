"""From declarations to images: plan every target, fetch what the plan lacks, run it, lay the results in out/."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from threading import Lock

from xenbuild.compose.bundle import Parts, bundle
from xenbuild.compose.manifest import Manifest
from xenbuild.media import blockmap
from xenbuild.media.medium import Making
from xenbuild.media.registry import medium
from xenbuild.media.results import Image, Made, write_commands, write_results
from xenbuild.parts import dom0, domains, guest, host, hvdomains, hvkernel, hypervisor, microcode, unikernel
from xenbuild.parts.compiled import commands, compiled
from xenbuild.parts.packages import merged, unpacked
from xenbuild.parts.requests import host_architecture, part_requests, tool_requests
from xenbuild.parts.sourced import Sourced
from xenbuild.parts.toolstree import ToolsTree, host_programs
from xenbuild.parts.unpack import DOCUMENTATION
from xenbuild.plan.action import Action, Input, OutputOf
from xenbuild.plan.needs import absent_files
from xenbuild.plan.run import Results, run
from xenbuild.sources.fetch import Downloads
from xenbuild.sources.lock import Lock as PackageLock
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.capability import find_row
from xenbuild.spec.inputs import Use, refers, uses, with_files
from xenbuild.spec.model import Declaration
from xenbuild.spec.recipe import Board, HypervisorRecipe, Release, load_recipe, load_tools
from xenbuild.store.events import Event
from xenbuild.store.store import Store
from xenbuild.trust.bill import Output
from xenbuild.trust.origins import Origins, origins

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
    """The composing action of one target, its images by name, their block maps, and the packages that they may need."""

    declaration: Declaration
    compose: Action
    images: Mapping[str, OutputOf]
    maps: Mapping[str, OutputOf]  # block maps of those images that have one
    packages: tuple[LockedPackage, ...]
    origins: Origins

    @property
    def goals(self) -> list[OutputOf]:
        return [
            self.origins.described,
            *(self.compose.output(name) for name in self.compose.outputs),
            *self.images.values(),
            *self.maps.values(),
        ]


def board_of(declaration: Declaration) -> Board:
    """The machine that `run` and `test` boot the target on, and whose console words the bundle has."""
    recipe = load_recipe(HypervisorRecipe, declaration.target.hypervisor, declaration.folder)
    return load_recipe(Board, recipe.boards[declaration.target.arch], declaration.folder)


def plan(declaration: Declaration, settings: Settings) -> Plan:
    """All actions of one target. No package is fetched, nothing is run.

    Raises LockError if the lock does not cover the target.
    """
    release = load_recipe(Release, declaration.release, declaration.folder)
    recipe = load_recipe(HypervisorRecipe, declaration.target.hypervisor, declaration.folder)
    board = board_of(declaration)
    packages = {role: settings.lock.packages(r) for role, r in part_requests(declaration, release).items()}
    tool_packages: dict[LockedPackage, None] = {}
    sourced = _sourced(declaration, settings, tool_packages)
    tools = sourced.tools("build")
    xen = _hypervisor(declaration, release, recipe, packages, sourced)
    guests = guest.guests(declaration, release, packages, sourced)
    kernel, initramfs = _dom0(declaration, release, packages, guests, sourced)
    policy = declaration.hypervisor.xsm_policy
    words = [*recipe.cmdline, *board.hypervisor_cmdline, *host.xen_words(declaration)]
    words += host.dom0_words(declaration)
    words += declaration.hypervisor.cmdline
    parts = Parts(
        hypervisor=xen,
        hypervisor_cmdline=" ".join(words),
        kernel=kernel,
        kernel_cmdline=" ".join([*board.dom0_cmdline, *declaration.dom0.cmdline]),
        initramfs=initramfs,
        guests=guests,
        xsm_policy=sourced.input(policy, declaration.hypervisor.at("xsm_policy")) if policy else None,
        dom0_type=declaration.dom0.type or "",
    )
    compose = bundle(declaration, parts, tools, settings.store)
    images = _images(declaration, release, packages, parts, compose, sourced)
    maps = {i.name: blockmap.plan(images[i.name], i.name) for i in declaration.images if medium(i.medium).mapped}
    used = tuple({p: None for role in packages.values() for p in role} | tool_packages)
    return Plan(declaration, compose, images, maps, used, origins(compose, images, used))


def _hypervisor(
    declaration: Declaration, release: Release, recipe: HypervisorRecipe, packages: dom0.Locked, sourced: Sourced
) -> OutputOf:
    """The user's own, ours, or the packages'."""
    own, arch = declaration.hypervisor.file, declaration.target.arch
    if own is not None:
        return hypervisor.from_file(sourced.input(own, declaration.hypervisor.at("file")), sourced.name(own))
    if recipe.compiled:
        return hvkernel.hypervisor(arch, sourced.store, sourced.tools("build"))
    file = release.architectures[arch].hypervisor.file
    return hypervisor.from_package(merged("hypervisor", [unpacked(p, [file]) for p in packages["hypervisor"]]), file)


def _images(
    declaration: Declaration,
    release: Release,
    packages: Mapping[str, Sequence[LockedPackage]],
    parts: Parts,
    compose: Action,
    sourced: Sourced,
) -> dict[str, OutputOf]:
    """Every image of a declaration by its name."""

    @cache
    def hypervisor_efi() -> Input:
        if declaration.hypervisor.file is not None:
            return parts.hypervisor  # on arm64, where one file is both
        file = release.architectures[declaration.target.arch].hypervisor.efi
        assert file, "the capability table promises media that this release has no file for"
        tree = merged("hypervisor for UEFI", [unpacked(p, [file]) for p in packages["hypervisor"]])
        return hypervisor.from_package(tree, file)

    def kernel_files(patterns: list[str]) -> OutputOf:
        return merged("files of the kernel's package", [unpacked(p, patterns) for p in packages.get("kernel", ())])

    row = find_row(declaration.target, declaration.release, declaration.at("release"))
    images = {}
    for image in declaration.images:
        firmware = (image.firmware,) if image.firmware else tuple(row.media[image.medium])
        making = Making(
            declaration=declaration,
            image=image,
            release=release,
            parts=parts,
            compose=compose,
            firmware=firmware,
            tools=sourced.tools,
            file=sourced.input,
            hypervisor_efi=hypervisor_efi,
            kernel_files=kernel_files,
        )
        images[image.name] = medium(image.medium).plan(making)
    return images


def _dom0(
    declaration: Declaration, release: Release, packages: dom0.Locked, guests: list[guest.Guest], sourced: Sourced
) -> tuple[Input | None, Input | None]:
    """dom0's kernel and initramfs, with the guests that it starts inside."""
    if not declaration.dom0.enabled:
        return None, None
    if declaration.dom0.kind == "unikernel":
        program = unikernel.dom0(declaration.target.arch)
        kernel = unikernel.linked(program, sourced.store, sourced.tools("build"))
        return kernel, hvdomains.archive(declaration, guests)
    inside = domains.segment(declaration, guests)
    linux, initramfs = dom0.parts(declaration, release, packages, inside, sourced)
    return linux, microcode.in_front(declaration, packages, sourced, initramfs)


def build(declarations: Sequence[Declaration], settings: Settings, out: Path) -> tuple[list[Image], Results]:
    """Build every image of the declarations (one per target) under `out`.

    Raises what planning, fetching and the actions raise; an image that was there before stays as it was then.
    """
    plans = [plan(declaration, settings) for declaration in declarations]
    goals = [goal for made in plans for goal in made.goals]
    results = _bring_about(goals, [p for made in plans for p in made.packages], settings)
    images = []
    for made in plans:
        manifest = results[made.compose.output("manifest")].digest
        maps = {name: results[one].digest for name, one in made.maps.items()}
        finished = [
            Made(image, results[made.images[image.name]], medium(image.medium), maps.get(image.name))
            for image in made.declaration.images
        ]
        beside = partial(_papers, made, settings, results)
        images += write_results(made.declaration, settings.store, manifest, finished, out, beside)
        programs = [one.program for one in compiled(made.declaration)]
        write_commands(made.declaration, out, commands(programs))
    return images, results


def _papers(
    made: Plan, settings: Settings, results: Results, manifest: Manifest, outputs: Sequence[Output]
) -> dict[str, str]:
    """Bills of materials and provenance of what was built."""
    from xenbuild.trust.papers import papers

    described = settings.store.read(results[made.origins.described].digest)
    key = next(key for label, key in results.actions if label == made.compose.label)
    return papers(made.declaration, manifest, made.origins, described, settings.lock, key, outputs)


def for_gdb(declaration: Declaration, settings: Settings) -> dict[str, Path]:
    """What is compiled here and runs in the images, with symbols and debug information: file name -> file."""
    tools, packages = _tools(declaration, settings, "build")
    goals = {one.debug_file: one.for_gdb(settings.store, tools) for one in compiled(declaration)}
    results = _bring_about(list(goals.values()), packages, settings)
    return {name: settings.store.path(results[goal].digest) for name, goal in goals.items()}


def tools_tree(declaration: Declaration, settings: Settings, group: str) -> ToolsTree:
    """A group of the host's tools (recipes/tools.yaml), fetched and unpacked if need be."""
    tree, packages = _tools(declaration, settings, group)
    made = _bring_about([tree], packages, settings)[tree]
    return ToolsTree(settings.store.materialise(made.digest))


def with_test_files(declaration: Declaration, settings: Settings) -> Declaration:
    """The declaration in whose tests every source is a real file, fetched if need be."""
    packages: dict[LockedPackage, None] = {}
    sourced = _sourced(declaration, settings, packages)
    made = {use.file: sourced.input(use.file, use.at) for test in declaration.tests for use in uses(test)}
    goals = [one for one in made.values() if isinstance(one, OutputOf)]
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
    packages = settings.lock.packages(tool_requests(tools, [group], declaration.folder, host_architecture())[group])
    trees: list[Input] = [unpacked(p, exclude=DOCUMENTATION) for p in packages]
    return merged(f"tools: {group}", [*trees, host] if host else trees), packages


def _sourced(declaration: Declaration, settings: Settings, packages: dict[LockedPackage, None]) -> Sourced:
    """What makes inputs of the declaration's files; `packages` collects those of the tools that it asks for."""

    @cache  # one action however often it is asked for: each costs a look into the store
    def tools(group: str) -> OutputOf:
        tree, used = _tools(declaration, settings, group)
        packages.update(dict.fromkeys(used))
        return tree

    return Sourced(declaration, settings.store, tools)
