"""Action: what the packages of an image say about themselves -> one JSON file with their licences in SPDX's terms.

params: names (input -> id of the package in the lock), picked: a list of {tree: input, packages: {input of a package's
tree: id}}; of those packages only what is in that tree went into the image.
inputs: one about a package, and the trees.
output: packages: {packages: {id: fields}, texts: {reference: [name, text]}}.
"""

from __future__ import annotations

import json
from typing import Any

from xenbuild.errors import FormatError
from xenbuild.formats.dep5 import read_copyright
from xenbuild.plan.job import Job
from xenbuild.store.tree import FileEntry
from xenbuild.trust.licences import Licences


def run(job: Job) -> None:
    licences = Licences()
    packages: dict[str, Any] = {}
    for name, id in job.params["names"].items():
        packages[id] = describe(job.path(name).read_bytes(), id, licences)
    for picked in job.params["picked"]:
        taken = job.tree(picked["tree"])
        for name, id in picked["packages"].items():
            own = job.tree(name)
            packages[id]["used"] = any(isinstance(e, FileEntry) and taken.get(path) == e for path, e in own.items())
    content = {"packages": packages, "texts": licences.texts}
    job.out("packages").write_text(json.dumps(content, sort_keys=True, ensure_ascii=False), encoding="utf-8")


def describe(about: bytes, id: str, licences: Licences) -> dict[str, Any]:
    """The fields of one package; `about` is what parts/about.py made."""
    try:
        fields: dict[str, str] = json.loads(about)
    except ValueError as error:
        raise FormatError(f"what {id} says about itself is damaged: {error}") from None
    copyright = fields.pop("copyright", "")
    return {**fields, "licence": licences.declared(read_copyright(copyright)), "used": True}
