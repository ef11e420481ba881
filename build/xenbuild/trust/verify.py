"""Checks offline that an image is what was built, and that all that lies beside it speaks of the same image."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from xenbuild.errors import FormatError, IntegrityError, XenbuildError
from xenbuild.store.files import hash_file, in_words
from xenbuild.trust.provenance import PREDICATE, STATEMENT
from xenbuild.trust.sums import CYCLONEDX, MANIFEST, PROVENANCE, SIGNATURE, SPDX, SUMS, read_sums

PAPERS = (MANIFEST, SPDX, CYCLONEDX, PROVENANCE)
_ADVICE = "build or copy the images again"


@dataclass(slots=True)
class Verdict:
    """What was checked, in words for people, and what is wrong (nothing: all is well)."""

    path: Path
    checked: dict[str, str] = field(default_factory=dict)
    wrong: list[XenbuildError] = field(default_factory=list)

    def check(self, what: str, step: Callable[[], str]) -> None:
        """Take a step; what it returns is told, what it raises is kept."""
        try:
            self.checked[what] = step()
        except XenbuildError as error:
            self.checked[what] = f"WRONG: {error.message}"
            self.wrong.append(error)


def verify(path: Path, keyring: Path | None, now: datetime) -> Verdict:
    """Verify an image with the papers beside it, or a whole folder of results.

    Raises FormatError if there is nothing to verify it by.
    """
    whole = path.is_dir() and ((path / SUMS).exists() or not (path.parent / SUMS).is_file())
    folder, image = (path, None) if whole else (path.parent, path.name)
    sums = _sums(folder, image)
    images = [image] if image else list(dict.fromkeys(n.partition("/")[0] for n in sums if _is_image(n)))
    verdict = Verdict(path)
    verdict.check("sums", lambda: check_sums(folder, image))
    verdict.check("signature", lambda: _signature(folder, keyring, now))
    if verdict.wrong:
        if where := _damage(folder, images, sums):
            verdict.checked["parts"] = f"WRONG: {where}"
        return verdict  # of what was changed, nothing more can be said
    verdict.check("parts", lambda: _parts(folder, images))
    verdict.check("provenance", lambda: _provenance(folder, sums))
    verdict.check("sbom", lambda: _bills(folder, sums))
    return verdict


def _is_image(name: str) -> bool:
    return name not in PAPERS and not name.endswith(".bmap")


def _of(image: str, sums: dict[str, str]) -> list[str]:
    """The files of an image that is one, or a folder of them."""
    return [name for name in sums if name == image or name.startswith(f"{image}/")]


def _damage(folder: Path, images: list[str], sums: dict[str, str]) -> str:
    """Where in the images that are not what they were a part is damaged; "" if nobody can tell."""
    from xenbuild.trust.inside import parts_in

    try:
        if hash_file(folder / MANIFEST).hash != sums.get(MANIFEST):
            return ""
        told = {part["name"]: part["sha256"] for part in _manifest(folder)["bundle"]["parts"]}
        for name in images:
            parts_in(folder / name, told)
    except IntegrityError as error:
        return error.message
    except (OSError, XenbuildError):
        pass
    return ""


def _sums(folder: Path, image: str | None) -> dict[str, str]:
    if image and not (folder / image).exists():
        raise FormatError(f"there is no file {folder / image}", advice="name an image, or a folder below out/")
    try:
        sums = read_sums((folder / SUMS).read_text("utf-8"), str(folder / SUMS))
    except FileNotFoundError:
        raise FormatError(f"there is no {folder / SUMS}", advice="name an image in out/, or its folder") from None
    except (OSError, UnicodeDecodeError):
        raise FormatError(f"{folder / SUMS} cannot be read", advice=_ADVICE) from None
    if image and not _of(image, sums):
        raise FormatError(f"{folder / image} is not an image of ours: SHA256SUMS beside it does not list it")
    return sums


def check_sums(folder: Path, image: str | None = None) -> str:
    """Compare files with SHA256SUMS: all of them, or one image and the papers."""
    sums = _sums(folder, image)
    if missing := [name for name in PAPERS if name not in sums]:
        raise IntegrityError(f"{folder / SUMS} does not list {', '.join(missing)}", advice=_ADVICE)
    names = [*_of(image, sums), *PAPERS] if image else list(sums)
    for name in names:
        path = folder / name
        if not path.is_file():
            raise IntegrityError(f"{path} is missing", advice=_ADVICE)
        with in_words(path):
            found = hash_file(path).hash
        if found != sums[name]:
            message = f"{path} is not what was built: its SHA-256 is {found[:16]}…, SHA256SUMS has {sums[name][:16]}…"
            raise IntegrityError(message, advice=_ADVICE)
    return f"{len(names)} files are what SHA256SUMS says"


def _signature(folder: Path, keyring: Path | None, now: datetime) -> str:
    signature = folder / SIGNATURE
    if keyring is None:
        return "not checked: no keyring was given" if signature.is_file() else "none"
    if not signature.is_file():
        advice = "sign it with `xenbuild sign`, or leave --keyring out to check the rest"
        raise IntegrityError(f"{folder / SUMS} is not signed: there is no {SIGNATURE}", advice=advice)
    from xenbuild.sources.openpgp import verify_detached

    what = folder / SUMS
    return f"by {verify_detached(what.read_bytes(), signature, keyring, str(what), now)}"


def _parts(folder: Path, images: list[str]) -> str:
    """The parts inside the images are whole, and those of the manifest beside them."""
    from xenbuild.trust.inside import parts_in

    manifest = _manifest(folder)
    told = {part["name"]: part["sha256"] for part in manifest["bundle"]["parts"]}
    looked = 0
    for name in images:
        inside = parts_in(folder / name, told)
        # A UEFI application is Xen's own file of another form, with the rest as its sections.
        wanted = [part for part in told if not (part == "xen" and _medium(manifest, name) == "efi")]
        if missing := [part for part in wanted if part not in inside.parts]:
            message = f"{folder / name} does not hold the part {missing[0]!r} that manifest.json tells of"
            raise IntegrityError(message, advice=_ADVICE)
        looked += inside.found
    where = "" if len(images) == 1 else f" in {len(images)} images"
    return f"{looked} parts{where} are whole"


def _medium(manifest: dict[str, Any], name: str) -> str:
    return next((str(one.get("medium")) for one in manifest["images"] if one["file"] == name), "")


def _provenance(folder: Path, sums: dict[str, str]) -> str:
    path = folder / PROVENANCE
    statement = _json(path)
    if statement.get("_type") != STATEMENT or statement.get("predicateType") != PREDICATE:
        raise IntegrityError(f"{path} is no SLSA provenance", advice=_ADVICE)
    with _reading(path):
        subjects = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
        materials = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
        lock = next((m["digest"]["sha256"] for m in materials if m["uri"] == "file:xenbuild.lock"), "")
    images = {name: digest for name, digest in sums.items() if name not in PAPERS}
    if subjects != images:
        odd = sorted({*subjects.items()} ^ {*images.items()})[0][0]
        raise IntegrityError(f"{path} and SHA256SUMS do not speak of the same {odd}", advice=_ADVICE)
    return f"{len(materials)} inputs by digest, among them xenbuild.lock {lock[:16]}…"


def _bills(folder: Path, sums: dict[str, str]) -> str:
    """Both bills tell of the same packages, parts and images, and provenance knows every package."""
    spdx, cyclonedx = _spdx(folder / SPDX), _cyclonedx(folder / CYCLONEDX)
    if spdx != cyclonedx:
        odd = sorted(spdx ^ cyclonedx)[0]
        raise IntegrityError(
            f"{folder / SPDX} and {CYCLONEDX} do not agree on {odd[0]} {odd[1]}".rstrip(), advice=_ADVICE
        )
    digests = {sha256 for _, _, sha256 in spdx}
    manifest = _manifest(folder)
    wanted = {part["name"]: part["sha256"] for part in manifest["bundle"]["parts"]}
    wanted |= {name: digest for name, digest in sums.items() if name not in PAPERS}
    for name, digest in wanted.items():
        if digest not in digests:
            raise IntegrityError(f"{folder / SPDX} does not tell of {name} as it is", advice=_ADVICE)
    with _reading(folder / PROVENANCE):
        materials = _json(folder / PROVENANCE)["predicate"]["buildDefinition"]["resolvedDependencies"]
        known = {one["digest"].get("sha256") for one in materials}
    packages = [one for one in spdx if one[1] and one[2] and one[2] not in wanted.values()]
    for name, version, digest in packages:
        if digest not in known:
            raise IntegrityError(f"{folder / PROVENANCE} knows nothing of {name} {version}", advice=_ADVICE)
    return f"{len(packages)} packages, the same in SPDX, CycloneDX and provenance"


Triple = tuple[str, str, str]  # name, version, SHA-256


def _spdx(path: Path) -> set[Triple]:
    with _reading(path):
        return {
            (one["name"], one.get("versionInfo", ""), one.get("checksums", [{}])[0].get("checksumValue", ""))
            for one in _json(path)["packages"]
        }


def _cyclonedx(path: Path) -> set[Triple]:
    with _reading(path):
        return {
            (one["name"], one.get("version", ""), one.get("hashes", [{}])[0].get("content", ""))
            for one in _json(path)["components"]
        }


def _manifest(folder: Path) -> dict[str, Any]:
    manifest = _json(folder / MANIFEST)
    with _reading(folder / MANIFEST):
        _ = [(part["name"], part["sha256"]) for part in manifest["bundle"]["parts"]]
    return manifest


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise IntegrityError(f"{path} is damaged", advice=_ADVICE)
    return content


class _reading:
    """Turns what a file of another shape than ours leads to into an error that names it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: object) -> None:
        if isinstance(error, KeyError | TypeError | AttributeError | IndexError):
            raise IntegrityError(f"{self._path} is damaged", advice=_ADVICE) from None
