"""The papers that lie beside the images: bills of materials and provenance, of what plan, lock and results know."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256

from xenbuild.compose.manifest import Manifest
from xenbuild.sources.lock import Lock
from xenbuild.spec.inputs import refers, uses
from xenbuild.spec.model import Declaration
from xenbuild.store.digest import Digest
from xenbuild.trust.bill import Output, bill
from xenbuild.trust.cyclonedx import to_cyclonedx
from xenbuild.trust.origins import Origins
from xenbuild.trust.provenance import declared_files, to_provenance
from xenbuild.trust.spdx import to_spdx
from xenbuild.trust.sums import CYCLONEDX, PROVENANCE, SPDX


def papers(
    declaration: Declaration,
    manifest: Manifest,
    origins: Origins,
    described: bytes,
    lock: Lock,
    plan: Digest,
    outputs: Sequence[Output],
) -> dict[str, str]:
    """File name -> text. `described`: what trust/packages.py made; `plan`: the key of the composing action."""
    made = bill(declaration.name, declaration.release, manifest, origins, json.loads(described), lock, outputs)
    own = (use.file for use in uses(declaration) if not refers(use.file))
    named = declared_files([*declaration.files, *own, lock.path], declaration.folder)
    files = {name: sha256(path.read_bytes()).hexdigest() for name, path in named.items() if path.is_file()}
    machine = {"name": declaration.name, "target": str(declaration.target), "release": declaration.release}
    return {
        SPDX: to_spdx(made),
        CYCLONEDX: to_cyclonedx(made),
        PROVENANCE: to_provenance(machine, str(plan), files, lock, origins, outputs),
    }
