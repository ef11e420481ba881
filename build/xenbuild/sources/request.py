"""What is asked of the package archives: the question whose answer the lock pins."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.spec.data import data_dir

if TYPE_CHECKING:
    from xenbuild.spec.recipe import Archive, Release


@dataclass(frozen=True, slots=True)
class Request:
    """Some packages of a release and what they depend on."""

    name: str  # "x86_64/xen dom0"
    release: Release
    arch: str  # Debian's name of the architecture
    roots: tuple[str, ...]
    only: str = ""  # shell pattern: dependencies are followed only if their name matches
    exclude: tuple[str, ...] = ()  # shell patterns: dependencies that are left out
    archives: tuple[Archive, ...] = ()  # what the declaration adds to the release's archives
    folder: Path | None = None  # the declaration's: keyrings are looked for beside it

    def question(self) -> dict[str, object]:
        """All that decides the answer, as the lock records it.

        The archives of a release that xenbuild knows are named by the release alone; others are stated.
        """
        stated = self.archives
        if not self.release.file.is_relative_to(data_dir("recipes")):
            stated = (*self.release.archives, *stated)
        archives = {"archives": [self._archive(archive) for archive in stated]} if stated else {}
        return {
            **archives,
            "release": self.release.name,
            "arch": self.arch,
            "roots": list(self.roots),
            "only": self.only,
            "exclude": list(self.exclude),
        }

    def _archive(self, archive: Archive) -> dict[str, object]:
        """An archive without paths of this machine: a keyring is told by its content."""
        from xenbuild.spec.recipe import keyring

        return {
            "mirrors": archive.mirrors,
            "suites": archive.suites,
            "components": archive.components,
            "keyring": hashlib.sha256(keyring(archive.keyring, self.folder).read_bytes()).hexdigest(),
        }
