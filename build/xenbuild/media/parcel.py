"""The parts by themselves, for other tools: a tar archive, or a layout of the Open Container Initiative.

Both hold the bundle, the parts that it is made of, and its manifest with digests and command lines.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from xenbuild.formats.extents import Extents
from xenbuild.media.medium import Medium
from xenbuild.plan.action import Action, Input, Json, OutputOf

if TYPE_CHECKING:
    from xenbuild.media.medium import Making
    from xenbuild.plan.job import Job
    from xenbuild.store.digest import Digest

# OCI image specification 1.1: media types; the guidelines for what is no container image.
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_EMPTY = "application/vnd.oci.empty.v1+json"
_ARTIFACT = "application/vnd.xenbuild.parts.v1"
_LAYER = "application/vnd.xenbuild.part.v1"
_TITLE, _NAME = "org.opencontainers.image.title", "org.opencontainers.image.ref.name"
PLATFORMS = {"x86_64": "amd64", "ia32": "386", "arm64": "arm64", "armv7": "arm"}


def tar(job: Job) -> None:
    """Action: params prefix, files (input -> name) -> archive, "image"."""
    out, at = Extents(), 0
    for name, path in _files(job):
        member = tarfile.TarInfo(f"{job.params['prefix']}/{name}")
        member.size, member.mode, member.mtime = path.stat().st_size, 0o644, 1
        out.seek(at)
        at += out.write(member.tobuf(tarfile.PAX_FORMAT)) + out.copy(path)
        at += -at % tarfile.BLOCKSIZE
    end = at + 2 * tarfile.BLOCKSIZE  # of zeros
    job.put_extents("image", out, end + -end % tarfile.RECORDSIZE)


def oci(job: Job) -> None:
    """Action: params files (input -> name), reference, arch -> layout as a tree, "image"."""
    from xenbuild.store.tree import Entry, FileEntry, Tree

    entries: dict[str, Entry] = {}

    def blob(digest: Digest, kind: str, **annotations: str) -> Json:
        entries[f"blobs/sha256/{digest.hash}"] = FileEntry(digest)
        made: Json = {"mediaType": kind, "digest": f"sha256:{digest.hash}", "size": digest.size}
        return {**made, "annotations": annotations} if annotations else made

    def document(content: Json) -> Digest:
        return job.store.put_bytes(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())

    files = sorted(job.params["files"].items(), key=lambda one: str(one[1]))
    layers = [blob(job.digest(name), _LAYER, **{_TITLE: file}) for name, file in files]
    manifest = document(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "artifactType": _ARTIFACT,
            "config": blob(document({}), _EMPTY),
            "layers": layers,
        }
    )
    listed = blob(manifest, _MANIFEST, **{_NAME: job.params["reference"]})
    listed |= {"artifactType": _ARTIFACT, "platform": {"os": "xen", "architecture": job.params["arch"]}}
    index = document({"schemaVersion": 2, "mediaType": _INDEX, "manifests": [listed]})
    entries["index.json"] = FileEntry(index)
    entries["oci-layout"] = FileEntry(document({"imageLayoutVersion": "1.0.0"}))
    job.put_tree("image", Tree(entries))


def _files(job: Job) -> Iterator[tuple[str, Path]]:
    for name, file in sorted(job.params["files"].items(), key=lambda one: str(one[1])):
        yield file, job.path(name)


def _contents(making: Making) -> dict[str, tuple[str, Input]]:
    """Input's name -> file's name, input."""
    from xenbuild.compose.bundle import FORMATS

    parts = {"xen": making.parts.hypervisor, "kernel": making.parts.kernel, "initramfs": making.parts.initramfs}
    parts["xsm_policy"] = making.parts.xsm_policy
    made = {name: (name, part) for name, part in parts.items() if part is not None}
    suffix = FORMATS[making.declaration.target.arch].suffix
    made["bundle"] = (f"bundle{suffix}", making.bundle)
    made["manifest"] = ("manifest.json", making.compose.output("manifest"))
    return made


def _medium(form: str, suffix: str) -> Medium:
    def plan(making: Making) -> OutputOf:
        contents = _contents(making)
        params = {
            "files": {name: file for name, (file, _) in contents.items()},
            "prefix": making.image.name,
            "reference": making.declaration.name,
            "arch": PLATFORMS[making.declaration.target.arch],
        }
        inputs = {name: part for name, (_, part) in contents.items()}
        label = f"pack {making.image.name} as {form}"
        return Action(label, f"xenbuild.media.parcel:{form}", params, inputs, ("image",)).output("image")

    return Medium(plan, lambda arch: suffix)


TAR, OCI = _medium("tar", ".tar"), _medium("oci", ".oci")
