"""What each goal was last built from: the keys of its actions. Their preimages are in the store already."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from xenbuild.store.digest import Digest
from xenbuild.store.store import Store

Keys = list[tuple[str, Digest]]  # label and key of every action, in the plan's order


def goal_name(declaration: Path, target: str) -> str:
    """The name under which a target of a declaration is remembered."""
    return f"{target} of {declaration.absolute()}"


def remember(store: Store, goal: str, actions: Sequence[tuple[str, Digest]]) -> None:
    """Note that `goal` (see goal_name) was built by these actions; Results.actions of plan.run has them.

    The last two builds that differ are kept. Building the same again writes nothing.
    """
    builds = recall(store, goal)
    latest = list(actions)
    if builds and builds[-1] == latest:
        return
    kept = [[[label, str(key)] for label, key in build] for build in [*builds[-1:], latest]]
    store.put_note(_note(goal), json.dumps({"goal": goal, "builds": kept}).encode())


def recall(store: Store, goal: str) -> list[Keys]:
    """The last builds of a goal that differ, oldest first: none, one or two."""
    note = store.get_note(_note(goal))
    try:
        data = json.loads(note) if note else {"builds": []}
        return [[(label, Digest.parse(key)) for label, key in build] for build in data["builds"]]
    except (ValueError, KeyError):
        return []  # cut short by a full disk, say: as good as none


def _note(goal: str) -> str:
    return f"history-{Digest.of(os.fsencode(goal)).hash[:32]}"
