"""The declaration as a typed model: one dataclass a block, one field a key (see spec/block.py)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xenbuild.spec.block import Node, key
from xenbuild.spec.dom0 import Dom0
from xenbuild.spec.domain import Domain
from xenbuild.spec.hypervisor import Hypervisor
from xenbuild.spec.image import Image, Signing
from xenbuild.spec.proof import Test

HYPERVISORS = ("xen", "hvkernel")


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """One architecture with one hypervisor."""

    arch: str  # x86_64, arm64, armv7, ia32
    hypervisor: str  # xen, hvkernel

    def __str__(self) -> str:
        return f"{self.arch}/{self.hypervisor}"

    @property
    def folder(self) -> str:
        """Name of the results' folder under out/."""
        return f"{self.arch}-{self.hypervisor}"


@dataclass(kw_only=True)
class Source(Node):
    """One of `apt`, `file`, `git`, `url`, `program`, `unikernel`; all but the first are written source:NAME[/PATH]."""

    apt: str | None = key("base address of an apt repository, whose packages join the release's", default=None)
    suites: list[str] = key("suites of the apt repository", factory=list)
    components: list[str] = key("components of the apt repository", factory=lambda: ["main"])
    keyring: Path | None = key("OpenPGP keyring that the apt repository is signed with", default=None)
    git: str | None = key("address of a git repository", default=None)
    commit: str | None = key("the commit, all 40 digits; without submodules", default=None, pattern=r"[0-9a-f]{40}")
    url: str | None = key("address of a file", default=None)
    sha256: str | None = key("its digest", default=None, pattern=r"[0-9a-f]{64}")
    file: Path | None = key("a file", default=None)
    program: list[Path] | None = key(
        "C and assembly files and a linker script (.lds), compiled to a freestanding ELF file: a unikernel",
        default=None,
    )
    unikernel: list[Path] | None = key(
        "C and assembly files of a pv guest on xenbuild's own base and PV drivers (pv-drivers/), with their headers",
        default=None,
    )
    triple: str = key(
        "what the program is compiled for, by clang's name",
        default="i386-unknown-none-elf",
        choices=("i386-unknown-none-elf", "x86_64-unknown-none-elf", "aarch64-none-elf", "arm-none-eabi"),
    )


@dataclass(kw_only=True)
class Declaration(Node):
    """One target of a declaration, merged, interpolated and checked."""

    target: Target
    folder: Path  # where the declaration lies; relative paths start here
    files: tuple[Path, ...] = ()  # every file that was read: declaration, includes, recipes
    version: int = key("version of this format", default=1)
    name: str = key("name of the machine", pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
    release: str = key(
        "distribution release of hypervisor and dom0 (recipes/releases/)", pattern=r"[a-z0-9][a-z0-9.-]*"
    )
    hypervisor: Hypervisor = key("the hypervisor", factory=Hypervisor)
    dom0: Dom0 = key("the control domain", factory=Dom0)
    drivers: list[str] = key("driver sets for every guest", factory=list)
    domains: dict[str, Domain] = key("guests by name", factory=dict)
    images: list[Image] = key("what to build", factory=list)
    signing: Signing | None = key("who signs what is built", default=None)
    tests: list[Test] = key("what a boot must show", factory=list)
    host_tools: list[str] = key("programs of this machine that are used instead of locked packages", factory=list)
    sources: dict[str, Source] = key("more inputs by name", factory=dict)
