"""Completion of what only the declaration knows, for `shell_complete=` of arguments and options.

Nothing is completed where the declaration cannot be read: a shell's prompt is no place for its errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click


def targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Targets of the declaration; those that are on the command line already are left out."""
    from xenbuild.errors import XenbuildError
    from xenbuild.spec.load import targets as declared

    try:
        found = declared(_file(ctx))[0]
    except XenbuildError:
        return []
    given = ctx.params.get(param.name or "") or ()
    return _starting(incomplete, (str(target) for target in found if str(target) not in given))


def tests(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of the tests of the default target."""
    from xenbuild.errors import XenbuildError
    from xenbuild.spec.load import load

    try:
        found = load(_file(ctx)).tests
    except XenbuildError:
        return []
    return _starting(incomplete, (test.name for test in found))


def profiles(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of the declaration's profiles."""
    from xenbuild.errors import XenbuildError
    from xenbuild.spec.document import read_document
    from xenbuild.spec.nodes import Mapping
    from xenbuild.spec.problems import Problems

    try:
        found = read_document(_file(ctx), (), Problems()).tree.items.get("profiles")
    except XenbuildError:
        return []
    return _starting(incomplete, found.items if isinstance(found, Mapping) else ())


def _file(ctx: click.Context) -> Path:
    return Path(ctx.params.get("file") or "xenbuild.yaml")


def _starting(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
