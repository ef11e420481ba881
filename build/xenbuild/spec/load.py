"""From a file to the declaration of one target: merged, interpolated, typed and checked.

read (reader) -> includes, profiles (document) -> target -> `when` -> capability -> variables -> types -> checks
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence as SequenceOf
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from xenbuild.errors import DeclarationError, Position
from xenbuild.spec.capability import Row, check_possible, find_row
from xenbuild.spec.checks import CHECKS, checks
from xenbuild.spec.convert import BAD, Converter
from xenbuild.spec.document import (
    HEAD,
    NOT_IN_WHEN,
    Condition,
    Document,
    parse_target,
    read_document,
    read_targets,
    refuse_keys,
)
from xenbuild.spec.dom0 import Dom0
from xenbuild.spec.domain import Domain
from xenbuild.spec.emulator import check_emulators
from xenbuild.spec.guests import check_cards
from xenbuild.spec.host import check_host
from xenbuild.spec.inputs import check_sources
from xenbuild.spec.keys import keys
from xenbuild.spec.merge import merge
from xenbuild.spec.model import Declaration, Target
from xenbuild.spec.nodes import Mapping, Scalar, Sequence, Tree, kind, scalars
from xenbuild.spec.problems import Problems, nearest
from xenbuild.spec.recipe import Board, DriverSet, HypervisorRecipe, Recipe, Release, load_recipe, load_tools
from xenbuild.spec.scalars import quote
from xenbuild.spec.unikernel import settle
from xenbuild.spec.variables import NONCE, Variables, declared


def targets(path: Path, profiles: SequenceOf[str] = ()) -> tuple[list[Target], Target]:
    """The targets that a declaration has, in its order, and the default one."""
    problems = Problems()
    found = read_targets(read_document(path, profiles, problems), problems)
    problems.check()
    return found


def target_named(text: str, path: Path, profiles: SequenceOf[str] = ()) -> Target:
    """The target that a user named on the command line. Raises DeclarationError if the declaration lacks it."""
    problems = Problems()
    target = parse_target(text, None, problems)
    problems.check()
    assert target is not None
    _require(target, targets(path, profiles)[0], path)
    return target


def load(
    path: Path,
    target: Target | None = None,
    profiles: SequenceOf[str] = (),
    variables: MappingOf[str, str] | None = None,
) -> Declaration:
    """The declaration of `target` (the default one if None). `variables` go before those that the file declares.

    Raises DeclarationError, or Errors with all that are in the file.
    """
    problems = Problems()
    document = read_document(path, profiles, problems)
    listed, default = read_targets(document, problems)
    problems.check()
    if target is None:
        target = default
    _require(target, listed, path)
    resolver = _Resolver(document, target, variables or {}, problems)
    tree = resolver.apply_when()
    row = _capability(tree, target, resolver)
    made = _convert(tree, target, document, resolver)
    problems.check()
    assert row is not None  # a declaration without a release did not get here
    check_possible(made, row, problems)
    texts = (scalar.text for scalar in scalars(document.tree))
    check_sources(made, [*texts, *(variables or {}).values()], problems)
    recipes = _recipes(made, problems)
    made = settle(made, recipes, problems)
    _check_host_tools(made, problems)
    release, hypervisor, board = _host(made)
    check_host(made, release, hypervisor, board, problems)
    check_cards(made, release, problems)
    check_emulators(made, board, problems)
    problems.check()
    return replace(made, files=(*document.files, *(recipe.file for recipe in recipes)))


def _require(target: Target, listed: list[Target], path: Path) -> None:
    if target not in listed:
        advice = nearest(str(target), map(str, listed), show="targets")
        raise DeclarationError(f"{path} has no target {target}", advice=advice)


class _Resolver:
    """The document of one target while its overrides are laid on, with the variables as they stand."""

    def __init__(self, document: Document, target: Target, given: MappingOf[str, str], problems: Problems) -> None:
        self.document = document
        self.target = target
        self.given = given
        self.problems = problems
        self.tree = document.tree
        self.variables = self._variables(self.tree)
        names = {*_variable_names(self.tree), *(name for one in document.overlays for name in _variable_names(one))}
        for name in given:
            if name not in names:
                advice = nearest(name, names, show="variables") or f"{document.path} declares no variables"
                raise DeclarationError(f"--set {name}: there is no variable {quote(name)}", advice=advice)

    def _variables(self, tree: Mapping, report: bool = True) -> Variables:
        """The variables of a tree; without `report`, problems with their declaration are left to somebody else."""
        start = Position(self.document.path)
        values = declared(tree.items.get("variables"), self.problems if report else Problems())
        values |= {name: Scalar(text, start) for name, text in self.given.items()}
        for name, text in (("arch", self.target.arch), ("hypervisor", self.target.hypervisor)):
            values[name] = Scalar(text, start, plain=False)
        for name in ("name", "release"):
            written = tree.items.get(name)
            if isinstance(written, Scalar):
                values[name] = written
        return Variables(values, self.problems)

    def expand(self, tree: Mapping, variables: Variables | None = None) -> Mapping:
        """The tree without the keys that were used up and with the variables put in; tests keep the nonce's."""
        using = variables or self.variables
        items = tree.without(*HEAD, "profiles", "when", "when+")
        for key in items.items:
            items.items[key] = using.expand_tree(items.items[key], NONCE if key.rstrip("+") == "tests" else "")
        return items

    def release(self) -> Scalar | None:
        written = self.tree.items.get("release")
        return self.variables.expand(written) if isinstance(written, Scalar) else None

    def apply_when(self) -> Mapping:
        """The tree with every override laid on whose condition holds; each sees what those before it did."""
        written = self.tree.items.get("when", self.tree.items.get("when+"))  # that of a profile, with nothing below
        if written is None:
            return self.tree
        if not isinstance(written, Sequence):
            self.problems.add(written.at, f"when: needs a list, found {kind(written)}", "start each entry with '- if:'")
            return self.tree
        for index, entry in enumerate(written.items):
            where = f"when[{index}]"
            if not isinstance(entry, Mapping) or "if" not in entry.items:
                self.problems.add(
                    entry.at, f"{where}: has no 'if'", "write '- if: {arch: arm64}' and the keys to change"
                )
                continue
            refuse_keys(entry, NOT_IN_WHEN, "an entry of when", self.problems)
            overlay = entry.without("if", *NOT_IN_WHEN)
            self.document.overlays.append(overlay)
            condition = Converter(self.problems).block(_listed(entry.items["if"]), Condition, f"{where}.if")
            release = self.release()
            if condition is not BAD and condition.holds(self.target, release.text if release else ""):
                self.tree = merge(self.tree, overlay, self.problems)
                self.variables = self._variables(self.tree)
        return self.tree

    def check_overlays(self, declaration: dict[str, Any]) -> None:
        """Types and names in profiles and overrides, whether they apply or not."""
        for overlay in self.document.overlays:
            variables = self._variables(merge(self.tree, overlay, Problems()), report=False)
            converter = Converter(self.problems, CHECKS, partial=True)
            converter.block(self.expand(overlay, variables), Declaration, **declaration)


def _listed(tree: Tree) -> Tree:
    """`{arch: arm64}` as `{arch: [arm64]}`."""
    if not isinstance(tree, Mapping):
        return tree
    items: dict[str, Tree] = {
        key: Sequence([value], value.at) if isinstance(value, Scalar) else value for key, value in tree.items.items()
    }
    return Mapping(items, tree.at, tree.keys)


def _variable_names(tree: Mapping) -> list[str]:
    written = tree.items.get("variables")
    return list(written.items) if isinstance(written, Mapping) else []


def _capability(tree: Mapping, target: Target, resolver: _Resolver) -> Row | None:
    """The capability row of the target, before anything else is judged. None if the release is not even named."""
    release = resolver.release()
    if release is None or not release.text or release.broken:
        return None
    load_recipe(Release, release.text, _folder(resolver.document), release.at)
    return find_row(target, release.text, release.at)


def _folder(document: Document) -> Path:
    return document.path.parent.absolute()


def _convert(tree: Mapping, target: Target, document: Document, resolver: _Resolver) -> Declaration:
    given: dict[str, Any] = {"target": target, "folder": _folder(document)}
    problems = resolver.problems
    known = {*keys(Declaration), *HEAD}
    for name in tree.items:
        if name.removesuffix("+") not in known:
            problems.add(tree.key_at(name), f"unknown key {quote(name)}", nearest(name, known, show="keys here"))
    body = resolver.expand(tree.without(*(name for name in tree.items if name.removesuffix("+") not in known)))
    kinds = load_recipe(HypervisorRecipe, target.hypervisor, given["folder"]).dom0
    made = Converter(problems, checks(kinds)).block(body, Declaration, **given)
    resolver.check_overlays(given)
    return made


def _host(made: Declaration) -> tuple[Release, HypervisorRecipe, Board]:
    """What the rules of the host ask: the release of the packages, the hypervisor, and the machine of tests."""
    hypervisor = load_recipe(HypervisorRecipe, made.target.hypervisor, made.folder)
    board = load_recipe(Board, hypervisor.boards[made.target.arch], made.folder)
    return load_recipe(Release, made.release, made.folder), hypervisor, board


def _check_host_tools(made: Declaration, problems: Problems) -> None:
    known = [name for names in load_tools(made.folder).programs.values() for name in names]
    for number, name in enumerate(made.host_tools):
        if name not in known:
            at = made.at(f"host_tools[{number}]")
            problems.add(at, f"xenbuild uses no program {quote(name)}", nearest(name, known, show="programs"))


def _recipes(made: Declaration, problems: Problems) -> list[Recipe]:
    """Every recipe that the declaration names. Unknown names become problems."""
    wanted: list[tuple[type[Recipe], str, Position | None]] = [
        (Release, made.release, made.at("release")),
        (HypervisorRecipe, made.target.hypervisor, None),
    ]
    users: tuple[Dom0 | Declaration | Domain, ...] = (made.dom0, made, *made.domains.values())
    for node in users:
        wanted += [(DriverSet, name, node.at(f"drivers[{i}]")) for i, name in enumerate(node.drivers)]
    found: dict[Path, Recipe] = {}
    for kind_, name, at in wanted:
        try:
            recipe = load_recipe(kind_, name, made.folder, at)
        except DeclarationError as error:
            problems.take(error)
            continue
        found[recipe.file] = recipe
    return cast(list[Recipe], list(found.values()))
