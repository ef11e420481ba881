"""Lays finished images in out/<arch>-<hypervisor>/, with manifest.json, report.txt and SHA256SUMS beside them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xenbuild.compose.manifest import Manifest
from xenbuild.spec.model import Declaration
from xenbuild.store.digest import Digest
from xenbuild.store.files import in_words
from xenbuild.store.store import Store


@dataclass(frozen=True, slots=True)
class Image:
    """One finished image."""

    target: str
    name: str
    path: Path
    digest: Digest


def image_path(declaration: Declaration, name: str, suffix: str, out: Path) -> Path:
    """Where an image of the declaration lies."""
    return out / declaration.target.folder / f"{name}{suffix}"


def write_results(
    declaration: Declaration, store: Store, files: Mapping[str, Digest], suffix: str, out: Path
) -> list[Image]:
    """Copy the bundle to each image's place and describe it. What is unchanged is not written again."""
    manifest = Manifest.from_bytes(store.read(files["manifest"]), "manifest")
    bundle = files["bundle"]
    images = []
    for image in declaration.images:
        path = image_path(declaration, image.name, suffix, out)
        _place(store, bundle, path)
        images.append(Image(str(declaration.target), image.name, path, bundle))
    folder = out / declaration.target.folder
    _write(folder / "manifest.json", _manifest_json(declaration, manifest, images))
    _write(folder / "report.txt", _report(declaration, manifest, images))
    _write(folder / "SHA256SUMS", "".join(f"{i.digest.hash}  {i.path.name}\n" for i in images))
    return images


def _place(store: Store, digest: Digest, path: Path) -> None:
    """A copy of a stored file, by rename; none if the same bytes are there."""
    with in_words(path):
        if path.is_file() and store.digest_of(path) == digest:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with _by_rename(path) as new:
            shutil.copyfile(store.path(digest), new)


def _write(path: Path, text: str) -> None:
    with in_words(path):
        if path.is_file() and path.read_bytes() == text.encode():
            return
        with _by_rename(path) as new:
            new.write_text(text, encoding="utf-8")


@contextmanager
def _by_rename(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to, which then takes its place. Errors speak of `path`, not of that name."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield new
        new.replace(path)
    except OSError as error:
        if error.filename2 is None and error.filename == str(new):
            error.filename = str(path)
        raise
    finally:
        new.unlink(missing_ok=True)


def _manifest_json(declaration: Declaration, manifest: Manifest, images: Sequence[Image]) -> str:
    content = {
        "name": declaration.name,
        "target": str(declaration.target),
        "release": declaration.release,
        "images": [{"file": i.path.name, "sha256": i.digest.hash, "size": i.digest.size} for i in images],
        "bundle": json.loads(manifest.to_bytes()),
    }
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _report(declaration: Declaration, manifest: Manifest, images: Sequence[Image]) -> str:
    """What is in the images, for people."""
    lines = [f"{declaration.name}: {declaration.target} from {declaration.release}", ""]
    lines += [f"{image.path.name}  {image.digest.size} bytes  sha256 {image.digest.hash}" for image in images]
    lines += ["", f"{'part':<12}{'bytes':>12}  sha256"]
    lines += [f"{part.name:<12}{part.size:>12}  {part.sha256}" for part in manifest.parts]
    lines += ["", *(f"{part.name} command line: {part.cmdline}" for part in manifest.parts if part.cmdline)]
    return "\n".join(lines) + "\n"
