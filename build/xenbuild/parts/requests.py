"""Which packages a declaration needs: the questions that `xenbuild lock` answers and that a build looks up."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from xenbuild.errors import HostError
from xenbuild.sources.request import Request
from xenbuild.spec.model import Declaration
from xenbuild.spec.recipe import Archive, HypervisorRecipe, Release, Tools, load_recipe

# Architecture -> the one whose packages hold its boot loaders as well.
_FILES_AS = {"ia32": "x86_64"}
_HOST_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # uname -m -> Debian's name


def host_architecture() -> str:
    """Debian's name of this machine's architecture; the tools tree is taken for it."""
    machine = platform.machine()
    if machine not in _HOST_ARCHITECTURES:
        allowed = ", ".join(sorted(_HOST_ARCHITECTURES))
        raise HostError(f"xenbuild does not run on {machine}", advice=f"build on one of: {allowed}")
    return _HOST_ARCHITECTURES[machine]


def part_requests(declaration: Declaration, release: Release) -> dict[str, Request]:
    """The package requests of one target by role.

    The roles are hypervisor, kernel, dom0, device model, cards (those that it emulates), grub, state, `extra` for the
    user's packages in dom0, and `packages ...` for each list of packages that a guest or a disk has.
    """
    hypervisor = load_recipe(HypervisorRecipe, declaration.target.hypervisor, declaration.folder)
    bare_arch = declaration.target.arch not in release.architectures
    arch = release.architectures[_FILES_AS.get(declaration.target.arch, declaration.target.arch)]
    archives = added_archives(declaration)

    def request(
        role: str,
        roots: Sequence[str],
        only: str = "",
        exclude: Sequence[str] = (),
        archives: tuple[Archive, ...] = archives,
    ) -> Request:
        return Request(
            name=f"{declaration.target} {role}",
            release=release,
            arch=arch.debian,
            roots=tuple(roots),
            only=only,
            exclude=tuple(exclude),
            archives=archives,
            folder=declaration.folder,
        )

    bare = declaration.dom0.kind == "unikernel"
    ours = any(domain.kernel is None and domain.boot != "firmware" for domain in declaration.domains.values())
    found = {}
    if any(domain.boot == "grub" for domain in declaration.domains.values()) and arch.grub is not None:
        found["grub"] = request("grub", arch.grub.roots, only="-")
    if bare_arch:
        return found  # spec/unikernel.py saw to it that nothing else is taken from packages
    if not bare or ours:  # guests without a kernel of their own take the release's, and busybox
        found["dom0"] = request("dom0", [*release.dom0.roots, *arch.dom0_roots], exclude=release.dom0.exclude)
    if declaration.hypervisor.file is None and not hypervisor.compiled:
        found["hypervisor"] = request("hypervisor", arch.hypervisor.roots, only=arch.hypervisor.only or "-")
    if declaration.dom0.kernel is None and (not bare or ours):
        found["kernel"] = request("kernel", arch.kernel.roots, only=arch.kernel.only)
    if not bare and needs_device_model(declaration) and arch.device_model is not None:
        found["device model"] = request(
            "device model", arch.device_model.roots, exclude=[*release.dom0.exclude, *arch.device_model.exclude]
        )
    if arch.device_model is not None and emulated_cards(declaration):
        found["cards"] = request("cards", arch.device_model.cards.roots, only="-")
    if declaration.dom0.state is not None and release.state is not None:
        found["state"] = request("state", release.state.roots, exclude=release.state.exclude)
    microcode = declaration.hypervisor.microcode
    if microcode is not None and microcode.packages:
        more = (*_firmware_archives(release), *archives)
        found["microcode"] = request("microcode", microcode.packages, only="-", archives=more)
    if declaration.dom0.packages:
        found["extra"] = request("extra", declaration.dom0.packages, exclude=release.dom0.scripts)
    for names in package_lists(declaration):
        role = role_of(names)
        found[role] = request(role, sorted(set(names)), exclude=release.dom0.scripts)
    return found


def package_lists(declaration: Declaration) -> Iterator[Sequence[str]]:
    """The packages of each guest and of each disk."""
    for domain in declaration.domains.values():
        yield from (names for names in (domain.packages, *(disk.packages for disk in domain.disks)) if names)


def role_of(names: Sequence[str]) -> str:
    """The role of a guest's or a disk's packages: guests with the same packages share a request."""
    return f"packages {' '.join(sorted(set(names)))}"


def needs_device_model(declaration: Declaration) -> bool:
    """Whether dom0 has to emulate hardware for a guest: a PC, a screen, a disk format that the kernel does not know."""
    return any(
        domain.type == "hvm" or domain.framebuffer is not None or any(disk.format != "raw" for disk in domain.disks)
        for domain in declaration.domains.values()
        if domain.start == "toolstack"
    )


def emulated_cards(declaration: Declaration) -> list[str]:
    """The network cards that dom0 emulates, each once."""
    return sorted({n.model for domain in declaration.domains.values() for n in domain.networks if n.model})


def _firmware_archives(release: Release) -> tuple[Archive, ...]:
    """The release's archives once more, of the components that hold what is no free software."""
    if not release.firmware:
        return ()
    return tuple(replace(archive, components=release.firmware) for archive in release.archives)


def added_archives(declaration: Declaration) -> tuple[Archive, ...]:
    """The apt sources of the declaration. The address is the name, so that the lock tells them apart."""
    return tuple(
        Archive(
            name=source.apt.rstrip("/"),
            mirrors=[source.apt],
            suites=source.suites,
            components=source.components,
            keyring=str(source.keyring),
            origins=source.origins,
        )
        for _, source in sorted(declaration.sources.items())
        if source.apt is not None
    )


def tool_requests(tools: Tools, groups: Sequence[str], folder: Path, host: str) -> dict[str, Request]:
    """The requests of the tools tree: one for each group of programs (recipes/tools.yaml). `folder`: as in Request.

    `host` is Debian's name of the architecture of the machine that runs them.
    """
    found = {}
    for group in groups:
        release = load_recipe(Release, tools.releases.get(group, tools.release), folder)
        target = tools.files.get(group)
        found[group] = Request(
            name=f"tools {group}" if target else f"tools {group} on {host}",
            release=release,
            arch=release.architectures[target].debian if target else host,
            roots=tuple(tools.groups[group]),
            only="-" if target else "",
            exclude=(*tools.exclude, *tools.without.get(group, ())),
            archives=_components(release, tools.components.get(group, [])),
            folder=folder,
        )
    return found


def _components(release: Release, names: Sequence[str]) -> tuple[Archive, ...]:
    """More components of the release's first archive, as an archive of their own."""
    if not names:
        return ()
    first = release.archives[0]
    name = f"{first.name} {' '.join(names)}"
    return (Archive(name=name, mirrors=first.mirrors, suites=first.suites, components=[*names], keyring=first.keyring),)


def needed_groups(
    tools: Tools, architectures: Collection[str], host: str, folder: Path, emulators: Collection[str | None]
) -> list[str]:
    """The groups of tools that the declaration in `folder` may need on a host, with targets of these architectures.

    `emulators` are those that its tests name. Tools of tests are those of the project whose recipe it is: nobody else's
    lock has them.
    """
    having = {_FILES_AS.get(arch, arch) for arch in architectures}
    wanted = [group for group in sorted(tools.groups) if tools.files.get(group) in (None, *having)]
    if not tools.file.is_relative_to(folder):
        unasked = {"bochs"}.difference(emulators)
        wanted = [group for group in wanted if group.split("-")[0] != "test" and group not in unasked]
    return [group for group in wanted if group not in tools.hosts[host]]
