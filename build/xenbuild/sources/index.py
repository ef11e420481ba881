"""Package indices: what the Packages files of a release offer for one architecture."""

from __future__ import annotations

from dataclasses import dataclass

from xenbuild.errors import FormatError
from xenbuild.formats.deb822 import paragraphs
from xenbuild.sources.versions import Relation, parse_relations, version_key


@dataclass(frozen=True, slots=True)
class Package:
    """One version of a binary package in one archive."""

    name: str
    version: str
    arch: str
    filename: str  # relative to the archive's base address
    size: int
    sha256: str
    archive: str  # key of the lock's archives
    depends: tuple[tuple[Relation, ...], ...]  # Pre-Depends and Depends


class Index:
    """All packages of a release for one architecture. Paragraphs are parsed when they are asked for."""

    def __init__(self) -> None:
        self._texts: dict[str, list[tuple[str, str]]] = {}  # name -> (archive, paragraph)
        self._parsed: dict[str, list[Package]] = {}
        self._providers: dict[str, list[tuple[str, str]]] = {}  # virtual name -> (name, provided version)

    def add(self, archive: str, text: str) -> None:
        """Add the text of a Packages file. Raises FormatError."""
        for paragraph in text.split("\n\n"):
            start = paragraph.lstrip("\n")
            if not start:
                continue
            if not start.startswith("Package: "):
                raise FormatError(f"{archive}: a paragraph of the package index does not start with 'Package:'")
            name = start[9 : start.find("\n")].strip()
            self._texts.setdefault(name, []).append((archive, start))
            at = start.find("\nProvides: ")
            if at >= 0:
                provided = start[at + 11 : start.find("\n", at + 1)] if "\n" in start[at + 1 :] else start[at + 11 :]
                for relation in _provided(archive, name, provided):
                    self._providers.setdefault(relation.name, []).append((name, relation.version))

    def names(self) -> list[str]:
        return list(self._texts)

    def versions(self, name: str) -> list[Package]:
        """All versions of a real package, the highest first; of equal ones the archive that was added first."""
        if name not in self._parsed:
            found = [_parse(archive, text) for archive, text in self._texts.get(name, ())]
            self._parsed[name] = sorted(found, key=lambda p: version_key(p.version), reverse=True)
        return self._parsed[name]

    def candidates(self, relation: Relation) -> list[Package]:
        """Real packages that satisfy the relation, then those that provide it (sorted by name), best first.

        A versioned relation is met by a versioned Provides only (Debian policy 7.5).
        """
        found = [package for package in self.versions(relation.name) if relation.accepts(package.version)]
        for name, version in sorted(set(self._providers.get(relation.name, ()))):
            if not relation.operator or (version and relation.accepts(version)):
                found += [package for package in self.versions(name) if package not in found]
        return found


def _provided(archive: str, name: str, text: str) -> list[Relation]:
    try:
        return [relation for (relation,) in parse_relations(text)]
    except ValueError as error:
        raise FormatError(f"{archive}: the package index is damaged at {name!r}, Provides: {error}") from None


def _parse(archive: str, text: str) -> Package:
    try:
        fields = next(paragraphs(text))
        depends = ", ".join(filter(None, (fields.get("Pre-Depends", ""), fields.get("Depends", ""))))
        return Package(
            name=fields["Package"],
            version=fields["Version"],
            arch=fields["Architecture"],
            filename=fields["Filename"],
            size=int(fields["Size"]),
            sha256=fields["SHA256"].lower(),
            archive=archive,
            depends=parse_relations(depends),
        )
    except (KeyError, ValueError) as error:
        name = text[: text.find("\n")]
        raise FormatError(f"{archive}: the package index is damaged at '{name}': {error}") from None
