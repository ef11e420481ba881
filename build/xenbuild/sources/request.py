"""What is asked of the package archives: the question whose answer the lock pins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xenbuild.spec.recipe import Release


@dataclass(frozen=True, slots=True)
class Request:
    """Some packages of a release and what they depend on."""

    name: str  # "x86_64/xen dom0"
    release: Release
    arch: str  # Debian's name of the architecture
    roots: tuple[str, ...]
    only: str = ""  # shell pattern: dependencies are followed only if their name matches
    exclude: tuple[str, ...] = ()  # shell patterns: dependencies that are left out

    def question(self) -> dict[str, object]:
        """All that decides the answer, as the lock records it."""
        return {
            "release": self.release.name,
            "arch": self.arch,
            "roots": list(self.roots),
            "only": self.only,
            "exclude": list(self.exclude),
        }
