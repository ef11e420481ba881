"""A bill of materials as CycloneDX 1.6 JSON (https://cyclonedx.org/docs/1.6/json/)."""

from __future__ import annotations

from typing import Any

from xenbuild import __version__
from xenbuild.trust.bill import Bill, Component
from xenbuild.trust.document import text

_TYPE = {
    "image": "firmware",
    "part": "file",
    "package": "library",
    "source": "file",
    "loader": "firmware",
    "file": "file",
}


def to_cyclonedx(bill: Bill) -> str:
    """The document: the machine, made of images, made of parts, made of packages."""
    root = f"{bill.name}-{bill.target.replace('/', '-')}"
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{bill.uuid}",
        "version": 1,
        "metadata": {
            "timestamp": bill.created,
            "tools": {"components": [{"type": "application", "name": "xenbuild", "version": __version__}]},
            "component": {"type": "operating-system", "bom-ref": root, "name": f"{bill.name} {bill.target}"},
        },
        "components": [_component(one) for one in (*bill.images, *bill.parts, *bill.components)],
        "dependencies": _dependencies(bill, root),
    }
    return text(document)


def _component(component: Component) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": _TYPE[component.kind], "bom-ref": component.id, "name": component.name}
    if component.version:
        fields["version"] = component.version
    if component.supplier:
        name, _, mail = component.supplier.partition(" <")
        contact = {"contact": [{"name": name, "email": mail.rstrip(">")}]} if mail else {}
        fields["supplier"] = {"name": name, **contact}
    if component.summary:
        fields["description"] = component.summary
    if component.sha256:
        fields["hashes"] = [{"alg": "SHA-256", "content": component.sha256}]
    if component.licence != "NOASSERTION":
        fields["licenses"] = [{"expression": component.licence}]
    if component.purl:
        fields["purl"] = component.purl
    links = [("distribution", component.download), ("website", component.homepage)]
    references = [{"type": kind, "url": url} for kind, url in links if url]
    if references:
        fields["externalReferences"] = references
    properties = [_property(*within.split("-", 1)) for within in component.within]
    if component.size >= 0:
        properties.append(_property("size", str(component.size)))
    if properties:
        fields["properties"] = properties
    return fields


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"xenbuild:{name}", "value": value}


def _dependencies(bill: Bill, root: str) -> list[dict[str, Any]]:
    rows = [(root, [image.id for image in bill.images])]
    for each in (*bill.images, *bill.parts):
        inside = [component.id for component in bill.components if each.id in component.within]
        rows.append((each.id, [*(part.id for part in bill.parts if each.kind == "image"), *inside]))
    return [{"ref": ref, "dependsOn": sorted(needs)} for ref, needs in rows]
