"""Lays finished images in out/<arch>-<hypervisor>/, with manifest.json, report.txt and SHA256SUMS beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xenbuild.compose.manifest import Manifest
from xenbuild.media.blockmap import SUFFIX as MAP
from xenbuild.media.medium import Medium
from xenbuild.parts.compiled import COMMANDS
from xenbuild.plan.action import Artifact, TreeOf
from xenbuild.spec.image import Image as Declared
from xenbuild.spec.model import Declaration
from xenbuild.store.digest import Digest
from xenbuild.store.files import copy, in_words, remove
from xenbuild.store.store import Store
from xenbuild.store.tree import DirEntry, FileEntry, LinkEntry, Tree
from xenbuild.trust.bill import Output
from xenbuild.trust.sums import SIGNATURE, SUMS

Papers = Callable[[Manifest, Sequence[Output]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Image:
    """One finished image: a file, or a folder with all of `files` in it (paths below it)."""

    target: str
    name: str
    path: Path
    digest: Digest  # of the file, or of the tree's root
    medium: str = "bundle"
    files: Mapping[str, Digest] | None = None
    map: Digest | None = None  # of the block map beside the file

    @property
    def map_path(self) -> Path:
        """Where the block map lies."""
        return self.path.with_name(self.path.name + MAP)

    @property
    def size(self) -> int:
        """Bytes of the file, or of all files in the folder."""
        return self.digest.size if self.files is None else sum(digest.size for digest in self.files.values())

    @property
    def sums(self) -> dict[str, Digest]:
        """What SHA256SUMS says of it: names relative to the results' folder."""
        if self.files is None:
            own = {self.path.name: self.digest}
            return own if self.map is None else {**own, self.map_path.name: self.map}
        return {f"{self.path.name}/{path}": digest for path, digest in self.files.items()}


@dataclass(frozen=True, slots=True)
class Made:
    """An image of the declaration and what was built for it."""

    image: Declared
    artifact: Artifact
    medium: Medium
    map: Digest | None = None  # its block map


def image_path(declaration: Declaration, made: Made, out: Path) -> Path:
    """Where an image of the declaration lies."""
    suffix = made.medium.suffix(declaration.target.arch) if made.medium.suffix else ""
    return out / declaration.target.folder / f"{made.image.name}{suffix}"


def write_results(
    declaration: Declaration,
    store: Store,
    manifest_digest: Digest,
    made: Sequence[Made],
    out: Path,
    papers: Papers = lambda manifest, outputs: {},
) -> list[Image]:
    """Copy every image to its place and describe them. What is unchanged is not written again.

    `papers` makes more files to lie beside the images. A signature of other sums than now goes away.
    """
    manifest = Manifest.from_bytes(store.read(manifest_digest), "manifest")
    images = []
    for one in made:
        path, digest = image_path(declaration, one, out), one.artifact.digest
        files = None
        if isinstance(one.artifact, TreeOf):
            tree = store.get_tree(digest)
            files = {name: entry.digest for name, entry in tree.items() if isinstance(entry, FileEntry)}
            _place_tree(store, tree, path)
        else:
            _place(store, digest, path)
        images.append(Image(str(declaration.target), one.image.name, path, digest, one.image.medium, files, one.map))
        if one.map is not None:
            _place(store, one.map, images[-1].map_path)
    folder = out / declaration.target.folder
    outputs = [Output(name, d.hash, d.size, image.name) for image in images for name, d in image.sums.items()]
    sums = {name: digest for image in images for name, digest in image.sums.items()}
    beside = {"manifest.json": _manifest_json(declaration, manifest, images)}
    beside |= papers(manifest, outputs)
    for name, text in beside.items():
        _write(folder / name, text)
        sums[name] = Digest.of(text.encode())
    _write(folder / "report.txt", _report(declaration, manifest, images))
    if _write(folder / SUMS, "".join(f"{digest.hash}  {name}\n" for name, digest in sums.items())):
        (folder / SIGNATURE).unlink(missing_ok=True)
    return images


def write_commands(declaration: Declaration, out: Path, text: str) -> None:
    """compile_commands.json beside the images; none without a text. SHA256SUMS leaves it out: it names this machine."""
    path = out / declaration.target.folder / COMMANDS
    if text:
        _write(path, text)
    else:
        path.unlink(missing_ok=True)


def _place(store: Store, digest: Digest, path: Path) -> None:
    """A copy of a stored file, by rename; none if the same bytes are there."""
    with in_words(path):
        if path.is_file() and store.digest_of(path) == digest:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with _by_rename(path) as new:
            copy(store.path(digest), new)


def _place_tree(store: Store, tree: Tree, path: Path) -> None:
    """A stored tree as a folder; a folder of other content goes away once the new one is whole."""
    with in_words(path):
        if path.is_dir() and _same(store, tree, path):
            return
        new, old = (path.with_name(f".{path.name}.{os.getpid()}.{word}") for word in ("new", "old"))
        try:
            for name, entry in tree.items():
                place = new / name
                place.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(entry, FileEntry):
                    copy(store.path(entry.digest), place)
                elif isinstance(entry, LinkEntry):
                    place.symlink_to(entry.target)
                else:
                    place.mkdir()
            if path.is_dir():
                path.rename(old)
            new.rename(path)
            remove(old)
        finally:
            remove(new)


def _same(store: Store, tree: Tree, folder: Path) -> bool:
    """Whether the folder holds just the tree."""
    found = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
    wanted = {name: entry for name, entry in tree.items() if not isinstance(entry, DirEntry)}
    return found.keys() == wanted.keys() and all(
        path.is_symlink() and str(path.readlink()) == entry.target
        if isinstance(entry := wanted[name], LinkEntry)
        else not path.is_symlink() and store.digest_of(path) == entry.digest
        for name, path in found.items()
    )


def _write(path: Path, text: str) -> bool:
    """Whether there was anything to write."""
    with in_words(path):
        if path.is_file() and path.read_bytes() == text.encode():
            return False
        with _by_rename(path) as new:
            new.write_text(text, encoding="utf-8")
        return True


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
        "images": [_image_json(image) for image in images],
        "bundle": json.loads(manifest.to_bytes()),
    }
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _image_json(image: Image) -> dict[str, object]:
    fields: dict[str, object] = {"file": image.path.name, "medium": image.medium, "size": image.size}
    if image.files is None:
        found = {**fields, "sha256": image.digest.hash}
        return found if image.map is None else {**found, "map": {"file": image.map_path.name, "sha256": image.map.hash}}
    return {**fields, "files": [{"file": f, "sha256": d.hash, "size": d.size} for f, d in image.files.items()]}


def _report(declaration: Declaration, manifest: Manifest, images: Sequence[Image]) -> str:
    """What is in the images, for people."""
    lines = [f"{declaration.name}: {declaration.target} from {declaration.release}", ""]
    lines += [f"{name}  {d.size} bytes  sha256 {d.hash}" for image in images for name, d in image.sums.items()]
    lines += ["", f"{'part':<12}{'bytes':>12}  sha256"]
    lines += [f"{part.name:<12}{part.size:>12}  {part.sha256}" for part in manifest.parts]
    lines += ["", *(f"{part.name} command line: {part.cmdline}" for part in manifest.parts if part.cmdline)]
    return "\n".join(lines) + "\n"
