"""Prints the SHA-256 of the packages of the default target: {"target": [...], "tools": [...]}.

Runs in xenbuild's own Python environment and in the declaration's folder: packages.py FOLDER-OF-XENBUILD'S-CODE
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from xenbuild.cli.session import open_session
from xenbuild.media.build import plan
from xenbuild.parts.requests import part_requests
from xenbuild.spec.recipe import Release, load_recipe

with open_session(Path("xenbuild.yaml"), [], [], {}) as session:
    declaration = session.declarations[0]
    settings = session.settings()
    release = load_recipe(Release, declaration.release, declaration.folder)
    requests = part_requests(declaration, release).values()
    target = {package.sha256 for request in requests for package in settings.lock.packages(request)}
    everything = {package.sha256 for package in plan(declaration, settings).packages}
print(json.dumps({"target": sorted(target), "tools": sorted(everything - target)}))
