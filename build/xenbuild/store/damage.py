"""Finds content of the store that is no longer what its name says: a disk that fails, a file that was edited.

Reading everything again each time would cost more than building, so this is asked only when a step failed, or when a
part that was hashed anyway turned out to be something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from xenbuild.errors import IntegrityError, XenbuildError
from xenbuild.store import files
from xenbuild.store.digest import Digest
from xenbuild.store.store import Store
from xenbuild.store.tree import FileEntry


def damaged(digest: Digest) -> IntegrityError:
    """The error for content from outside that was damaged, and dropped."""
    return IntegrityError(
        f"the file with SHA-256 {digest.hash[:16]}… was damaged in the store and has been removed from it",
        advice="run the command again: the file is taken from its source anew",
    )


def drop_damaged(store: Store, digest: Digest) -> bool:
    """Whether a file's content is damaged or absent; what is damaged is removed, so that it is made anew."""
    return _drop(store, [digest])


def drop_damaged_tree(store: Store, digest: Digest) -> bool:
    """The same of a tree: its directories, all its files, and the folder of hard links that programs see."""
    try:
        contents = [entry.digest for entry in store.get_tree(digest).values() if isinstance(entry, FileEntry)]
    except XenbuildError:
        return True  # a directory, which was dropped when it was read
    found = _drop(store, contents)
    if found:
        with files.in_words(store.root):
            files.remove(store.root / "trees" / digest.hash)
    return found


def _drop(store: Store, digests: Iterable[Digest]) -> bool:
    found = False
    for digest in dict.fromkeys(digests):
        if not store.has(digest):
            found = True
            continue
        path = store.path(digest)
        program = Path(f"{path}.x")
        with files.in_words(path):
            names = [path, program] if program.exists() else [path]
            if any(files.hash_file(name) != digest for name in names):
                store.drop(digest)
                found = True
    return found
