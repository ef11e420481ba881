"""An apt repository: signed InRelease -> indices named by hash -> packages (Debian's repository format)."""

from __future__ import annotations

import hashlib
import lzma
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from xenbuild.errors import FormatError, IntegrityError, NetworkError
from xenbuild.formats.deb822 import paragraphs
from xenbuild.sources import openpgp
from xenbuild.sources.index import Index


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """One suite of an archive as its signed Release file described it: the chain that vouches for packages."""

    mirrors: tuple[str, ...]
    snapshot: str | None
    suite: str
    date: str  # 20260711T101637Z: of the Release file
    inrelease: str  # SHA-256
    signer: str  # fingerprint of the certificate
    indices: tuple[tuple[str, str], ...]  # path of a Packages file below the suite, SHA-256


@dataclass(frozen=True, slots=True)
class Suite:
    """A verified Release file."""

    mirrors: tuple[str, ...]
    name: str
    date: str
    inrelease: str
    signer: str
    by_hash: bool
    separate_all: bool
    files: dict[str, tuple[str, int]]  # path -> SHA-256, size


def open_suite(mirrors: tuple[str, ...], name: str, keyring: Path, now: datetime) -> Suite:
    """Fetch and verify a suite's InRelease.

    Raises IntegrityError (signature, expired), NetworkError, FormatError.
    """
    from xenbuild.sources import web

    what = f"{mirrors[0]}/dists/{name}/InRelease"
    try:
        signed = web.get([f"{mirror}/dists/{name}/InRelease" for mirror in mirrors])
    except web.Gone:
        raise NetworkError(f"{what}: there is no such suite", advice="check `suites` and `mirrors`") from None
    text, signer = openpgp.verify(signed, keyring, what, now)
    try:
        fields = next(paragraphs(text.decode()))
        date = _date(fields["Date"])
        until = fields.get("Valid-Until")
        files = dict(_listed(fields["SHA256"]))
        if until and _date(until) < now:
            raise IntegrityError(
                f"{what}: was valid until {until}",
                advice="the mirror is not kept up to date or this machine's clock is wrong; try another mirror",
            )
    except (KeyError, ValueError, StopIteration) as error:
        raise FormatError(f"{what}: damaged Release file: {error}") from None
    return Suite(
        mirrors=mirrors,
        name=name,
        date=date.strftime("%Y%m%dT%H%M%SZ"),
        inrelease=hashlib.sha256(signed).hexdigest(),
        signer=signer,
        by_hash=fields.get("Acquire-By-Hash", "no").lower() == "yes",
        separate_all="all" in fields.get("Architectures", "").split()
        and "Packages" not in fields.get("No-Support-for-Architecture-all", ""),
        files=files,
    )


def load_indices(suite: Suite, components: list[str], arch: str, archive: str, index: Index) -> list[tuple[str, str]]:
    """Add the suite's packages for `arch` to `index`; returns path and SHA-256 of each file used."""
    used = []
    for component in components:
        for folder in (arch, "all") if suite.separate_all else (arch,):
            path = _packages_file(suite, f"{component}/binary-{folder}/Packages")
            if path is None:
                continue
            index.add(archive, _packages(suite, path))
            used.append((path, suite.files[path][0]))
    return used


def _packages_file(suite: Suite, stem: str) -> str | None:
    """The smallest form of a Packages file that the suite lists; None if it lists none (no such architecture)."""
    return next((stem + suffix for suffix in (".xz", ".gz", "") if stem + suffix in suite.files), None)


def _packages(suite: Suite, path: str) -> str:
    from xenbuild.sources import web

    sha256, size = suite.files[path]
    base = [f"{mirror}/dists/{suite.name}/" for mirror in suite.mirrors]
    # Some mirrors carry no by-hash folders although the Release promises them; the hash is checked all the same.
    names = [f"{path.rpartition('/')[0]}/by-hash/SHA256/{sha256}", path] if suite.by_hash else [path]
    try:
        data = web.get([b + name for name in names for b in base], limit=size)
    except web.Gone:
        raise NetworkError(
            f"{base[0]}{path}: the mirror lacks a file that its Release lists",
            advice="the mirror is being updated; try again in some minutes",
        ) from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise IntegrityError(
            f"{base[0]}{path}: SHA-256 is {found}, the signed Release says {sha256}",
            advice="the mirror is being updated, or someone changes files on the way; try again or another mirror",
        )
    try:
        if path.endswith(".xz"):
            data = lzma.decompress(data)
        elif path.endswith(".gz"):
            import gzip

            data = gzip.decompress(data)
        return data.decode()
    except (lzma.LZMAError, EOFError, OSError, ValueError) as error:
        raise FormatError(f"{base[0]}{path}: damaged package index: {error}") from None


def _date(text: str) -> datetime:
    """A date of a Release file; without a zone it is UTC, as all of them are. Raises ValueError."""
    from email.utils import parsedate_to_datetime

    date = parsedate_to_datetime(text)
    return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)


def _listed(text: str) -> list[tuple[str, tuple[str, int]]]:
    """The lines of a Release file's SHA256 field."""
    rows = []
    for line in text.splitlines():
        if line.strip():
            sha256, size, path = line.split()
            rows.append((path, (sha256, int(size))))
    return rows
