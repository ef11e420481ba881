"""Texts by the Jinja2 templates in recipes/templates/; one of the same name beside the declaration goes before ours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from xenbuild.spec.data import data_dir

if TYPE_CHECKING:
    from xenbuild.spec.image import Menu
    from xenbuild.spec.model import Declaration


def render(template: str, folder: Path, /, **values: Any) -> str:
    """The text of a template; `folder` is the declaration's. Raises DeclarationError for a template that is wrong."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

    from xenbuild.errors import DeclarationError

    loader = FileSystemLoader([folder / "recipes" / "templates", data_dir("recipes") / "templates"])
    jinja = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    jinja.filters["grub"] = grub_quoted
    try:
        return jinja.get_template(template).render(values)
    except TemplateError as error:
        line = getattr(error, "lineno", None)  # of those that are about syntax
        where = f" (line {line})" if line else ""
        advice = "compare it with the one that xenbuild has in recipes/templates/"
        raise DeclarationError(f"template {template}{where}: {error}", advice=advice) from error


def grub_quoted(text: str) -> str:
    """A word for GRUB's shell, which takes everything between single quotes as it is."""
    plain = text and all(c.isalnum() or c in "-_=,.:/@+%" for c in text)
    return text if plain else "'" + text.replace("'", "'\\''") + "'"


def menu_entries(declaration: Declaration, hypervisor: list[str], dom0: list[str], menu: Menu) -> list[dict[str, Any]]:
    """The lines of a boot menu: id, title, whole command lines, and `words`, what a bundle is told beside its own.

    The first line is the machine as it was declared.
    """
    lines: list[dict[str, Any]] = [
        {"id": "machine", "title": declaration.name, "hypervisor": hypervisor, "dom0": dom0, "words": []}
    ]
    for number, entry in enumerate(menu.entries, 1):
        more = [*entry.hypervisor, *(["--", *entry.dom0] if entry.dom0 else [])]
        lines.append(
            {
                "id": f"entry{number}",
                "title": entry.title,
                "hypervisor": [*hypervisor, *entry.hypervisor],
                "dom0": [*dom0, *entry.dom0],
                "words": more,
            }
        )
    return lines


def chosen_entry(entries: list[dict[str, Any]], menu: Menu) -> int:
    """The number of the line that is chosen by itself. Raises DeclarationError if the menu has none of that title."""
    from xenbuild.errors import DeclarationError

    titles = [entry["title"] for entry in entries]
    if menu.default is None:
        return 0
    if menu.default not in titles:
        message = f"the menu has no line {menu.default!r}"
        raise DeclarationError(message, at=menu.at("default"), advice=f"its lines: {', '.join(titles)}")
    return titles.index(menu.default)
