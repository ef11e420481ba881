"""Which packages are chosen: alternatives, virtual packages, constraints, exclusions."""

from __future__ import annotations

from pathlib import Path

import pytest

from xenbuild.errors import FormatError
from xenbuild.sources.index import Index
from xenbuild.sources.request import Request
from xenbuild.sources.resolve import closure
from xenbuild.spec.recipe import Dom0Packages, Release


def paragraph(name: str, version: str, depends: str, provides: str) -> str:
    lines = [f"Package: {name}", f"Version: {version}", "Architecture: all", f"Filename: pool/{name}", "Size: 1"]
    lines += [f"SHA256: {'0' * 64}"]
    lines += [f"Depends: {depends}"] if depends else []
    lines += [f"Provides: {provides}"] if provides else []
    return "\n".join(lines) + "\n"


def chosen(
    packages: dict[str, list[tuple[str, str, str]]],
    *roots: str,
    pins: dict[str, str] | None = None,
    only: str = "",
    exclude: tuple[str, ...] = (),
) -> dict[str, str]:
    """`packages`: name -> (version, Depends, Provides)."""
    index = Index()
    text = "\n".join(paragraph(name, *each) for name, all in packages.items() for each in all)
    index.add("archive", text)
    release = Release(
        name="demo", file=Path("demo"), archives=[], xen="1", architectures={}, dom0=Dom0Packages(roots=[])
    )
    request = Request("demo", release, "amd64", roots, only, exclude)
    return {package.name: package.version for package in closure(index, request, pins)}


def test_the_highest_version_wins_unless_pinned() -> None:
    packages = {"a": [("1", "", ""), ("1.10", "", ""), ("1.9", "", "")]}
    assert chosen(packages, "a") == {"a": "1.10"}
    assert chosen(packages, "a", pins={"a": "1"}) == {"a": "1"}
    assert chosen(packages, "a", pins={"a": "0.5"}) == {"a": "1.10"}


def test_first_alternative_that_can_be_met_and_chosen_before_new() -> None:
    packages = {"a": [("1", "x | b | c", "")], "b": [("1", "", "")], "c": [("1", "", "")]}
    assert chosen(packages, "a") == {"a": "1", "b": "1"}
    assert chosen(packages, "a", "c") == {"a": "1", "c": "1"}


def test_virtual_packages() -> None:
    packages = {"a": [("1", "mail", "")], "exim": [("4", "", "mail")], "b": [("1", "mail (>= 2)", "")]}
    assert chosen(packages, "a") == {"a": "1", "exim": "4"}
    packages["postfix"] = [("3", "", "mail (= 2.5)")]
    assert chosen(packages, "b") == {"b": "1", "postfix": "3"}


def test_a_later_constraint_changes_an_earlier_choice() -> None:
    packages = {
        "a": [("1", "lib, b", "")],
        "b": [("1", "c", "")],
        "c": [("1", "lib (<< 2)", "")],
        "lib": [("1", "", ""), ("2", "new", "")],
        "new": [("1", "", "")],
    }
    assert chosen(packages, "a") == {"a": "1", "b": "1", "c": "1", "lib": "1"}


def test_only_and_exclude() -> None:
    packages = {
        "meta": [("1", "linux-image-1, other", "")],
        "linux-image-1": [("1", "kmod", "")],
        "other": [("1", "", "")],
        "kmod": [("1", "", "")],
    }
    assert chosen(packages, "meta", only="linux-image-*") == {"meta": "1", "linux-image-1": "1"}
    assert chosen(packages, "meta", only="-") == {"meta": "1"}
    assert chosen(packages, "meta", exclude=("k*", "other")) == {"meta": "1", "linux-image-1": "1"}
    assert "kmod" in chosen(packages, "meta", "kmod", exclude=("kmod",))


def test_a_circle_ends() -> None:
    assert chosen({"a": [("1", "b", "")], "b": [("1", "a", "")]}, "a") == {"a": "1", "b": "1"}


def test_damaged_index() -> None:
    with pytest.raises(FormatError) as caught:
        chosen({"a": [("1", "b c", "")]}, "a")
    assert (
        caught.value.message
        == "archive: the package index is damaged at 'Package: a': cannot read the dependency 'b c'"
    )
