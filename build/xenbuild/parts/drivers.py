"""The plan of a kernel with the drivers that driver sets name: its package unpacked, checked and cut down to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from xenbuild.errors import Position
from xenbuild.parts.packages import blob
from xenbuild.plan.action import Action, Json
from xenbuild.sources.lock import LockedPackage
from xenbuild.spec.recipe import DriverSet, KernelPackage, load_recipe


def wanted(sets: Iterable[str], more: Sequence[str], arch: str, folder: Path, at: Position | None) -> Json:
    """What a kernel must have, as parameters of parts/modules.py: of the named driver sets, and `more` modules."""
    modules: dict[str, None] = {}
    options: dict[str, str] = {}
    builtin: dict[str, None] = {}
    for name in dict.fromkeys(sets):
        recipe = load_recipe(DriverSet, name, folder, at)
        modules.update(dict.fromkeys(recipe.modules_for(arch)))
        builtin.update(dict.fromkeys(recipe.builtin_for(arch)))
        options |= recipe.options
    modules.update(dict.fromkeys(more))
    known = {module: option for module, option in options.items() if module in modules}
    return {"modules": list(modules), "options": known, "builtin": list(builtin)}


def kernel(
    packages: Sequence[LockedPackage], recipe: KernelPackage, wanted: Json, at: Position | None, whom: str = ""
) -> Action:
    """The action whose outputs are `kernel` and `modules`; `wanted` as above, `at`: where they are asked for."""
    package = max(packages, key=lambda p: p.size)  # the others only lead to it
    params = {"kernel": recipe.file, **wanted}
    return Action(
        f"unpack {package.name}{whom}",
        "xenbuild.parts.modules:run",
        params,
        {"deb": blob(package)},
        ("about", "kernel", "modules"),
        package.size,
        at,
    )
