"""The list of what proves each medium (docs/architecture.md) names tests that are there, and leaves none out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xenbuild.media.registry import MEDIA
from xenbuild.spec.load import load, target_named

TOP = Path(__file__).parents[2]
SHOWCASE = TOP / "xenbuild.yaml"
TARGETS = ("x86_64/xen", "arm64/xen", "armv7/xen", "x86_64/hvkernel", "ia32/hvkernel")


def rows() -> list[list[str]]:
    text = (TOP / "docs/architecture.md").read_text().partition("### What proves each medium\n")[2].partition("\n#")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def proofs() -> list[str]:
    return [proof for row in rows() for proof in re.findall(r"`([^`]+)`", row[2])]


def showcase() -> list[str]:
    return [
        f"{target} {test.name}"
        for target in TARGETS
        for test in load(SHOWCASE, target_named(target, SHOWCASE), ["media"]).tests
    ]


@pytest.mark.parametrize("proof", [proof for proof in proofs() if ".py" in proof])
def test_a_test_is_there(proof: str) -> None:
    file, _, name = proof.partition("::")
    text = (TOP / "tests" / file).read_text()
    assert not name or f"\ndef {name}(" in text


def test_the_showcases_tests_are_all_there_and_no_others() -> None:
    assert sorted(proof for proof in proofs() if ".py" not in proof) == sorted(showcase())


def test_every_medium_has_a_proof() -> None:
    named = {name for row in rows() for name in re.findall(r"`(\w+)`", row[0])}
    assert named == set(MEDIA)
