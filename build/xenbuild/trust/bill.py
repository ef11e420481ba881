"""The bill of materials as plain data, of which SPDX and CycloneDX are two spellings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from xenbuild import __version__
from xenbuild.compose.manifest import Manifest
from xenbuild.sources.apt import ArchiveState
from xenbuild.sources.lock import Lock, LockedPackage
from xenbuild.trust.origins import Origins

OURS = "GPL-2.0-or-later"


@dataclass(frozen=True, slots=True)
class Component:
    """A package, a source, a part, an image or a file of one. Empty strings: not known, or not of this kind."""

    id: str  # letters, digits, dots and dashes; unique in a bill
    name: str
    kind: str  # package, source, loader, part, image, file
    version: str = ""
    supplier: str = ""
    licence: str = "NOASSERTION"
    sha256: str = ""
    size: int = -1  # bytes
    purl: str = ""
    download: str = ""
    homepage: str = ""
    summary: str = ""
    within: tuple[str, ...] = ()  # ids of the parts or images that it went to


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything that is in the images of one target."""

    name: str  # of the machine
    target: str
    created: str  # when the newest archive that it is made from was made: 2026-11-21T09:15:44Z
    uuid: str  # of the content
    images: tuple[Component, ...]
    parts: tuple[Component, ...]  # in every image
    components: tuple[Component, ...]
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # licence reference -> (name, text)


@dataclass(frozen=True, slots=True)
class Output:
    """A finished file: its name below the folder of results, its SHA-256, its size in bytes, its image's name."""

    name: str
    sha256: str
    size: int
    image: str


def bill(
    name: str,
    release: str,
    manifest: Manifest,
    origins: Origins,
    described: Mapping[str, Any],
    lock: Lock,
    outputs: Sequence[Output],
) -> Bill:
    """Put together what the plan, the lock, the packages and the manifest say."""
    went: dict[LockedPackage, list[str]] = {}
    for part in manifest.parts:
        for package in origins.packages.get(part.name, ()):
            if described["packages"][package.id]["used"]:
                went.setdefault(package, []).append(_part(part.name))
    images, files = _images(outputs)
    for name, packages in origins.images.items():
        for package in packages:
            went.setdefault(package, []).append(_image(name))
    components = [
        _package(package, described["packages"][package.id], within, lock.archives[package.archive], release)
        for package, within in sorted(went.items())
    ]
    components += _sources(origins, manifest)
    every = tuple(image.id for image in images)
    about = "starts the bundle"
    components.append(
        Component("loader", "xenbuild loader", "loader", __version__, "xenbuild", OURS, summary=about, within=every)
    )
    parts = [
        Component(_part(p.name), p.name, "part", sha256=p.sha256, size=p.size, summary=p.role) for p in manifest.parts
    ]
    dates = [lock.archives[package.archive].date for package in went]
    content = json.dumps([name, manifest.target, [o.sha256 for o in outputs], [c.sha256 for c in components]])
    return Bill(
        name=name,
        target=manifest.target,
        created=_time(max(dates, default="19700101T000000Z")),
        uuid=_uuid(content),
        images=tuple(images),
        parts=tuple(parts),
        components=(*components, *files),
        texts={reference: (pair[0], pair[1]) for reference, pair in described["texts"].items()},
    )


def _part(name: str) -> str:
    return f"part-{_plain(name)}"


def _image(name: str) -> str:
    return f"image-{_plain(name)}"


def _images(outputs: Sequence[Output]) -> tuple[list[Component], list[Component]]:
    """A component for each image, and for each file of those that are folders, or have a map beside them."""
    by_image: dict[str, list[Output]] = {}
    for one in outputs:
        by_image.setdefault(one.image, []).append(one)
    images, files = [], []
    for image, made in by_image.items():
        folder, slash, _ = made[0].name.partition("/")
        listed = Component(_image(image), folder, "image")
        images.append(listed if slash else replace(listed, sha256=made[0].sha256, size=made[0].size))
        files += [
            Component(
                f"file-{one.sha256[:12]}-{_plain(one.name)}",
                one.name,
                "file",
                sha256=one.sha256,
                size=one.size,
                within=(_image(image),),
            )
            for one in (made if slash else made[1:])
        ]
    return images, files


def _package(
    package: LockedPackage, about: Mapping[str, Any], within: Sequence[str], archive: ArchiveState, release: str
) -> Component:
    return Component(
        id=f"package-{_plain(package.name)}-{_plain(package.arch)}-{package.sha256[:12]}",
        name=package.name,
        kind="package",
        version=package.version,
        supplier=str(about.get("maintainer", "")),
        licence=str(about["licence"]),
        sha256=package.sha256,
        size=package.size,
        purl=purl(package, archive, release),
        download=_address(package, archive),
        homepage=str(about.get("homepage", "")),
        summary=str(about.get("description", "")),
        within=tuple(within),
    )


def _sources(origins: Origins, manifest: Manifest) -> list[Component]:
    went: dict[Any, list[str]] = {}
    for part in manifest.parts:
        for one in origins.sources.get(part.name, ()):
            went.setdefault(one, []).append(_part(part.name))
    return [
        Component(
            id=f"source-{(one.sha256 or one.commit)[:12]}",
            name=one.address.rstrip("/").rpartition("/")[2] or one.address,
            kind="source",
            version=one.commit,
            sha256=one.sha256,
            download=f"git+{one.address}@{one.commit}" if one.commit else one.address,
            within=tuple(within),
        )
        for one, within in sorted(went.items(), key=lambda item: item[0].address)
    ]


def purl(package: LockedPackage, archive: ArchiveState, release: str) -> str:
    """A package URL (purl-spec, type deb). Only Debian's own archives have a snapshot service."""
    version = quote(package.version, safe=":")
    if archive.snapshot:
        return f"pkg:deb/debian/{quote(package.name, safe='')}@{version}?arch={package.arch}&distro={release}"
    where = quote(archive.mirrors[0], safe="")
    return f"pkg:deb/{quote(package.name, safe='')}@{version}?arch={package.arch}&repository_url={where}"


def _address(package: LockedPackage, archive: ArchiveState) -> str:
    """Where just this file can be had: in the snapshot of that day, which stays, or on the first mirror."""
    base = f"{archive.snapshot.rstrip('/')}/{archive.date}" if archive.snapshot else archive.mirrors[0].rstrip("/")
    return f"{base}/{quote(package.filename, safe='/~+')}"


def _plain(text: str) -> str:
    """A name as SPDX takes it in identifiers."""
    return "".join(sign if (sign.isalnum() and sign.isascii()) or sign in ".-" else "-" for sign in text)


def _time(date: str) -> str:
    """20261121T091544Z -> 2026-11-21T09:15:44Z."""
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}T{date[9:11]}:{date[11:13]}:{date[13:15]}Z"


def _uuid(content: str) -> str:
    """A UUID of version 8 (RFC 9562, 5.8): 122 bits of our own choice, of a digest here."""
    digits = list(sha256(content.encode()).hexdigest()[:32])
    digits[12], digits[16] = "8", "89ab"[int(digits[16], 16) & 3]
    return "-".join("".join(digits[a:b]) for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
