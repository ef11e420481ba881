"""A declaration before a target is chosen: the file with its includes and profiles, and the matrix of targets."""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from pathlib import Path

from xenbuild.errors import DeclarationError, Position
from xenbuild.spec.block import Node, key
from xenbuild.spec.convert import BAD, Converter
from xenbuild.spec.domain import ARCHITECTURES
from xenbuild.spec.keys import keys
from xenbuild.spec.merge import check_appends, merge
from xenbuild.spec.model import HYPERVISORS, Target
from xenbuild.spec.nodes import Mapping, Scalar, Sequence, Tree, kind
from xenbuild.spec.problems import Problems, nearest, no_file
from xenbuild.spec.reader import read_yaml
from xenbuild.spec.scalars import quote

FIRST_TARGET = Target("x86_64", "xen")


@dataclass(kw_only=True)
class Matrix(Node):
    """Every architecture with every hypervisor, but for the excluded ones."""

    arch: list[str] = key("architectures", choices=ARCHITECTURES)
    hypervisor: list[str] = key("hypervisors", choices=HYPERVISORS)
    exclude: list[str] = key("combinations that are left out, as arch/hypervisor", factory=list)


@dataclass(kw_only=True)
class Condition(Node):
    """When an override applies: every key given must have one of its values."""

    arch: list[str] = key("architectures", factory=list, choices=ARCHITECTURES)
    hypervisor: list[str] = key("hypervisors", factory=list, choices=HYPERVISORS)
    release: list[str] = key("releases", factory=list)

    def holds(self, target: Target, release: str) -> bool:
        facts = ((self.arch, target.arch), (self.hypervisor, target.hypervisor), (self.release, release))
        return all(not allowed or value in allowed for allowed, value in facts)


@dataclass(kw_only=True)
class Head(Node):
    """Keys of the file that are used up while a target's declaration is made."""

    include: list[str] = key("files whose keys lie below this one's, in order; relative to this file", factory=list)
    variables: dict[str, str] = key("values for ${name} in any scalar", factory=dict)
    profiles: dict[str, str] = key("overlays by name, chosen with --profile", factory=dict)
    when: list[str] = key("overlays for some targets: each has `if` and keys", factory=list)
    targets: Matrix = key("what `--all` builds: a matrix, or a list of arch/hypervisor", default=None)
    default: str = key("target that is built when none is named; the first otherwise", default="")


HEAD = tuple(keys(Head))
NOT_IN_PROFILES = ("include", "profiles")
NOT_IN_WHEN = ("include", "profiles", "when", "targets", "default")


@dataclass(slots=True)
class Document:
    """The merged tree of a file and everything it includes, with the chosen profiles laid over it."""

    path: Path
    tree: Mapping
    files: tuple[Path, ...]
    overlays: list[Mapping]  # profiles, chosen or not, for checking


def read_document(path: Path, profiles: SequenceOf[str], problems: Problems) -> Document:
    """Read a declaration. Raises DeclarationError if it cannot be read at all; the rest goes to `problems`."""
    files: list[Path] = []
    tree = _read(path, (), files, problems)
    declared = tree.items.get("profiles", Mapping({}, tree.at))
    if not isinstance(declared, Mapping):
        problems.add(declared.at, f"profiles: needs a block of named overlays, found {kind(declared)}")
        declared = Mapping({}, tree.at)
    overlays = [_overlay(name, declared, problems) for name in declared.items]
    for name in profiles:
        if name not in declared.items:
            advice = nearest(name, declared.items, show="profiles") or f"{path} declares no profiles"
            raise DeclarationError(f"there is no profile {quote(name)}", at=tree.keys.get("profiles"), advice=advice)
        tree = merge(tree, _overlay(name, declared, Problems()), problems)
    return Document(path, tree, tuple(files), overlays)


def _overlay(name: str, declared: Mapping, problems: Problems) -> Mapping:
    overlay = declared.items[name]
    if not isinstance(overlay, Mapping):
        problems.add(overlay.at, f"profiles.{name}: needs a block of keys, found {kind(overlay)}")
        return Mapping({}, overlay.at)
    refuse_keys(overlay, NOT_IN_PROFILES, "a profile", problems)
    return overlay.without(*NOT_IN_PROFILES)


def refuse_keys(tree: Mapping, names: SequenceOf[str], where: str, problems: Problems) -> None:
    """Keys that are fine at the top of a file but not in an overlay."""
    for name in names:
        if name in tree.items:
            problems.add(tree.key_at(name), f"'{name}' cannot stand in {where}", "move it to the top of the file")


def _read(path: Path, chain: tuple[Path, ...], files: list[Path], problems: Problems) -> Mapping:
    """The tree of a file over those of its includes, depth first."""
    tree = read_yaml(path)
    if path not in files:
        files.append(path)
    if not isinstance(tree, Mapping):
        raise DeclarationError(f"a declaration is a block of keys, not {kind(tree)}", at=tree.at)
    check_appends(tree, problems)
    below = Mapping({}, tree.at)
    for name in _include_names(tree, problems):
        other = path.parent / name.text
        if _real(other) in (_real(one) for one in (*chain, path)):
            shown = " -> ".join(str(one) for one in (*chain, path, other))
            raise DeclarationError(f"includes form a cycle: {shown}", at=name.at, advice="remove one of them")
        if not _real(other).is_file():
            raise DeclarationError(
                f"include: {no_file(other, name.text)}",
                at=name.at,
                advice=f"includes are relative to the folder of {path.name}; variables do not work here",
            )
        below = merge(below, _read(other, (*chain, path), files, problems), problems)
    merged = merge(below, tree.without("include"), problems)
    merged.at = tree.at
    return merged


def _real(path: Path) -> Path:
    """The file behind a name; a folder that is none where the name leads nowhere (too long, links in a circle)."""
    try:
        path.is_file()
        return path.resolve()
    except (OSError, RuntimeError):
        return Path("/")


def _include_names(tree: Mapping, problems: Problems) -> list[Scalar]:
    written = tree.items.get("include")
    if written is None:
        return []
    listed = written.items if isinstance(written, Sequence) else [written]
    names = [name for name in listed if isinstance(name, Scalar)]
    if isinstance(written, Mapping) or len(names) < len(listed):
        problems.add(written.at, f"include: needs a list of files, found {kind(written)}", "write [common.yaml]")
    return names


def read_targets(document: Document, problems: Problems) -> tuple[list[Target], Target]:
    """The targets of a document in the order declared, and the default one."""
    written = document.tree.items.get("targets")
    found = [FIRST_TARGET] if written is None else _matrix(written, problems)
    if not found:
        if not problems:
            at = document.tree.key_at("targets")
            problems.add(at, "targets: nothing is left", "declare at least one architecture and hypervisor")
        return [FIRST_TARGET], FIRST_TARGET
    default = document.tree.items.get("default")
    if default is None:
        return found, found[0]
    chosen = _target(default, problems, "default")
    if chosen and chosen not in found and not problems:
        text = default.text if isinstance(default, Scalar) else ""
        advice = nearest(text, map(str, found), show="targets")
        problems.add(default.at, f"default: {quote(text)} is not among the targets", advice)
    return found, chosen or found[0]


def _matrix(written: Tree, problems: Problems) -> list[Target]:
    if isinstance(written, Sequence):
        listed = [_target(item, problems, "targets") for item in written.items]
        return list(dict.fromkeys(target for target in listed if target))
    matrix = Converter(problems).block(written, Matrix, "targets")
    if matrix is BAD:
        return []
    product = [Target(arch, hypervisor) for hypervisor in matrix.hypervisor for arch in matrix.arch]
    for index, text in enumerate(matrix.exclude):
        at = matrix.at(f"exclude[{index}]") or written.at
        if (target := parse_target(text, at, problems, "targets.exclude")) and target not in product:
            advice = nearest(text, map(str, product), show="targets")
            problems.add(at, f"targets.exclude: {quote(text)} is not in the matrix", advice)
        product = [one for one in product if one != target]
    return list(dict.fromkeys(product))


def _target(tree: Tree, problems: Problems, where: str) -> Target | None:
    if isinstance(tree, Scalar):
        return parse_target(tree.text, tree.at, problems, where)
    problems.add(tree.at, f"{where}: needs arch/hypervisor, found {kind(tree)}", "write for example x86_64/xen")
    return None


def parse_target(text: str, at: Position | None, problems: Problems, where: str = "target") -> Target | None:
    """A target from "arch/hypervisor"; a problem and None if there is no such thing."""
    arch, slash, hypervisor = text.partition("/")
    for word, known in ((arch, ARCHITECTURES), (hypervisor, HYPERVISORS)):
        if slash and word not in known:
            problems.add(at, f"{where}: {quote(word)} in {quote(text)} is unknown", nearest(word, known))
            return None
    if not slash:
        problems.add(at, f"{where}: {quote(text)} is no target", "write arch/hypervisor, for example x86_64/xen")
        return None
    return Target(arch, hypervisor)
