"""The JSON Schema accepts what the loader accepts, and refuses what types can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from xenbuild.spec.nodes import Mapping, Scalar, Sequence, Tree
from xenbuild.spec.reader import read_yaml
from xenbuild.spec.reference import markdown
from xenbuild.spec.scalars import resolve
from xenbuild.spec.schema import json_schema

TESTS = Path(__file__).parents[2]
GOOD = sorted((TESTS / "good" / "declaration").glob("*.yaml"))
BAD = TESTS / "bad" / "declaration"
EXPRESSIBLE = (
    *("key-unknown", "key-case", "type-", "size-unit", "size-lower", "duration-no", "duration-unit", "mode-"),
    *("image-name", "test-name", "domain-", "hostname", "sha256", "file-relative", "file-owner", "user-name"),
    *("include-block", "target-unknown", "target-no-slash", "target-matrix", "when-block", "when-targets"),
)
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def data(tree: Tree) -> Any:
    if isinstance(tree, Mapping):
        return {key: data(value) for key, value in tree.items.items()}
    if isinstance(tree, Sequence):
        return [data(value) for value in tree.items]
    assert isinstance(tree, Scalar)
    return resolve(tree.text) if tree.plain else tree.text


def test_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_good_files_are_valid(file: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(data(read_yaml(file)))] == []


@pytest.mark.parametrize(
    "file", [f for f in sorted(BAD.glob("*.yaml")) if f.stem.startswith(EXPRESSIBLE)], ids=lambda file: file.stem
)
def test_bad_files_are_invalid(file: Path) -> None:
    assert list(VALIDATOR.iter_errors(data(read_yaml(file))))


def test_reference_names_every_block() -> None:
    text = markdown()
    for block in json_schema()["$defs"]:
        assert f"## {block}\n" in text or block in ("Profile", "When")


def test_reference_in_docs_is_current() -> None:
    assert (TESTS.parent / "docs" / "reference.md").read_text("utf-8") == markdown()
