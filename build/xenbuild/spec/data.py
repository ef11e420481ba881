"""Where the project's own data lies: in the checkout, or inside the installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def data_dir(name: str) -> Path:
    """One of the folders of data: recipes, hvkernel and so on. Raises FileNotFoundError in a broken installation."""
    installed = _PACKAGE / "data" / name
    checkout = _PACKAGE.parent.parent / name
    for folder in (installed, checkout):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation lacks its folder {name}")
