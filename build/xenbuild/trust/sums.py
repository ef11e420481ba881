"""What lies in a folder of results beside the images; SHA256SUMS is in the format of sha256sum(1)."""

from __future__ import annotations

import re

from xenbuild.errors import FormatError

MANIFEST, SUMS, SIGNATURE = "manifest.json", "SHA256SUMS", "SHA256SUMS.asc"
SPDX, CYCLONEDX, PROVENANCE = "sbom.spdx.json", "sbom.cdx.json", "provenance.json"
_LINE = re.compile(r"([0-9a-f]{64}) [ *]((?!/)[^\n\0]+)")


def read_sums(text: str, name: str) -> dict[str, str]:
    """File name -> SHA-256. Raises FormatError for lines that are none, and for names that lead out of the folder."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or ".." in match[2].split("/") or match[2] in found:
            raise FormatError(f"{name} is damaged in line {number}", advice="build or copy the images again")
        found[match[2]] = match[1]
    if not found:
        raise FormatError(f"{name} is empty", advice="build or copy the images again")
    return found
