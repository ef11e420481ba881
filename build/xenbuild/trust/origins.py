"""Which packages and sources each part of a bundle is made of, found in the plan itself: nothing is listed by hand.

What an action has as its input "tools" is what it works with, not what it works on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from xenbuild.parts import about
from xenbuild.parts.packages import blob
from xenbuild.plan.action import Action, File, Input, OutputOf
from xenbuild.sources.lock import LockedPackage
from xenbuild.store.digest import Digest

_TOOLS = "tools"
_OURS = ("loader", "kernel_notes")  # inputs of the composing action that are no parts of their own
_PICKS = "xenbuild.parts.toolstack:run"  # takes single files of packages
_SOURCES = {"xenbuild.parts.sourced:url": "url", "xenbuild.parts.sourced:git": "git"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A source of the declaration that is no package: its address, and its SHA-256 or commit."""

    address: str
    sha256: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Origins:
    """By name of the part: packages and sources; by name of the image: packages that are in it beside the parts.

    `described` will hold what the packages say about themselves.
    """

    packages: Mapping[str, tuple[LockedPackage, ...]]
    images: Mapping[str, tuple[LockedPackage, ...]]
    sources: Mapping[str, tuple[Fetched, ...]]
    tools: tuple[LockedPackage, ...]
    described: OutputOf

    @property
    def content(self) -> list[LockedPackage]:
        """Every package that something in the images is from."""
        return sorted({one for packages in (*self.packages.values(), *self.images.values()) for one in packages})


def origins(compose: Action, images: Mapping[str, OutputOf], locked: Sequence[LockedPackage]) -> Origins:
    """Follow the plan from the parts of a bundle, and from its images, to the files that it begins with."""
    known = {blob(package).digest: package for package in locked}
    parts = {name: _closure([source]) for name, source in compose.inputs.items() if name not in _OURS}
    packages = {name: tuple(_packages(actions, known)) for name, actions in parts.items()}
    sources = {name: tuple(_fetched(actions)) for name, actions in parts.items()}
    inside = {package for each in packages.values() for package in each}
    around = {name: _closure([image], without=compose) for name, image in images.items()}  # boot loaders, say
    beside = {name: tuple(p for p in _packages(each, known) if p not in inside) for name, each in around.items()}
    used = sorted({*inside, *(package for each in beside.values() for package in each)})
    working = _closure([compose.inputs["loader"], *images.values()], tools=True)
    tools = tuple(package for package in _packages(working, known) if package not in used)
    actions = dict.fromkeys(action for each in (*parts.values(), *around.values()) for action in each)
    return Origins(packages, beside, sources, tools, _described(list(actions), used, known))


def _closure(goals: Iterable[Input], tools: bool = False, without: Action | None = None) -> list[Action]:
    """Every action that goals need; those of tools only if asked for, and never one with what only that one needs."""
    found: dict[Action, None] = {}
    todo = [goal.action for goal in goals if isinstance(goal, OutputOf)]
    while todo:
        action = todo.pop()
        if action not in found and action is not without:
            found[action] = None
            inputs = {name: source for name, source in action.inputs.items() if tools or name != _TOOLS}
            todo += [source.action for source in inputs.values() if isinstance(source, OutputOf)]
    return list(found)


def _packages(actions: Iterable[Action], known: Mapping[Digest, LockedPackage]) -> list[LockedPackage]:
    digests = (source.digest for action in actions for source in action.inputs.values() if isinstance(source, File))
    return sorted({known[digest] for digest in digests if digest in known})


def _fetched(actions: Iterable[Action]) -> Iterator[Fetched]:
    for action in actions:
        kind = _SOURCES.get(action.function)
        if kind == "url":
            yield Fetched(action.params["url"], sha256=action.params["sha256"])
        elif kind == "git":
            yield Fetched(action.params["git"], commit=action.params["commit"])


def _described(
    actions: Sequence[Action], used: Sequence[LockedPackage], known: Mapping[Digest, LockedPackage]
) -> OutputOf:
    """The action that gathers what the packages say: see trust/packages.py."""
    kept: dict[LockedPackage, OutputOf] = {}  # what some action keeps about a package
    trees: dict[Action, LockedPackage] = {}  # actions that unpack a package
    consumers: dict[Action, set[str]] = {}
    for action in actions:
        deb = action.inputs.get("deb")
        if isinstance(deb, File) and deb.digest in known and "about" in action.outputs:
            kept.setdefault(known[deb.digest], action.output("about"))
            trees[action] = known[deb.digest]
        for source in action.inputs.values():
            if isinstance(source, OutputOf):
                consumers.setdefault(source.action, set()).add(action.function)
    names = {f"{number:04}": package for number, package in enumerate(used)}
    inputs: dict[str, Input] = {
        name: kept.get(package) or about.read(package.name, blob(package)) for name, package in names.items()
    }
    picked = []
    for number, action in enumerate(one for one in actions if one.function == _PICKS):
        sole = {
            f"{number}.{name}": (source, trees[source.action].id)
            for name, source in action.inputs.items()
            if isinstance(source, OutputOf) and source.action in trees and consumers[source.action] == {_PICKS}
        }
        inputs.update({name: source for name, (source, _) in sole.items()})
        inputs[f"{number}"] = action.output("tree")
        picked.append({"tree": f"{number}", "packages": {name: id for name, (_, id) in sole.items()}})
    params = {"names": {name: package.id for name, package in names.items()}, "picked": picked}
    gather = Action("describe the packages", "xenbuild.trust.packages:run", params, inputs, ("packages",))
    return gather.output("packages")
