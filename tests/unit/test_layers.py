"""Imports of xenbuild point downwards only; what an action names as its function is an import too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "build" / "xenbuild"
LAYERS = ("cli", "serve", "prove", "flash", "media", "trust", "compose", "parts", "plan", "sources", "store")
GROUND = ("formats", "spec")  # know nobody but the errors, not even each other
FUNCTION = re.compile(r"xenbuild(\.\w+)+:\w+")  # as in Action("…", "xenbuild.compose.x86:run", …)


def imported(source: str) -> Iterator[tuple[int, str]]:
    """(line, module of xenbuild) for all imports of a module, wherever they stand, and for the functions it names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and FUNCTION.fullmatch(node.value):
            yield node.lineno, node.value


def allowed(own: str) -> set[str]:
    """The packages and modules directly below xenbuild that a module in `own` may import."""
    if own in GROUND:
        return {own, "errors"}
    if own in LAYERS:
        return {*LAYERS[LAYERS.index(own) :], *GROUND, "errors", "__version__"}
    return set()  # errors.py and __init__.py


def upward(own: str, source: str) -> list[str]:
    """What a module in package `own` imports although it may not."""
    names = [(line, name.replace(":", ".").split(".")) for line, name in imported(source)]
    return [f"{line}: {'.'.join(n)}" for line, n in names if n[0] == "xenbuild" and n[1] not in allowed(own)]


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_point_downwards(file: Path) -> None:
    own = file.relative_to(PACKAGE).parts[0]
    assert own.removesuffix(".py") in (*LAYERS, *GROUND, "errors", "__init__"), "a layer that has no place yet"
    assert upward(own, file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("own", "source", "wrong"),
    [
        ("store", "from xenbuild.plan.action import Action", "1: xenbuild.plan.action.Action"),
        ("plan", "def f():\n    import xenbuild.cli.main", "2: xenbuild.cli.main"),
        ("parts", "x = 'xenbuild.compose.x86:run'", "1: xenbuild.compose.x86.run"),
        ("formats", "from xenbuild.spec import model", "1: xenbuild.spec.model"),
        ("spec", "from xenbuild import store", "1: xenbuild.store"),
    ],
)
def test_the_test_sees_arrows_that_point_up(own: str, source: str, wrong: str) -> None:
    assert upward(own, source) == [wrong]
