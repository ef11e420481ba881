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
from xenbuild.spec.model import Declaration, Image, Target
from xenbuild.spec.partition import needs
from xenbuild.spec.problems import Problems
from xenbuild.spec.reader import read_yaml


@dataclass(kw_only=True)
class Row(Node):
    """A product of combinations that work."""

    hypervisor: str = key("hypervisor")
    arch: list[str] = key("architectures")
    release: list[str] = key("releases")
    guests: dict[str, list[str]] = key("types of guest, and the architectures that each may have", factory=dict)
    media: dict[str, list[str]] = key("media, and the firmware that starts each")
    features: list[str] = key(
        "what the release's own hypervisor was built with, of the features in recipes/hypervisors/", factory=list
    )


@dataclass(kw_only=True)
class Case(Node):
    """What a combination must match; an absent key matches everything."""

    hypervisor: str | None = key("hypervisor", default=None)
    arch: str | None = key("architecture", default=None)
    release: str | None = key("release", default=None)
    guest: str | None = key("type of guest", default=None)
    guest_arch: str | None = key("architecture of the guest", default=None)
    feature: str | None = key("feature of the hypervisor", default=None)

    def fits(self, facts: dict[str, str]) -> bool:
        names = ("hypervisor", "arch", "release", "guest", "guest_arch", "feature")
        wanted = {name: getattr(self, name) for name in names}
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
    """Judge guests and images of a declaration against the row of its target."""
    for name, domain in made.domains.items():
        _check_guest(made, row, name, domain, problems)
    for image in made.images:
        _check_image(made.target, row, image, problems)
    if made.hypervisor.file is None:  # one of the user's own is judged by what is in it (compose/dom0less.py)
        _check_features(made, row, problems)


def _check_features(made: Declaration, row: Row, problems: Problems) -> None:
    for need in needs(made):
        if need.feature not in row.features:
            facts = {"hypervisor": made.target.hypervisor, "arch": made.target.arch, "release": made.release}
            message = f"{need.where}: {made.target} of {made.release} cannot do it"
            otherwise = "remove it, or set hypervisor.file to a Xen that was built with it"
            problems.take(table().explain(message, facts | {"feature": need.feature}, need.at, otherwise))


def _check_guest(made: Declaration, row: Row, name: str, domain: Domain, problems: Problems) -> None:
    arch = domain.arch or made.target.arch
    if arch in row.guests.get(domain.type, []):
        return
    facts = {"hypervisor": made.target.hypervisor, "arch": made.target.arch, "release": made.release}
    facts |= {"guest": domain.type, "guest_arch": arch}
    possible = [f"{kind} ({', '.join(archs)})" for kind, archs in row.guests.items()]
    at = domain.at("arch" if domain.type in row.guests and domain.arch else "type")
    guest = domain.type if arch == made.target.arch else f"{arch} {domain.type}"
    message = f"domains.{name}: {made.target} has no {guest} guests"
    problems.take(table().explain(message, facts, at, f"types of guest here: {', '.join(possible) or 'none'}"))


def _check_image(target: Target, row: Row, image: Image, problems: Problems) -> None:
    if image.medium not in row.media:
        media = ", ".join(row.media)
        problems.add(image.at("medium"), f"{target} has no medium '{image.medium}'", f"media here: {media}")
    elif image.firmware and image.firmware not in row.media[image.medium]:
        firmware = ", ".join(row.media[image.medium])
        message = f"medium {image.medium} on {target} is not started by {image.firmware}"
        problems.add(image.at("firmware"), message, f"firmware here: {firmware}")


def _targets() -> list[str]:
    return [f"{arch}/{row.hypervisor}" for row in table().possible for arch in row.arch]
