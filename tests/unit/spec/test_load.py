"""Includes, profiles, variables, overrides, targets and origins of good declarations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from xenbuild.errors import DeclarationError, Errors
from xenbuild.spec.inputs import uses
from xenbuild.spec.load import load, target_named, targets
from xenbuild.spec.model import Target

GOOD = Path(__file__).parents[2] / "good" / "declaration"
ARM, X86 = Target("arm64", "xen"), Target("x86_64", "xen")


@pytest.fixture(autouse=True)
def in_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOOD)


@pytest.mark.parametrize("file", sorted(GOOD.glob("*.yaml")), ids=lambda file: file.stem)
def test_good_file_loads_for_all_its_targets(file: Path) -> None:
    for target in targets(file)[0]:
        load(file, target)


def test_core_schema() -> None:
    made = load(Path("scalars.yaml"))
    assert made.name == "no"
    assert made.dom0.vcpus == 10
    assert made.dom0.memory == 1536 << 20
    assert made.dom0.hostname == "off"
    assert made.dom0.cmdline == ["on", "yes", "12:30:45", "7", "~x", "0x1g"]
    assert made.dom0.bridge is None


def test_targets() -> None:
    assert targets(Path("layers.yaml")) == ([X86, ARM], ARM)
    assert targets(Path("minimal.yaml")) == ([X86], X86)
    assert target_named("arm64/xen", Path("layers.yaml")) == ARM


def test_layers() -> None:
    made = load(Path("layers.yaml"))
    assert made.target == ARM
    assert made.dom0.cmdline == ["base", "host=box-arm64", "literal=${HOME}", "arm"]
    assert (made.dom0.memory, made.dom0.vcpus, made.dom0.hostname) == (256 << 20, 2, "base")
    assert made.dom0.drivers == ["dom0-base", "backends", "frontends"]
    assert made.dom0.files[0].source == GOOD / "parts" / "files" / "motd"
    assert made.dom0.files[0].mode == 0o600
    assert made.tests[0].steps[0].expect == "ready ${nonce} on arm64"
    assert made.tests[0].timeout == 1.5


def test_a_profile_adds_conditions(tmp_path: Path) -> None:
    file = tmp_path / "xenbuild.yaml"
    text = """\
version: 1
name: m
release: bookworm
targets: [x86_64/xen]
images: [{name: m}]
profiles:
  p:
    when+:
      - {if: {arch: x86_64}, dom0: {cmdline+: [b]}, tests+: [{name: t, steps: [{expect: "ready ${nonce}"}]}]}
"""
    file.write_text(text)
    assert load(file, profiles=["p"]).dom0.cmdline == ["b"]
    file.write_text(text + "when: [{if: {arch: x86_64}, dom0: {cmdline: [a]}}]\n")
    made = load(file, profiles=["p"])
    assert made.dom0.cmdline == ["a", "b"] and [test.name for test in made.tests] == ["t"]
    assert load(file).dom0.cmdline == ["a"]


def test_profile_and_set() -> None:
    big = load(Path("layers.yaml"), X86, ["big"], {"suite": "trixie"})
    assert (big.dom0.memory, big.dom0.vcpus, big.release) == (2 << 30, 4, "trixie")
    assert big.dom0.cmdline[-1] == "big"
    assert load(Path("layers.yaml"), X86, ["big"], {"size": "1G"}).dom0.memory == 1 << 30


def test_origins() -> None:
    made = load(Path("layers.yaml"))
    assert str(made.at("name")) == "layers.yaml:2:7"
    assert str(made.dom0.at("hostname")) == "parts/base.yaml:3:13"
    assert str(made.dom0.at("cmdline[0]")) == "parts/base.yaml:2:13"
    assert str(made.dom0.at("cmdline[3]")) == "layers.yaml:21:23"
    assert str(made.dom0.at("drivers[2]")) == "layers.yaml:14:14"
    assert "bridge" not in made.dom0.origins


def test_files_are_all_that_was_read() -> None:
    made = load(Path("layers.yaml"))
    recipes = ["bookworm.yaml", "xen.yaml", "dom0-base.yaml", "backends.yaml", "frontends.yaml"]
    assert [file.name for file in made.files] == ["layers.yaml", "base.yaml", *recipes]
    assert made.folder == GOOD


def test_defaults_are_not_shared() -> None:
    first, second = load(Path("minimal.yaml")), load(Path("minimal.yaml"))
    first.dom0.drivers.append("x")
    first.dom0.cmdline.append("x")
    assert second == load(Path("minimal.yaml"))
    assert replace(second) == second


@pytest.mark.parametrize(
    ("arguments", "message", "advice"),
    [
        ((Target("armv7", "xen"),), "layers.yaml has no target armv7/xen", "targets: arm64/xen, x86_64/xen"),
        ((None, ["bgi"]), "layers.yaml:15:1: there is no profile 'bgi'", "did you mean 'big'? profiles: big"),
        (
            (None, [], {"sise": "1"}),
            "--set sise: there is no variable 'sise'",
            "did you mean 'size'? variables: count, size, suite",
        ),
    ],
)
def test_bad_arguments(arguments: tuple[object, ...], message: str, advice: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        load(Path("layers.yaml"), *arguments)  # type: ignore[arg-type]
    assert str(caught.value) == message
    assert caught.value.advice.endswith(advice)


def test_missing_file() -> None:
    with pytest.raises(DeclarationError, match=r"there is no file absent\.yaml"):
        load(Path("absent.yaml"))


def test_unknown_driver_sets_are_all_reported(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("name: m\nrelease: bookworm\ndrivers: [fronteds]\ndom0: {drivers: [backend]}\n")
    (tmp_path / "recipes").symlink_to(GOOD / "recipes")
    with pytest.raises(Errors) as caught:
        load(file)
    assert [one.message for one in caught.value.errors] == [
        "there is no driver set 'fronteds'",
        "there is no driver set 'backend'",
    ]
    assert caught.value.errors[0].advice.startswith("did you mean 'frontends'?")


SOURCES = """
name: m
release: bookworm
targets: [x86_64/xen, arm64/xen]
variables: {which: a}
profiles: {p: {dom0: {files: [{path: /p, source: source:profile}]}}}
when: [{if: {arch: arm64}, dom0: {kernel: source:arm}}]
dom0:
  files: [{path: /f, source: "source:f-${which}"}]
sources:
  f-a: {file: x.yaml}
  f-b: {file: x.yaml}
  arm: {file: x.yaml}
  profile: {file: x.yaml}
"""


def test_sources_that_other_targets_profiles_and_values_use(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(SOURCES)
    used = [[str(use.file) for use in uses(load(file, target))] for target in (X86, ARM)]
    assert [sorted(names) for names in used] == [["source:f-a"], ["source:arm", "source:f-a"]]
    assert str(load(file, variables={"which": "b"}).dom0.files[0].source) == "source:f-b"
    with pytest.raises(DeclarationError) as caught:
        load(file, variables={"which": "c"})
    assert caught.value.message == "there is no source 'f-c'"
    file.write_text(SOURCES.replace("kernel: source:arm", "memory: 1G"))
    with pytest.raises(DeclarationError) as caught:
        load(file)
    assert caught.value.message == "nothing uses the source 'arm'"


def test_a_file_named_like_a_source(tmp_path: Path) -> None:
    (tmp_path / "source:x").write_text("x")
    (tmp_path / "x.yaml").write_text("name: m\nrelease: bookworm\nhypervisor: {file: './source:x'}\n")
    assert load(tmp_path / "x.yaml").hypervisor.file == tmp_path / "source:x"
