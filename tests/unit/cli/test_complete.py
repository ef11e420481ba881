"""What a shell is offered after Tab."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from xenbuild.cli.group import cli

DECLARATION = """\
version: 1
name: lab
release: bookworm
targets: {arch: [x86_64, arm64, armv7], hypervisor: [xen]}
profiles: {debug: {}, quick: {}}
images: [{name: lab}]
tests:
  - {name: boot, steps: [{run: "true"}]}
  - {name: network, steps: [{run: "true"}]}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "xenbuild.yaml").write_text(DECLARATION)
    (tmp_path / "other.yaml").write_text(DECLARATION.replace("[x86_64, arm64, armv7]", "[arm64]"))
    (tmp_path / "broken.yaml").write_text("name: [")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def offered(line: str) -> list[str]:
    *words, incomplete = line.split(" ")
    found = ShellComplete(cli, {}, "xenbuild", "_XENBUILD_COMPLETE").get_completions(words, incomplete)
    return [item.value for item in found]


@pytest.mark.parametrize("verb", ["image", "run", "test", "why", "show"])
def test_targets(verb: str) -> None:
    assert offered(f"{verb} ") == ["x86_64/xen", "arm64/xen", "armv7/xen"]
    assert offered(f"{verb} ar") == ["arm64/xen", "armv7/xen"]
    assert offered(f"{verb} -f other.yaml ") == ["arm64/xen"]


def test_targets_that_stand_there_are_left_out() -> None:
    assert offered("image arm64/xen ") == ["x86_64/xen", "armv7/xen"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("test -k ", ["boot", "network"]),
        ("test -k n", ["network"]),
        ("run --test b", ["boot"]),
        ("image --profile ", ["debug", "quick"]),
        ("image --profile q", ["quick"]),
        ("sh", ["show"]),
        ("completion z", ["zsh"]),
    ],
)
def test_names(line: str, words: list[str]) -> None:
    assert offered(line) == words


@pytest.mark.parametrize("file", ["broken.yaml", "none.yaml"])
@pytest.mark.parametrize("rest", ["", "-k ", "--profile "])
def test_a_declaration_that_cannot_be_read_offers_nothing(file: str, rest: str) -> None:
    assert offered(f"test -f {file} {rest}") == []
