"""What types cannot say: rules between the keys of a block, and between blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from xenbuild.errors import Position
from xenbuild.spec.block import Node
from xenbuild.spec.convert import Check
from xenbuild.spec.disks import check_disk
from xenbuild.spec.dom0 import Bridge, Dom0, File, User
from xenbuild.spec.domain import Disk, Domain, Network
from xenbuild.spec.guests import check_guests, check_network
from xenbuild.spec.image import Data, Menu, Signing, Slots
from xenbuild.spec.images import check_data, check_images, check_menu, check_slots
from xenbuild.spec.machines import check_memory
from xenbuild.spec.model import Declaration, Source
from xenbuild.spec.problems import Problems, nearest
from xenbuild.spec.proof import Drive, Machine, Shows, Step, Test
from xenbuild.spec.recipe import Dom0Kind
from xenbuild.spec.scalars import quote

MIN_GUEST_MEMORY = 4 << 20
MIN_MACHINE_MEMORY = 16 << 20  # what the guests of a test need is asked by spec/machines.py


def _exactly_one(node: Node, names: tuple[str, ...], what: str, problems: Problems, *, none_ok: bool = False) -> None:
    given = [name for name in names if getattr(node, name) is not None]
    said = [name.rstrip("_") for name in names]
    listed = ", ".join(said[:-1]) + f" or {said[-1]}"
    if len(given) > 1:
        one, other = (name.rstrip("_") for name in given[:2])
        problems.add(node.at(given[1]), f"{what} has both {one} and {other}", f"write exactly one of {listed}")
    elif not given and not none_ok:
        problems.add(node.at(), f"{what} does nothing: it has no {listed}", f"write exactly one of {listed}")


def _file(file: File, problems: Problems) -> None:
    what = f"file {file.path}"
    _exactly_one(file, ("content", "source", "symlink"), what, problems)
    if ".." in file.path.split("/"):
        problems.add(file.at("path"), f"{what}: '..' in the path", "write the path without it")


def _user(user: User, problems: Problems) -> None:
    crypt = re.fullmatch(r"\$[0-9a-z]+\$[^:\s]{8,}|[!*].*", user.password_hash)
    if not crypt or ":" in user.password_hash:
        advice = "`openssl passwd -6` prints a hash; '!' locks the password"
        problems.add(user.at("password_hash"), f"user {user.name}: this is no password hash", advice)
    if not 0 <= user.uid < 2**32 - 1:
        problems.add(user.at("uid"), f"user {user.name}: uid {user.uid} is out of range", "use 0 to 4294967294")
    for name in ("home", "shell"):
        value = getattr(user, name)
        if value is not None and not value.startswith("/"):
            problems.add(user.at(name), f"user {user.name}: {name} {quote(value)} is not absolute", "start it with /")


def _bridge(bridge: Bridge, problems: Problems) -> None:
    if bridge.address is None:
        return
    import ipaddress

    try:
        if "/" not in bridge.address:
            raise ValueError
        ipaddress.ip_interface(bridge.address)
    except ValueError:
        message = f"dom0.bridge.address: {quote(bridge.address)} is no address with prefix length"
        problems.add(bridge.at("address"), message, "write for example 10.9.0.1/24, or null for none")


def _dom0(dom0: Dom0, problems: Problems) -> None:
    _at_least(dom0, "vcpus", 0, "dom0.vcpus", problems)
    if dom0.initramfs and not dom0.kernel:
        advice = "name the kernel that it belongs to, or use dom0.files and dom0.packages"
        problems.add(dom0.at("initramfs"), "dom0.initramfs without dom0.kernel", advice)
    _distinct(dom0, "files", [file.path for file in dom0.files], "file", problems)
    _distinct(dom0, "users", [user.name for user in dom0.users], "user", problems)
    _words(dom0, "cmdline", dom0.cmdline, problems)


def _step(step: Step, problems: Problems) -> None:
    kinds = ("run", "expect", "send", "screenshot", "machine")
    given = [name for name in kinds if getattr(step, name) is not None]
    if not given:
        advice = "write at least one of them"
        problems.add(step.at(), f"step does nothing: it has no {', '.join(kinds[:-1])} or {kinds[-1]}", advice)
    elif len(given) > 1 and given != ["run", "expect"]:
        problems.add(step.at(given[1]), f"step has both {given[0]} and {given[1]}", "make two steps of them")
    for name, of, why in (
        ("retry", "run", "`expect` waits by itself"),
        ("shows", "screenshot", "only a picture can show something"),
    ):
        if getattr(step, name) and getattr(step, of) is None:
            problems.add(step.at(name), f"{name} without {of}", why)
    if step.guest is not None and step.machine is not None:
        problems.add(step.at("guest"), "step has both machine and guest", "to stop a guest, `run` xl in dom0")
    if step.status and step.run is None:
        problems.add(step.at("status"), "status without run", "only a command has an exit status")
    if not 0 <= step.status <= 255:
        problems.add(step.at("status"), f"status {step.status} is out of range", "use 0 to 255")
    if step.expect is not None:
        _regex(step.expect, step.at("expect"), problems)
    _positive(step, "within", step.within, problems)


def _machine(machine: Machine, problems: Problems) -> None:
    if machine.memory is not None:
        check_memory(machine, machine.memory, MIN_MACHINE_MEMORY, "machine.memory", problems)
    if machine.cpus is not None:
        _at_least(machine, "cpus", 1, "machine.cpus", problems)


def _drive(drive: Drive, problems: Problems) -> None:
    _exactly_one(drive, ("file", "size"), "drive", problems)
    if drive.size is not None and (drive.size <= 0 or drive.size % 512):
        problems.add(drive.at("size"), "size of the drive is no multiple of 512", 'write for example "64M"')


def _shows(shows: Shows, problems: Problems) -> None:
    if shows.like is None and not shows.colors:
        problems.add(shows.at(), "shows states nothing: it has no like or colors", "write at least one of them")
    if shows.like is None and shows.difference:
        problems.add(shows.at("difference"), "difference without like", "name the picture that it differs from")


def _test(test: Test, problems: Problems) -> None:
    for index, pattern in enumerate(test.forbid):
        _regex(pattern, test.at(f"forbid[{index}]"), problems)
    for name, patterns in test.forbid_in.items():
        for index, pattern in enumerate(patterns):
            _regex(pattern, test.at(f"forbid_in.{name}[{index}]"), problems)
    if not any(_asserts(step) for step in test.steps):
        advice = "add a step with expect or run; without one the test proves nothing"
        problems.add(test.at("steps"), f"test {test.name} asserts nothing", advice)
    _positive(test, "timeout", test.timeout, problems)
    _words(test, "cmdline", test.cmdline, problems)


def _asserts(step: Step) -> bool:
    return any((step.expect, step.run, step.shows, step.machine in ("suspend", "switched-off")))


def _guests_of_test(made: Declaration, test: Test, problems: Problems) -> None:
    named = [(step.guest, step.at("guest")) for step in test.steps if step.guest is not None]
    named += [(name, test.at(f"forbid_in.{name}")) for name in test.forbid_in]
    for name, at in named:
        if name not in made.domains:
            advice = nearest(name, made.domains, show="guests") or "declare it under domains"
            problems.add(at, f"test {test.name} speaks of an unknown guest {quote(name)}", advice)


def _domain(domain: Domain, problems: Problems) -> None:
    check_memory(domain, domain.memory, MIN_GUEST_MEMORY, "memory of the guest", problems)
    _at_least(domain, "vcpus", 1, "vcpus of the guest", problems)
    if domain.initramfs and not domain.kernel:
        problems.add(domain.at("initramfs"), "initramfs without kernel", "name the kernel that it belongs to")
    _words(domain, "cmdline", domain.cmdline, problems)


def _source(source: Source, problems: Problems) -> None:
    _exactly_one(source, ("apt", "file", "git", "url", "program", "unikernel"), "source", problems)
    needs: dict[str, tuple[str, ...]] = {"apt": ("suites", "keyring"), "git": ("commit",), "url": ("sha256",)}
    needs |= dict.fromkeys(("file", "program", "unikernel"), ())
    if source.program is not None:
        scripts = [file for file in source.program if file.suffix == ".lds"]
        if len(scripts) != 1:
            advice = "name one file that ends in .lds: it says where the program lies in memory (ld(1))"
            problems.add(source.at("program"), f"a program with {len(scripts)} linker scripts", advice)
    for kind, names in needs.items():
        if getattr(source, kind) is None:
            continue
        for name in names:
            if not getattr(source, name):
                problems.add(source.at(kind), f"{kind} source without {name}", f"add {name}")
        _only_with(source, kind, {n for k, ns in needs.items() if k != kind for n in ns} - set(names), problems)


def _signing(signing: Signing, problems: Problems) -> None:
    _exactly_one(signing, ("key_", "variable"), "signing", problems)


def _only_with(source: Source, kind: str, strange: Iterable[str], problems: Problems) -> None:
    for name in sorted(strange):
        if getattr(source, name):
            problems.add(source.at(name), f"{name} has no meaning for a {kind} source", "remove it")


def _declaration(made: Declaration, problems: Problems) -> None:
    if made.version != 1:
        problems.add(made.at("version"), f"version {made.version} of the format is unknown", "known: 1")
    _distinct(made, "images", [image.name for image in made.images], "image", problems)
    _distinct(made, "tests", [test.name for test in made.tests], "test", problems)
    _words(made.hypervisor, "cmdline", made.hypervisor.cmdline, problems)
    images = [image.name for image in made.images]
    for test in made.tests:
        _guests_of_test(made, test, problems)
        if test.image is not None and test.image not in images:
            message = f"test {test.name} boots an unknown image {quote(test.image)}"
            problems.add(test.at("image"), message, nearest(test.image, images, show="images"))
    if made.tests and not images:
        problems.add(made.at("tests"), "tests without an image to boot", "add an entry under images")
    check_guests(made, problems)
    check_images(made, problems)


def _regex(pattern: str, at: Position | None, problems: Problems) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        message = f"{quote(pattern)} is no regular expression: {error}"
        problems.add(at, message, r"write a backslash before characters that are meant literally: \( \[ \+")


def _words(node: Node, name: str, words: list[str], problems: Problems) -> None:
    for index, word in enumerate(words):
        if not word.strip() or any(c in word for c in "\n\r\0"):
            at = node.at(f"{name}[{index}]")
            problems.add(at, f"{quote(word)} is no word of a command line", "write words without line breaks")


def _distinct(node: Node, name: str, values: list[str], what: str, problems: Problems) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            message = f"{what} {quote(value)} is declared twice"
            problems.add(node.at(f"{name}[{index}]"), message, "give each its own name, or remove one")


def _at_least(node: Node, name: str, minimum: int, what: str, problems: Problems) -> None:
    value = getattr(node, name)
    if not minimum <= value <= 4096:
        problems.add(node.at(name), f"{what}: {value} is out of range", f"use {minimum} to 4096")


def _positive(node: Node, name: str, value: float | None, problems: Problems) -> None:
    if value is not None and value <= 0:
        problems.add(node.at(name), f"{name} must be more than 0", "write for example 60s")


def checks(kinds: Mapping[str, Dom0Kind]) -> Mapping[type[Node], Check]:
    """The checks of a declaration that is whole; `kinds` are those of dom0 that its hypervisor has."""

    def dom0(node: Dom0, problems: Problems) -> None:
        _dom0(node, problems)
        kind = kinds.get(node.kind or next(iter(kinds), ""))
        if kind is not None:
            check_memory(node, node.memory, kind.memory, "dom0.memory", problems)

    return {**CHECKS, Dom0: dom0}


CHECKS: Mapping[type[Node], Check] = {
    File: _file,
    User: _user,
    Bridge: _bridge,
    Dom0: _dom0,
    Step: _step,
    Machine: _machine,
    Drive: _drive,
    Shows: _shows,
    Test: _test,
    Domain: _domain,
    Disk: check_disk,
    Network: check_network,
    Source: _source,
    Menu: check_menu,
    Data: check_data,
    Slots: check_slots,
    Signing: _signing,
    Declaration: _declaration,
}
