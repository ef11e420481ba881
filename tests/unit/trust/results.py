"""A folder of results as a build leaves it, of a bundle that is made here; and the pieces that it is made of."""

from __future__ import annotations

import json
import tarfile
from hashlib import sha256
from pathlib import Path

from xenbuild.compose.manifest import Manifest, Part
from xenbuild.parts.packages import unpacked
from xenbuild.plan.action import Action, Input, OutputOf
from xenbuild.sources.apt import ArchiveState
from xenbuild.sources.lock import Answer, Lock, LockedPackage
from xenbuild.trust.bill import Bill, Output, bill
from xenbuild.trust.cyclonedx import to_cyclonedx
from xenbuild.trust.origins import Origins, origins
from xenbuild.trust.provenance import to_provenance
from xenbuild.trust.spdx import to_spdx

ARCHIVE = "bookworm/debian/bookworm@20260711T101637Z"
OTHER = "bookworm/http://v.example/debian/s@20260712T000000Z"
KERNEL = "http://u.example/vmlinuz"
MACHINE = {"name": "lab", "target": "x86_64/xen", "release": "bookworm"}


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def package(name: str, version: str = "1:1.0+b1", archive: str = ARCHIVE) -> LockedPackage:
    return LockedPackage(name, version, "amd64", f"pool/{name}.deb", 7, digest(name + version), archive)


def lock(packages: list[LockedPackage]) -> Lock:
    state = ArchiveState(
        ("http://m.example/debian",), "https://s.example/archive", "bookworm", "20260711T101637Z", "", "", ()
    )
    other = ArchiveState(("http://v.example/debian",), None, "s", "20260712T000000Z", "", "", ())
    return Lock(Path("xenbuild.lock"), {ARCHIVE: state, OTHER: other}, {"x": Answer({}, tuple(packages))})


def plan(xen: list[LockedPackage], dom0: list[LockedPackage], tools: list[LockedPackage]) -> Action:
    """Xen from its package, the initramfs from a toolstack that picks files, a loader made with tools."""

    def merged(packages: list[LockedPackage]) -> OutputOf:
        trees: dict[str, Input] = {one.name: unpacked(one) for one in packages}
        return Action("merge", "xenbuild.parts.toolstree:merge", {}, trees, ("tree",)).output("tree")

    trees: dict[str, Input] = {one.name: unpacked(one) for one in dom0}
    toolstack = Action("dom0's toolstack", "xenbuild.parts.toolstack:run", {}, trees, ("tree",)).output("tree")
    inputs: dict[str, Input] = {
        "loader": Action("loader", "a:b", {}, {"tools": merged(tools)}, ("loader",)).output("loader"),
        "xen": Action("pick", "a:b", {}, {"tree": merged(xen)}, ("file",)).output("file"),
        "kernel": Action(
            "fetch", "xenbuild.parts.sourced:url", {"url": "http://u.example/vmlinuz", "sha256": digest("k")}
        ).output(),
        "initramfs": Action("pack", "a:b", {}, {"tree": toolstack, "tools": merged(tools)}).output(),
    }
    return Action("compose x86_64/xen", "a:b", {}, inputs, ("bundle", "manifest"))


def described(packages: list[LockedPackage], unused: tuple[str, ...] = ()) -> dict[str, object]:
    about = {"maintainer": "A Team <team@example.org>", "homepage": "https://example.org", "description": "words"}
    return {
        "packages": {one.id: {**about, "licence": "MIT", "used": one.name not in unused} for one in packages},
        "texts": {},
    }


def materials(version: str = "1:1.0+b1") -> tuple[Lock, Origins, list[LockedPackage]]:
    xen, dom0, tools = [package("xen")], [package("libc6", version), package("busybox")], [package("clang")]
    everything = [*xen, *dom0, *tools]
    return lock(everything), origins(plan(xen, dom0, tools), {}, everything), everything


def manifest(parts: dict[str, bytes], cmdline: str = "quiet") -> Manifest:
    return Manifest("x86_64/xen", tuple(Part.of(name, name, data, 0, cmdline) for name, data in parts.items()))


def make_bill(made: Manifest, outputs: list[Output], version: str = "1:1.0+b1") -> Bill:
    locked, found, everything = materials(version)
    return bill("lab", "bookworm", made, found, described(everything), locked, outputs)


def archive(files: dict[str, bytes]) -> bytes:
    """As tar writes it, without the padding at its end."""
    made = b""
    for name, data in files.items():
        member = tarfile.TarInfo(f"lab/{name}")
        member.size = len(data)
        made += member.tobuf() + data.ljust(-(-len(data) // 512) * 512, b"\0")
    return made + bytes(1024)


def write_folder(folder: Path, version: str = "1:1.0+b1", cmdline: str = "quiet", word: bytes = b"") -> Path:
    """A complete folder of results; its image is an archive of the parts. Returns the image."""
    folder.mkdir(parents=True)
    image = folder / "lab.raw"
    parts = {"xen": b"x", "kernel": b"k", "initramfs": b"i" + word}
    image.write_bytes(archive(parts) + word)
    made = manifest(parts, cmdline)
    output = Output("lab.raw", sha256(image.read_bytes()).hexdigest(), image.stat().st_size, "lab")
    locked, found, _ = materials(version)
    bill = make_bill(made, [output], version)
    listed = {"file": output.name, "medium": "raw", "size": output.size, "sha256": output.sha256}
    texts = {
        "manifest.json": json.dumps({**MACHINE, "images": [listed], "bundle": json.loads(made.to_bytes())}),
        "sbom.spdx.json": to_spdx(bill),
        "sbom.cdx.json": to_cyclonedx(bill),
        "provenance.json": to_provenance(MACHINE, "key", {"xenbuild.lock": digest("lock")}, locked, found, [output]),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    write_sums(folder)
    return image


def write_sums(folder: Path) -> None:
    """Anew, of what is there now."""
    names = ("lab.raw", "manifest.json", "sbom.spdx.json", "sbom.cdx.json", "provenance.json")
    lines = (f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (folder / "SHA256SUMS").write_text("".join(lines))
