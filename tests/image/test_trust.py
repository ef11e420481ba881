"""Bills of materials, provenance and signatures of a real build: what packages really say, as others read it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from project import Project

from xenbuild.formats.bmap import read_bmap
from xenbuild.media.build import Settings
from xenbuild.sources.lock import load_lock

if TYPE_CHECKING:
    from pysequoia import Tsk

pytestmark = pytest.mark.image

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def built(settings: Settings, module_folder: Path) -> Project:
    project = Project.of(TOP / "xenbuild.yaml", module_folder / "project", settings.store.root)
    assert project.run("image").code == 0
    return project


def read(project: Project, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(project.image(f"x86_64-xen/{name}").read_text())
    return content


def test_what_packages_say_of_themselves(built: Project) -> None:
    packages = {one["name"]: one for one in read(built, "sbom.spdx.json")["packages"]}
    xen = packages["xen-hypervisor-4.17-amd64"]
    assert xen["supplier"] == "Organization: Debian Xen Team (pkg-xen-devel@lists.alioth.debian.org)"
    assert "GPL-2.0-only" in xen["licenseDeclared"]
    assert packages["zlib1g"]["licenseDeclared"] == "Zlib"
    locked = {one.name: one for one in load_lock(built.folder / "xenbuild.lock").all_packages().values()}
    assert xen["checksums"][0]["checksumValue"] == locked["xen-hypervisor-4.17-amd64"].sha256
    assert xen["externalRefs"][0]["referenceLocator"].startswith("pkg:deb/debian/xen-hypervisor-4.17-amd64@4.17.")


def test_which_part_a_package_went_to(built: Project) -> None:
    components = {one["name"]: one for one in read(built, "sbom.cdx.json")["components"]}

    def parts(name: str) -> list[str]:
        return [one["value"] for one in components[name]["properties"] if one["name"] == "xenbuild:part"]

    assert parts("xen-hypervisor-4.17-amd64") == ["xen"]
    kernel = next(name for name in components if name.startswith("linux-image-"))
    assert parts(kernel) == ["kernel", "initramfs"], "its modules are dom0's"
    assert parts("libc6") == ["initramfs"]
    assert not [name for name in components if name.startswith(("clang", "lld", "libllvm"))], "tools are no content"


def test_the_readers_of_others_take_them(built: Project) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    text = built.image("x86_64-xen/sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = parse_file(str(built.image("x86_64-xen/sbom.spdx.json")))
    assert [one.validation_message for one in validate_full_spdx_document(document)] == []


def test_provenance_names_every_package_and_tool(built: Project) -> None:
    materials = read(built, "provenance.json")["predicate"]["buildDefinition"]["resolvedDependencies"]
    roles = {(one["name"], one["annotations"]["role"]) for one in materials if "name" in one}
    assert {("libc6", "content"), ("libc6", "tool"), ("clang-19", "tool"), ("xen-utils-4.17", "content")} <= roles
    assert ("xen-utils-4.17", "tool") not in roles and ("clang-19", "content") not in roles
    files = [one["uri"] for one in materials if one["uri"].startswith("file:")]
    assert "file:xenbuild.yaml" in files and "file:xenbuild.lock" in files
    assert "file:xenbuild/recipes/releases/bookworm.yaml" in files


def key_of_ours(folder: Path) -> tuple[Tsk, Path, Path]:
    """An OpenPGP key, and the files that have its secret half and its certificate."""
    from pysequoia import Tsk

    key = Tsk.generate(user_id="us")
    secret, public = folder / "us.key", folder / "us.asc"
    secret.touch(mode=0o600)
    secret.write_text(str(key))
    public.write_text(str(key.extract_certificate()))
    return key, secret, public


def test_sign_and_verify(built: Project, tmp_path: Path) -> None:
    _, secret, public = key_of_ours(tmp_path)
    assert built.run("sign", "--key", str(secret)).code == 0
    done = built.run("verify", "--keyring", str(public), "out/x86_64-xen/showcase.elf")
    assert (done.code, done.err) == (0, "")
    assert "  parts       3 parts are whole\n" in done.out
    shutil.copytree(built.folder / "out" / "x86_64-xen", tmp_path / "copy")
    image = tmp_path / "copy" / "showcase.elf"
    content = bytearray(image.read_bytes())
    content[len(content) // 2] ^= 1
    image.write_bytes(content)
    done = built.run("verify", "--keyring", str(public), str(image))
    assert done.code == 5
    assert f"error: {image} is not what was built: its SHA-256 is " in done.err


def test_a_build_that_ends_signed(built: Project, tmp_path: Path) -> None:
    key, secret, public = key_of_ours(tmp_path)
    said = f"out/x86_64-xen/SHA256SUMS.asc: signed by {key.extract_certificate().fingerprint}\n"
    signature = built.image("x86_64-xen/SHA256SUMS.asc")
    signature.unlink(missing_ok=True)
    built.environment = {"US": str(key)}
    try:
        for words in (("--sign-with", str(secret)), ("--sign-with", "env:US")):
            done = built.run("image", *words)
            assert (done.code, done.err) == (0, "") and said in done.out
            assert built.run("verify", "--keyring", str(public), "out/x86_64-xen").code == 0
            first = signature.read_bytes()
        assert signature.read_bytes() == first, "what is signed by this key is not signed again"
        declared = built.folder / "xenbuild.yaml"
        text = declared.read_text()
        declared.write_text(f"{text}signing: {{variable: US}}\n")
        signature.unlink()
        assert said in built.run("image").out
        built.environment = {}
        done = built.run("image")
        assert done.code == 8 and "the environment variable US holds no key" in done.err
        declared.write_text(text)
        assert built.run("image").code == 0
    finally:
        built.environment = {}


def test_a_build_that_changes_something_takes_the_signature_away(built: Project) -> None:
    signature = built.image("x86_64-xen/SHA256SUMS.asc")
    signature.write_text("signed\n")
    assert built.run("image").code == 0
    assert signature.exists(), "nothing has changed"
    shutil.copytree(built.folder / "out" / "x86_64-xen", built.folder / "before")
    built.replace("cmdline: [quiet]", "cmdline: [quiet, panic=7]")
    assert built.run("image", "--json").steps() <= {"compose x86_64/xen"}, "no package is described anew"
    assert not signature.exists()
    assert built.run("verify", "out/x86_64-xen").code == 0
    done = built.run("diff", "before", "out/x86_64-xen")
    assert "kernel command line: +panic=7\n" in done.out
    assert "package" not in done.out


def test_papers_are_part_of_the_answer_when_nothing_changed(built: Project) -> None:
    assert built.run("image").code == 0
    paper = built.image("x86_64-xen/sbom.cdx.json")
    content = paper.read_bytes()
    paper.unlink()
    assert built.run("image").code == 0
    assert paper.read_bytes() == content


def test_a_disk_with_its_boot_loader_to_a_file_in_place_of_a_disk(settings: Settings, tmp_path: Path) -> None:
    project = Project.of(TOP / "xenbuild.yaml", tmp_path / "project", settings.store.root)
    project.replace("medium: bundle", "medium: raw")
    assert project.run("image").code == 0
    components = {one["name"]: one for one in read(project, "sbom.cdx.json")["components"]}
    assert {"name": "xenbuild:image", "value": "showcase"} in components["grub-pc-bin"]["properties"]
    assert "mtools" not in components and "grub-common" not in components, "tools are no content"
    card = project.folder / "card.img"
    card.write_bytes(b"\xff" * (100 << 20))
    done = project.run("flash", "--yes", "--json", "out/x86_64-xen/showcase.raw", "card.img")
    assert done.code == 0, done.err
    wanted = project.image("x86_64-xen/showcase.raw").read_bytes()
    there, mapped = card.read_bytes(), read_bmap(project.image("x86_64-xen/showcase.raw.bmap").read_bytes(), "map")
    assert all(there[start:end] == wanted[start:end] for start, end in map(mapped.extent, mapped.ranges))
    written = json.loads(done.out.splitlines()[-1])["flash"]["written"]
    assert written < len(wanted), "free clusters are left out"
    assert not any(card.read_bytes()[-(1 << 20) :])
