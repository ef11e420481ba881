"""Rules of a dom0 that is a unikernel (`dom0.kind`): what it can do for guests, and what a test can ask of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from xenbuild.spec.block import Node
from xenbuild.spec.cpus import parse_cpus
from xenbuild.spec.domain import Domain
from xenbuild.spec.model import Declaration
from xenbuild.spec.problems import Problems
from xenbuild.spec.recipe import HypervisorRecipe, Recipe, Release
from xenbuild.spec.scalars import format_size, quote

# dom0-image/unikernel/config.h
MAX_NAME, MAX_DISKS, MAX_NETWORKS, MAX_CMDLINE, MAX_CPU = 31, 4, 4, 1023, 31
GRUB_MENU = "/boot/grub/grub.cfg"
# What to do about files and disks of guests that dom0 has no room for.
MORE = "write dom0.memory: {} at least, or give large disks as `path: /dev/…`, a device that dom0 drives"
_DISK = re.compile(r"xvd[a-p]")

Rule = tuple[bool, Node, str, str, str]  # broken, node, key, message, advice


def settle(made: Declaration, recipes: Sequence[Recipe], problems: Problems) -> Declaration:
    """The declaration with its kind of dom0 written out, judged if that is a unikernel."""
    kinds = next((recipe.dom0 for recipe in recipes if isinstance(recipe, HypervisorRecipe)), {})
    kind = made.dom0.kind or next(iter(kinds), "linux")
    if kind not in kinds:
        message = f"{made.target} has no dom0 of kind {kind}"
        problems.add(made.dom0.at("kind"), message, f"kinds here: {', '.join(kinds)}")
    elif kind == "unikernel" and made.target.arch not in ("x86_64", "ia32"):
        advice = "write kind: linux, or give the x86 target its own dom0 with `when`"
        problems.add(made.dom0.at("kind"), "the unikernel as dom0 is made for x86", advice)
    elif kind == "unikernel":
        _check(made, problems)
        _check_disks(made, kinds[kind].memory, problems)
        _check_packages(made, recipes, problems)
    return replace(made, dom0=replace(made.dom0, kind=kind))


def _check(made: Declaration, problems: Problems) -> None:
    rules = [*_dom0(made)]
    for name, domain in made.domains.items():
        rules += _guest(name, domain)
    for image in made.images:
        advice = "it does not tell which copy is good; remove slots"
        rules.append((image.slots is not None, image, "slots", "slots with a dom0 that is a unikernel", advice))
    for test in made.tests:
        for step in test.steps:
            advice = "use `send` and `expect`; its commands are listed by help"
            message = f"test {test.name}: dom0 is a unikernel, where no command can be `run`"
            rules.append((step.run is not None and step.guest is None, step, "run", message, advice))
    for broken, node, key, message, advice in rules:
        if broken:
            problems.add(node.at(key), message, advice)


def _check_disks(made: Declaration, own: int, problems: Problems) -> None:
    """Disks of a stated size lie in dom0's memory, beside what it needs itself; parts/hvdomains.py asks the rest."""
    disks = [(disk, disk.size) for domain in made.domains.values() for disk in domain.disks if disk.size]
    needed = own + sum(size for _, size in disks)
    if disks and needed > made.dom0.memory >= own:
        largest, size = max(disks, key=lambda pair: pair[1])
        message = (
            f"dom0 keeps guests' disks in its memory, {format_size(made.dom0.memory)}, and this one does not fit in"
        )
        problems.add(
            largest.at("size"), message, f"{MORE.format(format_size(needed))}; this disk has {format_size(size)}"
        )


def _check_packages(made: Declaration, recipes: Sequence[Recipe], problems: Problems) -> None:
    """An architecture that the release has no packages for: guests bring their kernels."""
    release = next((recipe for recipe in recipes if isinstance(recipe, Release)), None)
    if release is None or made.target.arch in release.architectures:
        return
    for name, domain in made.domains.items():
        if domain.kernel is None and not (domain.boot == "grub" and _brings_menu(domain)):
            message = f"domains.{name}: {made.release} has no packages for {made.target.arch}, so no kernel either"
            advice = "name a kernel, for instance a source of kind unikernel"
            if domain.boot == "grub":
                advice = f"put {GRUB_MENU} and a kernel on the first disk, with `files`"
            problems.add(domain.at("kernel" if domain.boot != "grub" else "boot"), message, advice)


def _brings_menu(domain: Domain) -> bool:
    """Whether GRUB's configuration on the first disk is the user's, and with it what GRUB starts."""
    first = domain.disks[0] if domain.disks else None
    if first is None or first.filesystem is None:
        return True  # a disk of the user's, or an error that is reported elsewhere
    return any(file.path == GRUB_MENU for file in first.files)


def _dom0(made: Declaration) -> Iterator[Rule]:
    dom0 = made.dom0
    for key in ("packages", "files", "users", "modules"):
        message = f"dom0.{key}: dom0 is a unikernel, which has none"
        yield bool(getattr(dom0, key)), dom0, key, message, "remove them, or write dom0.kind: linux"
    yield dom0.type == "pvh", dom0, "type", "dom0.type: a dom0 that is a unikernel is pv", "remove type"
    yield dom0.kernel is not None, dom0, "kernel", "dom0.kernel beside dom0.kind: unikernel", "remove one of them"


def _known_cpus(text: str | None) -> bool:
    """Whether dom0 can be told these CPUs. What is wrong for every dom0 is said elsewhere (spec/host.py)."""
    if text in (None, "all"):
        return True
    try:
        cpus = parse_cpus(text)
    except ValueError:
        return True
    return cpus is not None and all(cpu <= MAX_CPU for cpu in cpus)


def _guest(name: str, domain: Domain) -> Iterator[Rule]:
    what = f"domains.{name}: dom0 is a unikernel, which"
    yield len(name) > MAX_NAME, domain, "", f"{what} takes names up to {MAX_NAME} characters", "give it a shorter one"
    yield domain.type != "pv", domain, "type", f"{what} starts pv guests only", "write type: pv"
    for key, lacks in (
        ("pci", "hands no devices out"), ("settings", "does not know xl.cfg(5)"),
        ("max_memory", "gives no more than memory"), ("max_vcpus", "gives no more than vcpus"),
    ):  # fmt: skip
        yield bool(getattr(domain, key)), domain, key, f"{what} {lacks}", f"remove {key}"
    if domain.framebuffer is not None:
        for key in ("listen", "display", "keymap"):
            said = key in domain.framebuffer.origins
            yield said, domain.framebuffer, key, f"{what} has no VNC but the machine's own screen", f"remove {key}"
    advice = f"write numbers and ranges up to {MAX_CPU}, such as 0-1,3"
    yield not _known_cpus(domain.cpus), domain, "cpus", f"{what} does not know these CPUs", advice
    yield domain.boot == "firmware", domain, "boot", f"{what} has no firmware", "write boot: grub, or name a kernel"
    yield domain.on_shutdown == "save", domain, "on_shutdown", f"{what} has no disk to save to", "write destroy"
    long = sum(len(word) + 1 for word in domain.cmdline) > MAX_CMDLINE
    yield long, domain, "cmdline", f"{what} takes command lines up to {MAX_CMDLINE} characters", "make it shorter"
    for key, most in (("disks", MAX_DISKS), ("networks", MAX_NETWORKS), ("after", 1)):
        count = len(getattr(domain, key))
        yield count > most, domain, key, f"{what} takes up to {most} of `{key}`, not {count}", "remove some"
    for disk in domain.disks:
        bad = disk.name is not None and not _DISK.fullmatch(disk.name)
        yield bad, disk, "name", f"{what} has no disk {quote(disk.name or '')}", "disks are xvda to xvdp"
        yield disk.format != "raw", disk, "format", f"{what} reads raw images only", "convert it with qemu-img"
        yield disk.cdrom, disk, "cdrom", f"{what} has no CD drives", "remove cdrom"
