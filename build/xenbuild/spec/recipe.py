"""Recipes: what xenbuild knows about releases, boards, hypervisors, driver sets and tools, as data.

A recipe of the same name in a `recipes/` folder beside the declaration goes before the project's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from xenbuild.errors import DeclarationError, Position
from xenbuild.spec.block import Node, Size, key
from xenbuild.spec.convert import Converter
from xenbuild.spec.data import data_dir
from xenbuild.spec.problems import Problems, nearest
from xenbuild.spec.reader import read_yaml
from xenbuild.spec.scalars import quote


@dataclass(kw_only=True)
class Recipe(Node):
    """What all recipes share: the name under which they were asked for, and their file."""

    name: str
    file: Path


@dataclass(kw_only=True)
class Archive(Node):
    name: str = key("name in the lock")
    mirrors: list[str] = key("base addresses, tried in order")
    suites: list[str] = key("suites")
    components: list[str] = key("components", factory=lambda: ["main"])
    keyring: str = key("OpenPGP keyring that signs it, a file in recipes/keyrings/")
    snapshot: str | None = key("base address of a snapshot service for superseded versions", default=None)


@dataclass(kw_only=True)
class HypervisorPackage(Node):
    roots: list[str] = key("packages that hold the hypervisor")
    only: str = key("dependencies are followed only if they match this pattern", default="")
    file: str = key("the hypervisor's file in them")
    efi: str | None = key("its file that UEFI firmware starts", default=None)
    schedulers: list[str] = key(
        "schedulers that it is built with (CONFIG_SCHED_*), its own choice first; none: any may be there", factory=list
    )
    cpus: int = key("CPUs that it can use (CONFIG_NR_CPUS)", default=4096)
    xsm: bool = key("whether it takes FLASK policies (CONFIG_XSM_FLASK)", default=True)


@dataclass(kw_only=True)
class KernelPackage(Node):
    roots: list[str] = key("packages that lead to the kernel")
    only: str = key("dependencies are followed only if they match this pattern", default="")
    file: str = key("pattern of the kernel's file")
    modules: str = key("pattern of the folder that holds its modules", default="lib/modules/*")


@dataclass(kw_only=True)
class Cards(Node):
    """Option ROMs of the network cards that QEMU emulates: it does not start without that of a card."""

    roots: list[str] = key("packages that hold them")
    files: dict[str, str] = key("an option ROM by the card that guests call `model`")


@dataclass(kw_only=True)
class DeviceModel(Node):
    roots: list[str] = key("packages of QEMU for Xen and of the firmware that it starts guests with")
    exclude: list[str] = key("packages that are left out although something depends on them", factory=list)
    files: list[str] = key("patterns of the members that are wanted; libraries follow by themselves")
    cards: Cards = key("emulated network cards, for guests that name one")


@dataclass(kw_only=True)
class StatePackages(Node):
    roots: list[str] = key("packages of the programs that make and check a file system")
    exclude: list[str] = key("packages that are left out although something depends on them", factory=list)
    files: list[str] = key("patterns of the members that are wanted; libraries follow by themselves")


@dataclass(kw_only=True)
class Grub(Node):
    """GRUB as a guest's kernel, which reads its configuration from the guest's disks."""

    roots: list[str] = key("packages that hold it")
    files: dict[str, str] = key("its file by type of guest; pv-ia32: of pv guests on an ia32 hypervisor")


@dataclass(kw_only=True)
class ReleaseArch(Node):
    debian: str = key("the distribution's name of the architecture")
    hypervisor: HypervisorPackage = key("where the hypervisor comes from")
    kernel: KernelPackage = key("where dom0's kernel comes from")
    dom0_roots: list[str] = key("packages of dom0 on this architecture only", factory=list)
    device_model: DeviceModel | None = key("what dom0 emulates hardware with, where a guest needs that", default=None)
    grub: Grub | None = key("boot loader of guests with boot: grub", default=None)


@dataclass(kw_only=True)
class Dom0Packages(Node):
    roots: list[str] = key("packages of dom0, with their dependencies")
    exclude: list[str] = key("packages that are left out although something depends on them", factory=list)
    files: list[str] = key("patterns of the members that are wanted; libraries follow by themselves", factory=list)
    dlopened: list[str] = key("libraries that are loaded at run time only", factory=list)
    scripts: list[str] = key("what packages need for their own scripts, which do not run here", factory=list)


@dataclass(kw_only=True)
class Release(Recipe):
    """A distribution release: recipes/releases/NAME.yaml."""

    archives: list[Archive] = key("package archives")
    xen: str = key("version of Xen in it")
    architectures: dict[str, ReleaseArch] = key("by our name of the architecture")
    dom0: Dom0Packages = key("what dom0 is made of")
    state: StatePackages | None = key("what dom0 keeps its state with, where it has a disk for it", default=None)
    firmware: list[str] = key("components of the archives that hold packages of microcode", factory=list)


@dataclass(kw_only=True)
class Firmware(Node):
    """What a machine runs when it is switched on; without `code` or `bios` the one that QEMU has built in."""

    group: str | None = key("group of the tools (recipes/tools.yaml) that holds its files", default=None)
    code: str | None = key("UEFI firmware for the first flash device, a path in the group's tree", default=None)
    variables: str | None = key("its variables, for the second flash device", default=None)
    bios: str | None = key("firmware for QEMU's -bios, a path in the group's tree", default=None)
    secure: bool = key("whether it starts only what a certificate in its variables vouches for", default=False)
    machine: str | None = key("options behind those of the board's machine", default=None)
    device_tree: bool = key("whether it hands on QEMU's words in the device tree, and no SMBIOS", default=False)
    arguments: list[str] = key("more QEMU arguments, verbatim", factory=list)


@dataclass(kw_only=True)
class Board(Recipe):
    """A machine that QEMU emulates: recipes/boards/NAME.yaml."""

    arch: str = key("architecture of the machine", choices=("x86_64", "arm64", "armv7", "ia32"))
    qemu: str = key("QEMU's program, qemu-system-...")
    machine: str = key("QEMU's -machine")
    cpu: str = key("QEMU's -cpu", default="")
    bochs: str = key("Bochs's model of the CPU; Bochs has no such machine otherwise", default="")
    memory: Size = key("memory of the machine", default=Size(1 << 30))
    cpus: int = key("processors of the machine", default=1)
    arguments: list[str] = key("more QEMU arguments, verbatim", factory=list)
    hypervisor_cmdline: list[str] = key("words that the hypervisor needs on this machine", factory=list)
    dom0_cmdline: list[str] = key("words that dom0's kernel needs on this machine", factory=list)
    kvm: bool = key("whether KVM may be used where a probe found it working", default=True)
    firmware: dict[str, Firmware] = key("firmware by the name that recipes/capabilities.yaml has for it", factory=dict)


@dataclass(kw_only=True)
class DriverSet(Recipe):
    """Drivers of a kernel that belong together: pv-drivers/sets/NAME.yaml."""

    help: str = key("what the set is for", default="")
    modules: list[str] = key("kernel modules, on every architecture", factory=list)
    optional: dict[str, list[str]] = key("more of them by architecture", factory=dict)
    options: dict[str, str] = key("the kernel's option that gives a module, for messages", factory=dict)
    builtin: list[str] = key("options that must be built in: of what is never a module", factory=list)
    builtin_on: dict[str, list[str]] = key("more of them by architecture", factory=dict)

    def modules_for(self, arch: str) -> list[str]:
        """The set's modules on an architecture (our name)."""
        return [*self.modules, *self.optional.get(arch, [])]

    def builtin_for(self, arch: str) -> list[str]:
        """Options that a kernel for an architecture must have built in."""
        return [*self.builtin, *self.builtin_on.get(arch, [])]


@dataclass(kw_only=True)
class Feature(Node):
    """Something that not every build of a hypervisor can do."""

    marker: str = key("text that is in the file of one that can")
    option: str = key("what it must have been built with")


@dataclass(kw_only=True)
class Dom0Kind(Node):
    memory: Size = key("memory below which it does not start; files and disks that it keeps for guests come on top")


@dataclass(kw_only=True)
class HypervisorRecipe(Recipe):
    """A hypervisor: recipes/hypervisors/NAME.yaml. What it goes with is in recipes/capabilities.yaml."""

    help: str = key("what it is")
    boards: dict[str, str] = key("board on which `run` and `test` boot it, by architecture")
    cmdline: list[str] = key("words that are always on its command line", factory=list)
    features: dict[str, Feature] = key("what not every build of it can do (spec/partition.py: needs)", factory=dict)
    memory: Size = key("memory of the machine that it needs for itself, about")
    dom0: dict[str, Dom0Kind] = key("kinds of dom0 that it can have; the first is taken")
    compiled: bool = key("it comes from our own sources, not from the release's packages", default=False)


@dataclass(kw_only=True)
class Tools(Recipe):
    """The host tools that are used from packages: recipes/tools.yaml."""

    release: str = key("release that they come from")
    releases: dict[str, str] = key("release of a group that needs another one", factory=dict)
    hosts: dict[str, list[str]] = key("machines that build, by Debian's architecture, and the groups that each lacks")
    groups: dict[str, list[str]] = key("packages by group of programs, with their dependencies")
    files: dict[str, str] = key("architecture of a group's targets, where it holds files for these only", factory=dict)
    components: dict[str, list[str]] = key(
        "components of the release's first archive that a group comes from, where it is not main", factory=dict
    )
    exclude: list[str] = key("packages that are left out although something depends on them", factory=list)
    without: dict[str, list[str]] = key("packages that one group leaves out besides", factory=dict)
    programs: dict[str, list[str]] = key("programs by group that a declaration may take from the host", factory=dict)

    def group_of(self, program: str) -> str | None:
        """The group that holds a program."""
        return next((group for group, names in self.programs.items() if program in names), None)


R = TypeVar("R", bound=Recipe)

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")

# kind -> (its data folder, folder below it, folder below `recipes/` beside a declaration)
_PLACES: dict[type[Recipe], tuple[str, str, str]] = {
    Release: ("recipes", "releases", "releases"),
    Board: ("recipes", "boards", "boards"),
    HypervisorRecipe: ("recipes", "hypervisors", "hypervisors"),
    DriverSet: ("pv-drivers", "sets", "drivers"),
    Tools: ("recipes", "", ""),
}


_WORDS: dict[type[Recipe], str] = {
    Release: "release",
    Board: "board",
    HypervisorRecipe: "hypervisor",
    DriverSet: "driver set",
    Tools: "tools",
}


def register(kind: type[Recipe], word: str, folder: str) -> None:
    """Make a further kind of recipe known, which lies in recipes/FOLDER/; `word` is what messages call it."""
    _PLACES[kind] = ("recipes", folder, folder)
    _WORDS[kind] = word


def recipe_folders(kind: type[Recipe], folder: Path | None = None) -> list[Path]:
    """Where recipes of a kind are looked for, in order. `folder` is the declaration's."""
    data, inside, local = _PLACES[kind]
    beside = [folder / "recipes" / local] if folder else []
    return [*beside, data_dir(data) / inside]


def recipe_names(kind: type[Recipe], folder: Path | None = None) -> list[str]:
    """Names of all recipes of a kind, sorted."""
    return sorted({file.stem for place in recipe_folders(kind, folder) for file in place.glob("*.yaml")})


def load_recipe(kind: type[R], name: str, folder: Path | None = None, at: Position | None = None) -> R:
    """Read the recipe. Raises DeclarationError at `at` if there is none, or in the recipe's file if it is wrong."""
    for place in recipe_folders(kind, folder):
        file = place / f"{name}.yaml"
        if _NAME.fullmatch(name) and file.is_file():
            return cast(R, _read(cast(Any, kind), name, file))
    advice = nearest(name, recipe_names(kind, folder))
    raise DeclarationError(f"there is no {_WORDS[kind]} {quote(name)}", at=at, advice=advice)


def load_tools(folder: Path | None = None) -> Tools:
    """The recipe of the host tools."""
    return load_recipe(Tools, "tools", folder)


def keyring(name: str, folder: Path | None = None) -> Path:
    """The file of a keyring that an archive names. Raises DeclarationError if there is none."""
    beside = [folder / "recipes" / "keyrings"] if folder else []
    for place in [*beside, data_dir("recipes") / "keyrings"]:
        if (place / name).is_file():
            return place / name
    raise DeclarationError(f"there is no keyring {quote(name)}", advice="keyrings lie in recipes/keyrings/")


def load_single(kind: type[R], name: str, folder: Path | None = None) -> R:
    """A recipe of which there is one, recipes/NAME.yaml; that of the declaration's folder goes before ours."""
    beside = [folder / "recipes"] if folder else []
    places = [place / f"{name}.yaml" for place in (*beside, data_dir("recipes"))]
    file = next((place for place in places if place.is_file()), places[-1])
    return cast(R, _read(cast(Any, kind), name, file))


@cache
def _read(kind: type[Recipe], name: str, file: Path) -> Recipe:
    problems = Problems()
    recipe = Converter(problems).block(read_yaml(file), kind, name=name, file=file)
    problems.check()
    return recipe
