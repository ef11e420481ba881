"""Licences by the short names of Debian's copyright files, in the terms of the SPDX License List 3."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from xenbuild.formats.dep5 import Copyright, conjunction, translate

# Debian's short names (copyright-format/1.0, 7.1) and spellings that are common in its packages; lower case.
_FIXED = {
    "apache-2.0": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "artistic-1.0": "Artistic-1.0",
    "artistic-2.0": "Artistic-2.0",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsd-4-clause": "BSD-4-Clause",
    "bsl-1.0": "BSL-1.0",
    "cc0": "CC0-1.0",
    "cc0-1.0": "CC0-1.0",
    "cc-by-3.0": "CC-BY-3.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-sa-3.0": "CC-BY-SA-3.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "expat": "MIT",
    "isc": "ISC",
    "mit": "MIT",  # as Debian uses it, nearly always Expat's
    "mpl-1.1": "MPL-1.1",
    "mpl-2.0": "MPL-2.0",
    "openssl": "OpenSSL",
    "psf-2": "PSF-2.0",
    "python-2.0": "Python-2.0",
    "unlicense": "Unlicense",
    "zlib": "Zlib",
}
_GNU = re.compile(r"(gpl|lgpl|agpl|gfdl)-?v?(\d)(?:\.(\d))?(\+?)", re.IGNORECASE)
_VERSIONS = {
    "GPL": ("1.0", "2.0", "3.0"),
    "LGPL": ("2.0", "2.1", "3.0"),
    "AGPL": ("1.0", "3.0"),
    "GFDL": ("1.1", "1.2", "1.3"),
}


@dataclass(slots=True)
class Licences:
    """Translates; what SPDX has no name for becomes a reference, whose text is in `texts`."""

    texts: dict[str, tuple[str, str]] = field(default_factory=dict)  # reference -> (the package's name for it, text)

    def declared(self, copyright: Copyright | None) -> str:
        """One expression for all that a package holds; NOASSERTION if it does not say so to machines."""
        if copyright is None:
            return "NOASSERTION"
        found = [translate(one, lambda name: self._name(name, copyright.texts)) for one in copyright.expressions]
        return conjunction(found)

    def _name(self, name: str, texts: Mapping[str, str]) -> str:
        known = spdx_name(name)
        if known:
            return known
        text = texts.get(name) or f"The package calls this licence {name!r} and gives no text."
        plain = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-") or "unnamed"
        reference = (
            f"LicenseRef-{plain}-{sha256(text.encode()).hexdigest()[:8]}"  # two packages mean two things by "PD"
        )
        self.texts[reference] = (name, text)
        return reference


def spdx_name(name: str) -> str:
    """SPDX's identifier for one of Debian's names; "" if there is none."""
    match = _GNU.fullmatch(name)
    if not match:
        return _FIXED.get(name.lower(), "")
    family, version = match[1].upper(), f"{match[2]}.{match[3] or '0'}"
    if version not in _VERSIONS[family]:
        return ""
    return f"{family}-{version}-{'or-later' if match[4] else 'only'}"
