"""Action: the kernel's package -> the kernel, and a tree of just the modules that the driver sets name.

params: kernel (pattern of the kernel's file), modules (names, in the order in which they shall be loaded), options (by
module, the option of the kernel's configuration that gives it), builtin (options that must be built in).
input: deb.  outputs: about (parts/about.py), kernel (file), modules (tree: usr/lib/modules/VERSION/..., and LIST, the
files to load in order).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase

from xenbuild.errors import FormatError
from xenbuild.formats.deb import Deb, DebMember, read_deb
from xenbuild.formats.kmod import ModuleInfo, decompress, is_module, module_name, read_modinfo
from xenbuild.parts.about import keep
from xenbuild.parts.unpack import merged, store_member
from xenbuild.plan.job import Job
from xenbuild.store.tree import Entry, FileEntry, Tree

LIST = "etc/xenbuild/modules"  # one path a line, relative to /usr/lib/modules


class Modules:
    """The modules of a kernel's package by name, unpacked only when asked for."""

    def __init__(self, deb: Deb, options: Mapping[str, str] | None = None) -> None:
        self._deb = deb
        self._members: dict[str, DebMember] = {}
        self._read: dict[str, tuple[ModuleInfo, bytes]] = {}
        self._config: dict[str, str] = {}
        self._options = {module_name(name): option for name, option in (options or {}).items()}
        self.builtin: set[str] = set()
        for member in deb.members():
            if member.kind == "file" and is_module(member.name):
                self._members[module_name(member.name)] = member
            elif member.name.endswith("/modules.builtin"):
                self.builtin = {module_name(line) for line in deb.read(member).decode().split()}
            elif member.name.startswith("boot/config-"):
                self._config = parse_config(deb.read(member).decode())
        # What is no module in any configuration is not in modules.builtin.
        self.builtin |= {name for name, option in self._options.items() if self._config.get(option) == "y"}

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def path(self, name: str) -> str:
        """Where the module goes, unpacked, with /lib merged into /usr."""
        path = merged(self._members[name].name)
        return path[: path.rindex(".ko") + 3]

    def load(self, name: str) -> tuple[ModuleInfo, bytes]:
        """The module's own description and its ELF file."""
        if name not in self._read:
            member = self._members[name]
            data = decompress(member.name, self._deb.read(member))
            self._read[name] = read_modinfo(data, member.name), data
        return self._read[name]

    def missing(self, name: str, wanted_by: str = "") -> FormatError:
        """The error for a module that this kernel does not have."""
        near = get_close_matches(name, [*self._members, *self.builtin], n=3)
        for_whom = f" (needed by {wanted_by})" if wanted_by else ""
        message = f"kernel {self._name} has no module {name}{for_whom}"
        if option := self._options.get(name):
            advice = f"give a kernel that is built with {option}=m or {option}=y, or take out the driver set"
            return FormatError(f"{message}: it is built without {option}", advice=advice)
        advice = f"the nearest names are {', '.join(near)}" if near else "take it out of the driver set or of `modules`"
        return FormatError(message, advice=advice)

    def check_builtin(self, options: Iterable[str]) -> None:
        """Raises FormatError for the first option that is not built in."""
        for option in options:
            if self._config.get(option) != "y":
                advice = f"give a kernel that is built with {option}=y, or take out the driver set"
                raise FormatError(f"kernel {self._name} is built without {option}", advice=advice)

    @property
    def _name(self) -> str:
        return self._deb.control.get("Package", str(self._deb.path))


def parse_config(text: str) -> dict[str, str]:
    """A kernel's configuration: the options that are set, and to what (Linux, Documentation/kbuild/kconfig.rst)."""
    lines = (line.partition("=") for line in text.splitlines() if line.startswith("CONFIG_"))
    return {name: value.strip('"') for name, equals, value in lines if equals}


def closure(modules: Modules, names: Iterable[str]) -> list[str]:
    """The named modules and all that they need, each behind what it needs; those that are built in are left out."""
    order: dict[str, None] = {}
    open_names: set[str] = set()

    def visit(name: str, wanted_by: str) -> None:
        if name in order or name in modules.builtin or name in open_names:
            return
        if name not in modules:
            raise modules.missing(name, wanted_by)
        open_names.add(name)
        info, _ = modules.load(name)
        for soft in info.softdeps:
            if soft in modules:  # it may also be an alias, which only modprobe can follow
                visit(soft, name)
        for need in info.depends:
            visit(need, name)
        order[name] = None

    for name in names:
        visit(module_name(name), "")
    return list(order)


def run(job: Job) -> None:
    pattern = job.params["kernel"]
    with read_deb(job.path("deb"), scratch=job.folder) as deb:
        kernels = [m for m in deb.members() if m.kind == "file" and fnmatchcase(m.name, pattern)]
        if len(kernels) != 1:
            raise FormatError(
                f"{deb.control.get('Package')} has {len(kernels)} files {pattern}, where one kernel should be"
            )
        keep(job, deb)
        job.put_file("kernel", store_member(job.store, deb, kernels[0]))
        modules = Modules(deb, job.params["options"])
        modules.check_builtin(job.params["builtin"])
        names = closure(modules, job.params["modules"])
        entries: dict[str, Entry] = {
            modules.path(name): FileEntry(job.store.put_bytes(modules.load(name)[1])) for name in names
        }
    lines = "".join(modules.path(name).removeprefix("usr/lib/modules/") + "\n" for name in names)
    entries[LIST] = FileEntry(job.store.put_bytes(lines.encode()))
    job.put_tree("modules", Tree(entries))
