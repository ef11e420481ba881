"""What goes with what: architecture x hypervisor x release x guest x medium x firmware, from recipes/capabilities.yaml.

The table allows; a combination that no row has is refused before anything is fetched or built.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from xenbuild.errors import DeclarationError, Position
from xenbuild.spec.block import Node, key
from xenbuild.spec.convert import Converter
from xenbuild.spec.data import data_dir
from xenbuild.spec.domain import Domain
from xenbuild.spec.image import Image
from xenbuild.spec.keys import keys
from xenbuild.spec.model import Declaration, Target
from xenbuild.spec.partition import needs
from xenbuild.spec.problems import Problems
from xenbuild.spec.proof import Test
from xenbuild.spec.reader import read_yaml


@dataclass(kw_only=True)
class Row(Node):
    """A product of combinations that work."""

    hypervisor: str = key("hypervisor")
    arch: list[str] = key("architectures")
    release: list[str] = key("releases")
    guests: dict[str, list[str]] = key("types of guest, and the architectures that each may have", factory=dict)
    dom0: list[str] = key("types of dom0 that can be chosen", factory=list)
    media: dict[str, list[str]] = key("media, and the firmware that starts each")
    features: list[str] = key(
        "what the release's own hypervisor was built with, of the features in recipes/hypervisors/", factory=list
    )
    lacks: list[str] = key("keys of xl.cfg(5) that the packages cannot serve", factory=list)
    without: dict[str, list[str]] = key("keys of an image that mean nothing here, by medium", factory=dict)


@dataclass(kw_only=True)
class MediumRow(Node):
    """What a medium knows, whatever the target."""

    keys: list[str] = key("keys of an image that mean something here", factory=list)
    attach: list[str] = key("ways in which a machine can have it, the usual one first", factory=list)


@dataclass(kw_only=True)
class Case(Node):
    """What a combination must match; an absent key matches everything."""

    hypervisor: str | None = key("hypervisor", default=None)
    arch: str | None = key("architecture", default=None)
    release: str | None = key("release", default=None)
    guest: str | None = key("type of guest", default=None)
    guest_arch: str | None = key("architecture of the guest", default=None)
    medium: str | None = key("medium of the image", default=None)
    firmware: str | None = key("firmware that should start it", default=None)
    dom0: str | None = key("type of dom0", default=None)
    setting: str | None = key("key of xl.cfg(5) that a guest sets", default=None)
    feature: str | None = key("feature of the hypervisor", default=None)
    option: str | None = key("key of an image", default=None)

    def fits(self, facts: dict[str, str]) -> bool:
        wanted = {name: getattr(self, name) for name in keys(Case)}
        return all(facts.get(name) == value for name, value in wanted.items() if value is not None)


@dataclass(kw_only=True)
class Reason(Node):
    """Why something is impossible, and what to do instead."""

    if_: Case = key("when this explains the refusal")
    because: str = key("why it is impossible")
    instead: str = key("what to do instead")


@dataclass(kw_only=True)
class Table(Node):
    possible: list[Row] = key("what works")
    media: dict[str, MediumRow] = key("media")
    why: list[Reason] = key("explanations of what does not", factory=list)

    def explain(self, message: str, facts: dict[str, str], at: Position | None, otherwise: str) -> DeclarationError:
        """The error for a refused combination, with the table's reason if it has one."""
        for reason in self.why:
            if reason.if_.fits(facts):
                return DeclarationError(f"{message}: {reason.because}", at=at, advice=reason.instead)
        return DeclarationError(message, at=at, advice=otherwise)


@cache
def table() -> Table:
    problems = Problems()
    made = Converter(problems).block(read_yaml(data_dir("recipes") / "capabilities.yaml"), Table)
    problems.check()
    return made


def find_row(target: Target, release: str, at: Position | None) -> Row:
    """The row of a target in a release. Raises DeclarationError at `at` (the release or target) if there is none."""
    rows = [r for r in table().possible if r.hypervisor == target.hypervisor and target.arch in r.arch]
    for row in rows:
        if release in row.release:
            return row
    facts = {"hypervisor": target.hypervisor, "arch": target.arch, "release": release}
    with_releases = sorted({name for row in rows for name in row.release})
    otherwise = f"releases that have it: {', '.join(with_releases)}" if rows else f"targets: {', '.join(_targets())}"
    raise table().explain(f"{target} is not possible with release {release}", facts, at, otherwise)


def check_possible(made: Declaration, row: Row, problems: Problems) -> None:
    """Judge dom0, guests and images of a declaration against the row of its target."""
    _check_dom0(made, row, problems)
    for name, domain in made.domains.items():
        _check_guest(made, row, name, domain, problems)
    for image in made.images:
        _check_image(made, row, image, problems)
    for test in made.tests:
        _check_machine(made, row, test, problems)
    if made.hypervisor.file is None:  # one of the user's own is judged by what is in it (compose/dom0less.py)
        _check_features(made, row, problems)


def _check_features(made: Declaration, row: Row, problems: Problems) -> None:
    for need in needs(made):
        if need.feature not in row.features:
            facts = _facts(made) | {"feature": need.feature}
            message = f"{need.where}: {made.target} of {made.release} cannot do it"
            otherwise = "remove it, or set hypervisor.file to a Xen that was built with it"
            problems.take(table().explain(message, facts, need.at, otherwise))


def _check_dom0(made: Declaration, row: Row, problems: Problems) -> None:
    if made.dom0.type is None or made.dom0.type in row.dom0:
        return
    facts = _facts(made) | {"dom0": made.dom0.type}
    message = f"dom0.type: {made.target} has no {made.dom0.type} dom0"
    problems.take(table().explain(message, facts, made.dom0.at("type"), f"types here: {', '.join(row.dom0) or 'none'}"))


def _facts(made: Declaration) -> dict[str, str]:
    return {"hypervisor": made.target.hypervisor, "arch": made.target.arch, "release": made.release}


def _check_guest(made: Declaration, row: Row, name: str, domain: Domain, problems: Problems) -> None:
    arch = domain.arch or made.target.arch
    facts = _facts(made) | {"guest": domain.type, "guest_arch": arch}
    for setting in domain.settings:
        if setting in row.lacks:
            message = f"domains.{name}: {made.release} cannot serve {setting}"
            at = domain.at(f"settings.{setting}")
            problems.take(table().explain(message, facts | {"setting": setting}, at, "remove it"))
    if arch in row.guests.get(domain.type, []):
        return
    possible = [f"{kind} ({', '.join(archs)})" for kind, archs in row.guests.items()]
    at = domain.at("arch" if domain.type in row.guests and domain.arch else "type")
    guest = domain.type if arch == made.target.arch else f"{arch} {domain.type}"
    message = f"domains.{name}: {made.target} has no {guest} guests"
    problems.take(table().explain(message, facts, at, f"types of guest here: {', '.join(possible) or 'none'}"))


def _check_image(made: Declaration, row: Row, image: Image, problems: Problems) -> None:
    if image.medium not in row.media:
        facts = _facts(made) | {"medium": image.medium}
        message = f"{made.target} has no medium '{image.medium}'"
        otherwise = f"media here: {', '.join(row.media)}"
        problems.take(table().explain(message, facts, image.at("medium"), otherwise))
        return
    if image.firmware:
        _check_firmware(made, row, image, image.firmware, image.at("firmware"), problems)
    known = table().media[image.medium].keys
    for name in ("label", "menu", "data", "slots", "sign", "card", "start"):
        if getattr(image, name) == keys(Image)[name].default:
            continue
        advice = f"keys of this medium: {', '.join(['name', 'medium', 'firmware', *known])}"
        if name not in known:
            problems.add(image.at(name), f"medium {image.medium} knows no {name}", advice)
        elif name in row.without.get(image.medium, []):
            facts = _facts(made) | {"medium": image.medium, "option": name}
            message = f"medium {image.medium} of {made.target} knows no {name}"
            problems.take(table().explain(message, facts, image.at(name), advice))


def _check_firmware(
    made: Declaration, row: Row, image: Image, firmware: str, at: Position | None, problems: Problems
) -> None:
    possible = row.media[image.medium]
    if firmware in possible:
        return
    facts = _facts(made) | {"medium": image.medium}
    message = f"medium {image.medium} on {made.target} is not started by {firmware}"
    otherwise = f"firmware here: {', '.join(possible) or 'none'}"
    problems.take(table().explain(message, {**facts, "firmware": firmware}, at, otherwise))


def _check_machine(made: Declaration, row: Row, test: Test, problems: Problems) -> None:
    """Whether a test's machine can have its image."""
    image = next((one for one in made.images if test.image in (None, one.name)), None)
    if image is None or image.medium not in row.media:
        return  # said already
    machine, ways = test.machine, table().media[image.medium].attach
    if not ways:
        at = test.at("image") or test.at("name")
        message = f"test {test.name}: no machine boots a {image.medium}"
        problems.add(at, message, "boot an image of another medium")
    elif machine.attach and machine.attach not in ways:
        message = f"test {test.name}: medium {image.medium} is not attached as {machine.attach}"
        problems.add(machine.at("attach"), message, f"ways here: {', '.join(ways)}")
    if machine.firmware:
        _check_firmware(made, row, image, machine.firmware, machine.at("firmware"), problems)


def attached(image: Image, wanted: str | None) -> str:
    """The way in which a machine has an image. Raises DeclarationError if there is none."""
    ways = table().media[image.medium].attach
    if not ways:
        raise DeclarationError(f"no machine boots a {image.medium}", at=image.at("medium"))
    return wanted or ways[0]


def _targets() -> list[str]:
    return [f"{arch}/{row.hypervisor}" for row in table().possible for arch in row.arch]
