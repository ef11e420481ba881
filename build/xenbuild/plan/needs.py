"""What a plan will read from outside: the files that must be in the store before actions can run."""

from __future__ import annotations

from collections.abc import Iterable

from xenbuild.plan.action import Action, File, OutputOf, encode_action
from xenbuild.plan.code import Code
from xenbuild.store.digest import Digest
from xenbuild.store.store import Store


def all_actions(goals: Iterable[OutputOf]) -> list[Action]:
    """Every action that the goals need, each once."""
    found: dict[Action, None] = {}
    todo = [goal.action for goal in goals]
    while todo:
        action = todo.pop()
        if action not in found:
            found[action] = None
            todo += [source.action for source in action.inputs.values() if isinstance(source, OutputOf)]
    return list(found)


def absent_files(goals: Iterable[OutputOf], store: Store) -> set[Digest]:
    """Digests of the files that are not in the store and whose action has no result there either.

    Only actions with nothing but files as inputs are looked up (the unpacking of packages is of that kind), so a
    package whose content is in the store already is never fetched for its own sake.
    """
    code = Code(store)
    absent: set[Digest] = set()
    for action in all_actions(goals):
        files = {name: source for name, source in action.inputs.items() if isinstance(source, File)}
        missing = {file.digest for file in files.values() if not store.has(file.digest)}
        if not missing:
            continue
        if len(files) == len(action.inputs):
            key, _ = encode_action(action, files, code.digest(action.function))
            if store.get_result(key) is not None:
                continue
        absent |= missing
    return absent
