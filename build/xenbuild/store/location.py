"""Where the store lies when nobody says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from xenbuild.errors import HostError


def store_root(environment: Mapping[str, str]) -> Path:
    """$XENBUILD_CACHE, else $XDG_CACHE_HOME/xenbuild, else ~/.cache/xenbuild; absolute. Raises HostError."""
    if own := environment.get("XENBUILD_CACHE"):
        return Path(own).absolute()
    # The XDG Base Directory Specification: relative paths in these variables are to be ignored.
    base = environment.get("XDG_CACHE_HOME", "")
    if base.startswith("/"):
        return Path(base) / "xenbuild"
    try:
        return Path.home() / ".cache" / "xenbuild"
    except RuntimeError:
        raise HostError(
            "there is no home directory to keep the cache in", advice="set XENBUILD_CACHE to a folder"
        ) from None
