"""The declaration as a typed model: one dataclass a block, one field a key.

The dataclasses are the only copy of the schema. The loader, the JSON Schema, the reference in docs/ and the
completion are all derived from the fields' types and metadata (`key(...)`): the default, the help text, the
unit or pattern that a scalar must have.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NewType

from xenbuild.errors import Position

Size = NewType("Size", int)  # bytes; written "512M", "1.5G" or "4096K" (powers of 1024) or a plain number of bytes
Duration = NewType("Duration", float)  # seconds; written "90s", "2m" or "1500ms"
Mode = NewType("Mode", int)  # permission bits; written as a string of octal digits, "0644"
InputFile = NewType("InputFile", Path)  # a file as Path, or "source:NAME[/PATH]" (see spec/inputs.py)

ARCHITECTURES = ("x86_64", "arm64", "armv7", "ia32")
HYPERVISORS = ("xen", "hvkernel")


def key(help: str, *, default: Any = ..., factory: Any = ..., pattern: str = "", choices: tuple[str, ...] = ()) -> Any:
    """A field of the schema: its help text, and what a scalar may look like. Without a default it is required."""
    meta = {"help": help, "pattern": pattern, "choices": choices}
    if factory is not ...:
        return field(default_factory=factory, metadata=meta)
    if default is not ...:
        return field(default=default, metadata=meta)
    return field(metadata=meta)


@dataclass(kw_only=True)
class Node:
    """A block of the declaration that remembers where it and each of its keys were written."""

    origins: dict[str, Position] = field(default_factory=dict, repr=False, compare=False)

    def at(self, name: str = "") -> Position | None:
        """Where key `name` was written (or the block itself, when `name` is empty or a default)."""
        return self.origins.get(name) or self.origins.get("")


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
class Hypervisor(Node):
    cmdline: list[str] = key("words for the hypervisor's command line", factory=list)
    file: InputFile | None = key("your own hypervisor binary instead of the recipe's package", default=None)


@dataclass(kw_only=True)
class File(Node):
    path: str = key("absolute path inside dom0", pattern=r"/[^\0]*[^/\0]")
    content: str | None = key("the file's text", default=None)
    source: InputFile | None = key("a file to copy", default=None)
    symlink: str | None = key("makes a symbolic link to this", default=None)
    mode: Mode = key("permission bits", default=Mode(0o644))
    owner: str = key("numeric user:group", default="0:0", pattern=r"\d+:\d+")


@dataclass(kw_only=True)
class User(Node):
    name: str = key("login name", pattern=r"[a-z_][a-z0-9_-]{0,31}")
    password_hash: str = key("crypt(3) hash, as `openssl passwd -6` prints it; '!' locks the password", default="!")
    uid: int = key("user and group number; 0 is root", default=0)
    shell: str = key("login shell", default="/bin/sh")
    home: str | None = key("home directory; otherwise /root for uid 0 and /home/NAME for others", default=None)


@dataclass(kw_only=True)
class Bridge(Node):
    name: str = key(
        "name of the bridge that guests' interfaces join", default="xenbr0", pattern=r"[a-z][a-z0-9.-]{0,14}"
    )
    address: str | None = key("dom0's own address on it, with prefix length", default="10.9.0.1/24")
    ports: list[str] = key("physical interfaces that join it", factory=list)


@dataclass(kw_only=True)
class Dom0(Node):
    memory: Size = key("dom0's memory", default=Size(512 << 20))
    vcpus: int = key("dom0's virtual CPUs; 0 means as many as the machine has", default=1)
    cmdline: list[str] = key("words for dom0's kernel command line", factory=list)
    hostname: str = key("dom0's host name", default="dom0", pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
    packages: list[str] = key("more packages with their dependencies; unpacked, no script runs", factory=list)
    files: list[File] = key("more files", factory=list)
    users: list[User] = key("users who may log in on the console; none gives a root shell there", factory=list)
    bridge: Bridge | None = key("network bridge for the guests", factory=Bridge)
    drivers: list[str] = key("driver sets (pv-drivers/) that dom0 must have", factory=lambda: ["dom0-base", "backends"])
    modules: list[str] = key("more kernel modules by name", factory=list)
    kernel: InputFile | None = key("your own dom0 kernel instead of the release's", default=None)
    initramfs: InputFile | None = key("your own initramfs (only with `kernel`)", default=None)


@dataclass(kw_only=True)
class Step(Node):
    """One step of a test: `run` (with or without `expect`), `expect` alone, or `send`."""

    expect: str | None = key(
        "regular expression that the console must print; with `run`, what the command prints", default=None
    )
    run: str | None = key(
        "shell command typed into dom0's console; its output and exit status are judged", default=None
    )
    status: int = key("exit status that `run` must have", default=0)
    send: str | None = key("text typed into the console as it is", default=None)
    within: Duration | None = key("deadline of this step; the test's timeout otherwise", default=None)


@dataclass(kw_only=True)
class Machine(Node):
    """What `run` and `test` change about the board's machine (recipes/boards/)."""

    memory: Size | None = key("memory of the machine", default=None)
    cpus: int | None = key("processors of the machine", default=None)
    cpu: str | None = key("QEMU's -cpu, where the board's default does not fit", default=None)
    arguments: list[str] = key("more QEMU arguments, verbatim", factory=list)


@dataclass(kw_only=True)
class Test(Node):
    __test__ = False  # for pytest, which takes every class of this name for its own

    name: str = key("name of the test", pattern=r"[a-z0-9][a-z0-9-]*")
    image: str | None = key("image that is booted; the first one otherwise", default=None)
    machine: Machine = key("changes to the board's machine", factory=Machine)
    timeout: Duration = key("deadline of the whole test", default=Duration(180))
    cmdline: list[str] = key("extra words on the boot loader's command line", factory=list)
    steps: list[Step] = key("what must happen, in order", factory=list)
    forbid: list[str] = key("regular expressions that must never appear", factory=list)


@dataclass(kw_only=True)
class Image(Node):
    name: str = key("file name of the result, without suffix", pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*")
    medium: str = key("form of delivery", default="bundle")
    firmware: str | None = key("firmware that must start it; any that the medium supports otherwise", default=None)


@dataclass(kw_only=True)
class Source(Node):
    """One of `apt`, `file`, `git` and `url`. A file of the latter three is written source:NAME, or source:NAME/PATH."""

    apt: str | None = key("base address of an apt repository, whose packages join the release's", default=None)
    suites: list[str] = key("suites of the apt repository", factory=list)
    components: list[str] = key("components of the apt repository", factory=lambda: ["main"])
    keyring: Path | None = key("OpenPGP keyring that the apt repository is signed with", default=None)
    git: str | None = key("address of a git repository", default=None)
    commit: str | None = key("the commit, all 40 digits; without submodules", default=None, pattern=r"[0-9a-f]{40}")
    url: str | None = key("address of a file", default=None)
    sha256: str | None = key("its digest", default=None, pattern=r"[0-9a-f]{64}")
    file: Path | None = key("a file", default=None)


@dataclass(kw_only=True)
class Domain(Node):
    """A guest, by the name under which dom0 knows it."""

    type: str = key("kind of guest", choices=("pv", "pvh", "hvm"))
    arch: str | None = key("architecture of the guest; the target's otherwise", default=None, choices=ARCHITECTURES)
    kernel: InputFile | None = key("kernel; the release's otherwise", default=None)
    initramfs: InputFile | None = key("initramfs", default=None)
    cmdline: list[str] = key("words for its command line", factory=list)
    memory: Size = key("its memory", default=Size(128 << 20))
    vcpus: int = key("its virtual CPUs", default=1)
    disks: list[str] = key("xl disk specifications", factory=list)
    networks: list[str] = key("xl vif specifications", factory=list)
    drivers: list[str] = key("driver sets in its initramfs", factory=lambda: ["frontends"])
    autostart: bool = key("started by dom0's init", default=True)


@dataclass(kw_only=True)
class Declaration(Node):
    """One target of a declaration, merged, interpolated and checked."""

    target: Target
    folder: Path  # where the declaration lies; relative paths start here
    files: tuple[Path, ...] = ()  # every file that was read: declaration, includes, recipes
    version: int = key("version of this format", default=1)
    name: str = key("name of the machine", pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*")
    release: str = key(
        "distribution release of hypervisor and dom0 (recipes/releases/)", pattern=r"[a-z0-9][a-z0-9.-]*"
    )
    hypervisor: Hypervisor = key("the hypervisor", factory=Hypervisor)
    dom0: Dom0 = key("the control domain", factory=Dom0)
    drivers: list[str] = key("driver sets for every guest", factory=list)
    domains: dict[str, Domain] = key("guests by name", factory=dict)
    images: list[Image] = key("what to build", factory=list)
    tests: list[Test] = key("what a boot must show", factory=list)
    sources: dict[str, Source] = key("more inputs by name", factory=dict)
