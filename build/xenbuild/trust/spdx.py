"""A bill of materials as SPDX 2.3 JSON (https://spdx.github.io/spdx-spec/v2.3/)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from xenbuild import __version__
from xenbuild.trust.bill import Bill, Component
from xenbuild.trust.document import text

_NONE = "NOASSERTION"
_PURPOSE = {
    "image": "OPERATING_SYSTEM",
    "part": "FILE",
    "package": "LIBRARY",
    "source": "SOURCE",
    "loader": "FIRMWARE",
    "file": "FILE",
}


def to_spdx(bill: Bill) -> str:
    """The document. Images contain parts, parts contain packages."""
    everything = [*bill.images, *bill.parts, *bill.components]
    document: dict[str, Any] = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{bill.name} {bill.target}",
        "documentNamespace": f"https://spdx.org/spdxdocs/{bill.name}-{bill.target.replace('/', '-')}-{bill.uuid}",
        "creationInfo": {"created": bill.created, "creators": [f"Tool: xenbuild-{__version__}"]},
        "packages": [_package(component) for component in everything],
        "relationships": list(_relationships(bill)),
    }
    if bill.texts:
        document["hasExtractedLicensingInfos"] = [
            {"licenseId": reference, "name": name, "extractedText": words}
            for reference, (name, words) in sorted(bill.texts.items())
        ]
    return text(document)


def _package(component: Component) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "SPDXID": _id(component),
        "name": component.name,
        "downloadLocation": component.download or _NONE,
        "filesAnalyzed": False,
        "licenseConcluded": _NONE,
        "licenseDeclared": component.licence,
        "copyrightText": _NONE,
        "supplier": _supplier(component.supplier),
        "primaryPackagePurpose": _PURPOSE[component.kind],
    }
    if component.version:
        fields["versionInfo"] = component.version
    if component.kind == "image":
        fields["packageFileName"] = component.name
    if component.sha256:
        fields["checksums"] = [{"algorithm": "SHA256", "checksumValue": component.sha256}]
    if component.homepage:
        fields["homepage"] = component.homepage
    if component.summary:
        fields["summary"] = component.summary
    if component.purl:
        reference = {"referenceType": "purl", "referenceLocator": component.purl}
        fields["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", **reference}]
    return fields


def _supplier(maintainer: str) -> str:
    """As "Organization: NAME (ADDRESS)", people too: Debian's control files do not tell them from teams."""
    if not maintainer:
        return _NONE
    name, _, mail = maintainer.partition(" <")
    mail = mail.rstrip(">")
    return f"Organization: {name.strip()}{f' ({mail})' if mail else ''}"


def _relationships(bill: Bill) -> Iterator[dict[str, str]]:
    def one(subject: str, kind: str, object: str) -> dict[str, str]:
        return {"spdxElementId": subject, "relationshipType": kind, "relatedSpdxElement": object}

    for image in bill.images:
        yield one("SPDXRef-DOCUMENT", "DESCRIBES", _id(image))
        for part in bill.parts:
            yield one(_id(image), "CONTAINS", _id(part))
    for component in bill.components:
        for within in component.within:
            yield one(f"SPDXRef-{within}", "CONTAINS", _id(component))


def _id(component: Component) -> str:
    return f"SPDXRef-{component.id}"
