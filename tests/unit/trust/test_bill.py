"""Bills of materials: what is in them, and that the official readers of both formats take them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from results import ARCHIVE, OTHER, described, digest, lock, make_bill, manifest, materials, package, plan

from xenbuild.parts.packages import unpacked
from xenbuild.plan.action import Action, File, Input
from xenbuild.trust.bill import Bill, Output, bill, purl
from xenbuild.trust.cyclonedx import to_cyclonedx
from xenbuild.trust.document import text
from xenbuild.trust.licences import Licences, spdx_name
from xenbuild.trust.origins import Fetched, origins
from xenbuild.trust.provenance import to_provenance
from xenbuild.trust.spdx import to_spdx

MANIFEST = manifest({"xen": b"x", "kernel": b"k", "initramfs": b"i"})
OUTPUTS = [
    Output("lab.elf", digest("lab.elf"), 100, "lab"),
    Output("net/pxelinux.0", digest("p"), 5, "net"),
    Output("net/a/b_c", digest("b"), 5, "net"),
]


@pytest.fixture
def made() -> Bill:
    return make_bill(MANIFEST, OUTPUTS)


# Where parts come from


def test_packages_and_sources_of_each_part() -> None:
    _, found, _ = materials()
    names = {part: [one.name for one in packages] for part, packages in found.packages.items()}
    assert names == {"xen": ["xen"], "kernel": [], "initramfs": ["busybox", "libc6"]}
    assert found.sources["kernel"] == (Fetched("http://u.example/vmlinuz", sha256=digest("k")),)
    assert [one.name for one in found.tools] == ["clang"], "what it is made with is no part of it"


def test_a_tool_of_an_image_is_a_tool() -> None:
    xen, grub = package("xen"), package("grub")
    compose = plan([xen], [xen], [])
    image = Action("raw", "a:b", {}, {"tools": unpacked(grub), "bundle": compose.output("bundle")})
    found = origins(compose, {"lab": image.output()}, [xen, grub])
    assert (found.tools, found.images) == ((grub,), {"lab": ()})


def test_a_boot_loader_is_in_its_image() -> None:
    xen, grub = package("xen"), package("grub")
    compose = plan([xen], [xen], [grub])
    image = Action("raw", "a:b", {}, {"modules": unpacked(grub), "bundle": compose.output("bundle")})
    found = origins(compose, {"lab": image.output(), "elf": compose.output("bundle")}, [xen, grub])
    assert (found.tools, found.images) == ((), {"lab": (grub,), "elf": ()})
    told = described([xen, grub])
    made = bill("lab", "bookworm", MANIFEST, found, told, lock([xen, grub]), OUTPUTS)
    assert next(one.within for one in made.components if one.name == "grub") == ("image-lab",)


def test_packages_are_described_once_by_what_unpacks_them() -> None:
    _, found, _ = materials()
    action = found.described.action
    assert sorted(action.params["names"].values()) == [package(n).id for n in ("busybox", "libc6", "xen")]
    functions = {s.action.function for s in action.inputs.values() if not isinstance(s, File)}
    assert functions == {"xenbuild.parts.unpack:run", "xenbuild.parts.toolstack:run"}
    assert [sorted(one["packages"].values()) for one in action.params["picked"]] == [
        [package("busybox").id, package("libc6").id]
    ]


def test_a_package_that_no_step_describes_is_read_by_one_more() -> None:
    """Disks of guests read packages all at once."""
    deep = package("deep")
    from xenbuild.parts.packages import blob

    inputs: dict[str, Input] = {**plan([package("xen")], [], []).inputs}
    inputs["initramfs"] = Action("disk", "a:b", {}, {"0": blob(deep)}).output()
    compose = Action("compose", "a:b", {}, inputs, ("bundle", "manifest"))
    found = origins(compose, {}, [deep, package("xen")])
    assert found.packages["initramfs"] == (deep,)
    functions = [s.action.function for s in found.described.action.inputs.values() if not isinstance(s, File)]
    assert functions.count("xenbuild.parts.about:run") == 1


# What is in a bill


def test_a_package(made: Bill) -> None:
    libc = next(one for one in made.components if one.name == "libc6")
    assert (libc.version, libc.supplier, libc.licence) == ("1:1.0+b1", "A Team <team@example.org>", "MIT")
    assert libc.purl == "pkg:deb/debian/libc6@1:1.0%2Bb1?arch=amd64&distro=bookworm"
    assert libc.download == "https://s.example/archive/20260711T101637Z/pool/libc6.deb"
    assert (libc.sha256, libc.within) == (package("libc6").sha256, ("part-initramfs",))
    assert made.created == "2026-07-11T10:16:37Z"


def test_packages_of_other_archives() -> None:
    other = package("own", "2~1", OTHER)
    state = lock([other]).archives[OTHER]
    assert purl(other, state, "bookworm") == "pkg:deb/own@2~1?arch=amd64&repository_url=http%3A%2F%2Fv.example%2Fdebian"
    assert ARCHIVE in lock([]).archives


def test_what_nothing_is_taken_of_is_left_out() -> None:
    locked, found, everything = materials()
    made = bill("lab", "bookworm", MANIFEST, found, described(everything, ("busybox",)), locked, OUTPUTS)
    names = [one.name for one in made.components]
    assert names == ["libc6", "xen", "vmlinuz", "xenbuild loader", "net/pxelinux.0", "net/a/b_c"]


def test_the_uuid_is_of_the_content(made: Bill) -> None:
    assert made.uuid == make_bill(MANIFEST, OUTPUTS).uuid
    assert made.uuid != make_bill(MANIFEST, OUTPUTS[:1]).uuid
    assert made.uuid != make_bill(MANIFEST, OUTPUTS, "1.1").uuid
    assert made.uuid[14] == "8" and made.uuid[19] in "89ab"


# Both formats, read by the libraries of those who define them


def test_cyclonedx_is_valid(made: Bill) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(to_cyclonedx(made)) is None


def test_cyclonedx_says_what_we_mean(made: Bill) -> None:
    from cyclonedx.model.bom import Bom

    read = Bom.from_json(json.loads(to_cyclonedx(made)))  # type: ignore[attr-defined]
    libc = next(one for one in read.components if one.name == "libc6")
    assert str(libc.purl) == "pkg:deb/debian/libc6@1:1.0%2Bb1?arch=amd64&distro=bookworm"
    assert [one.content for one in libc.hashes] == [package("libc6").sha256]
    assert [one.value for one in libc.licenses] == ["MIT"]
    needs = {one.ref.value: {two.ref.value for two in one.dependencies} for one in read.dependencies}
    assert libc.bom_ref.value in needs["part-initramfs"]
    assert {"part-initramfs", "loader"} <= needs["image-lab"]
    assert len(needs["image-net"]) == 3 + 1 + 2, "parts, loader, files"


def test_spdx_is_valid(made: Bill, tmp_path: Path) -> None:
    assert spdx_problems(to_spdx(made), tmp_path) == []


def test_the_oracle_for_spdx_sees_mistakes(made: Bill, tmp_path: Path) -> None:
    assert spdx_problems(to_spdx(made).replace('"MIT"', '"No Licence"'), tmp_path)
    assert spdx_problems(to_spdx(made).replace("SPDXRef-part-xen", "SPDXRef-part_xen", 1), tmp_path)


def test_licences_of_a_package_s_own(made: Bill, tmp_path: Path) -> None:
    locked, found, everything = materials()
    told = described(everything)
    told["texts"] = {"LicenseRef-PD-12345678": ("PD", "No rights.")}
    for one in told["packages"].values():  # type: ignore[attr-defined]
        one["licence"] = "GPL-2.0-or-later AND LicenseRef-PD-12345678"
    own = bill("lab", "bookworm", MANIFEST, found, told, locked, OUTPUTS)
    assert spdx_problems(to_spdx(own), tmp_path) == []
    assert '"extractedText": "No rights."' in to_spdx(own)


def spdx_problems(document: str, folder: Path) -> list[str]:
    from spdx_tools.spdx.parser.error import SPDXParsingError
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    (folder / "bill.spdx.json").write_text(document)
    try:
        return [
            one.validation_message for one in validate_full_spdx_document(parse_file(str(folder / "bill.spdx.json")))
        ]
    except SPDXParsingError as error:
        return list(error.get_messages())


def test_provenance() -> None:
    locked, found, _ = materials()
    machine = {"name": "lab", "target": "x86_64/xen", "release": "bookworm"}
    made = json.loads(to_provenance(machine, "key", {"xenbuild.yaml": "ab" * 32}, locked, found, OUTPUTS))
    assert (made["_type"], made["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://slsa.dev/provenance/v1",
    )
    assert made["subject"][0] == {"name": "lab.elf", "digest": {"sha256": digest("lab.elf")}}
    definition = made["predicate"]["buildDefinition"]
    assert definition["externalParameters"] == machine
    uris = [one["uri"] for one in definition["resolvedDependencies"]]
    assert uris[:2] == ["file:xenbuild.yaml", "http://u.example/vmlinuz"]
    roles = {one["name"]: one["annotations"]["role"] for one in definition["resolvedDependencies"] if "name" in one}
    assert roles == {"busybox": "content", "libc6": "content", "xen": "content", "clang": "tool"}


# Licences


@pytest.mark.parametrize(
    ("name", "spdx"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("gpl-3.0+", "GPL-3.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("LGPLv2+", "LGPL-2.0-or-later"),
        ("GFDL-1.3", "GFDL-1.3-only"),
        ("Expat", "MIT"),
        ("BSD-3-Clause", "BSD-3-Clause"),
        ("zlib", "Zlib"),
        ("GPL-4", ""),
        ("PD", ""),
        ("GPL", ""),
    ],
)
def test_names_of_licences(name: str, spdx: str) -> None:
    assert spdx_name(name) == spdx


def test_every_name_is_on_spdx_s_list() -> None:
    from license_expression import get_spdx_licensing

    from xenbuild.trust import licences

    names = set(licences._FIXED.values())
    names |= {
        spdx_name(f"{f}-{v}{p}") for f, versions in licences._VERSIONS.items() for v in versions for p in ("", "+")
    }
    assert get_spdx_licensing().unknown_license_keys(" AND ".join(names)) == []


def test_a_licence_without_a_name_keeps_its_text() -> None:
    from xenbuild.formats.dep5 import Copyright

    licences = Licences()
    declared = licences.declared(Copyright(("PD or Expat", "GPL-2+ with X exception"), {"PD": "No rights."}))
    first, second = sorted(licences.texts)
    assert declared == f"{first} AND ({second} OR MIT)"
    assert first.startswith("LicenseRef-GPL-2-with-X-exception-")
    assert licences.texts[second] == ("PD", "No rights.")
    assert Licences().declared(None) == "NOASSERTION"
    other = Licences()
    other.declared(Copyright(("PD",), {"PD": "Some rights."}))
    assert set(other.texts) != {second}, "the same name for another text"


# The spelling of JSON

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, min_size=1))
def test_documents_are_json(document: dict[str, object]) -> None:
    assert json.loads(text(document)) == document


def test_a_line_for_each_element() -> None:
    assert text({"a": 1, "b": [{"c": 2}, {"c": 3}]}) == '{\n "a": 1,\n "b": [\n  {"c": 2},\n  {"c": 3}\n ]\n}\n'
