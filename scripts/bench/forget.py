"""Forgets the results of all steps of a store but those of packages: what was unpacked, and trees of tools.

Runs in xenbuild's own Python environment: forget.py FOLDER-OF-XENBUILD'S-CODE STORE; prints how many were forgotten.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from xenbuild.formats import protowire as wire
from xenbuild.store.digest import Digest

KEPT = ("xenbuild.parts.toolstree:", "xenbuild.parts.unpack:", "xenbuild.trust.")


def function_of(key: str, content: Path) -> str:
    """What an action calls, by its preimage (plan/action.py)."""
    action = dict(wire.fields((content / key[:2] / key).read_bytes()))
    command = Digest.decode(wire.as_bytes(action[1])).hash
    for number, value in wire.fields((content / command[:2] / command).read_bytes()):
        if number == 1:
            return wire.as_text(value)
    return ""


store = Path(sys.argv[2])
results = [path for path in (store / "ac").glob("*/*") if not function_of(path.name, store / "cas").startswith(KEPT)]
for result in results:
    result.unlink()
print(len(results))
