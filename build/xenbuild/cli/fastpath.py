"""The answer to a plain `xenbuild image` when nothing has changed: a stamp file and stat calls, nothing else.

After a build `remember` writes out/.stamp-*.json: the text that was printed, and size, mtime and inode of every
file that the result depends on. The next plain call compares them and prints the text again. Any doubt (an option
that is not listed in `plain`, a difference, an unreadable stamp) is no answer, and the real command runs.

This module is imported by every call before anything else: it imports only what Python's start has loaded anyway,
and json when there is a stamp to read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence

BEGAN = time.time_ns()  # when this process started to look at files, as far as `remember` is concerned
CLOCK_TICK = 10_000_000  # ns by which a file's time may lag behind time_ns(): the kernel has a coarse clock for files


def key(targets: Iterable[str], every: bool, profiles: Iterable[str], sets: Iterable[str]) -> str:
    """One text for all spellings of the same call: `every` is --all, `sets` are the effective NAME=VALUE of --set."""
    return repr((sorted(set(targets)), every, list(profiles), sorted(sets), _environment()))


def plain(argv: Sequence[str]) -> str | None:
    """The key of a call that is nothing but `image [TARGET…] [--all] [--profile NAME…] [--set NAME=VALUE…]`."""
    if not argv or argv[0] != "image":
        return None
    targets: list[str] = []
    profiles: list[str] = []
    sets: list[str] = []
    every = False
    words = iter(argv[1:])
    for word in words:
        option, equals, value = word.partition("=")
        if word == "--all":
            every = True
        elif option in ("--profile", "--set"):
            (profiles if option == "--profile" else sets).append(value if equals else next(words, ""))
        elif word.startswith("-"):
            return None
        else:
            targets.append(word)
    if not all("=" in word[1:] for word in sets):
        return None  # click has the message
    last = {word.partition("=")[0]: word for word in sets}
    return key(targets, every, profiles, last.values())


def try_answer(argv: Sequence[str]) -> str | None:
    """The text that the same call printed last time, if it is plain and all that it depends on is unchanged."""
    call = plain(argv)
    if call is None:
        return None
    try:
        with open(_stamp(".", call), encoding="utf-8") as file:  # noqa: PTH123 (pathlib costs a third of the budget)
            content = file.read()
    except OSError:
        return None
    import json

    try:
        stamp = json.loads(content)
        same = stamp["key"] == call and all(_look(path) == seen for path, seen in stamp["seen"])
        return str(stamp["text"]) if same else None
    except (ValueError, KeyError, TypeError):
        return None


def remember(
    call: str,
    folder: str | os.PathLike[str],
    inputs: Iterable[str | os.PathLike[str]],
    outputs: Iterable[str | os.PathLike[str]],
    text: str,
) -> bool:
    """Write the stamp of a finished call; False if there is none, because an input changed during the build.

    `call` is what `key` returned, `folder` the working folder; only for the declaration xenbuild.yaml in it, which
    `try_answer` means. Folders among `inputs` count with all that is in them; a missing
    input counts as missing. The code of xenbuild and the environment variables that steer it are added here.
    """
    import json

    paths = [os.path.abspath(path) for path in inputs]  # noqa: PTH100
    seen = [(path, _look(path)) for root in [*paths, _code()] for path in _walk(root)]
    if any(_is_recent(look) for _, look in seen):
        return False
    results = [(path, _look(path)) for path in map(os.path.abspath, outputs)]
    stamp = {"key": call, "text": text, "seen": [*results, *sorted(dict(seen).items())]}
    path = _stamp(folder, call)
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    new = f"{path}.{os.getpid()}"
    with open(new, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(stamp, file)  # ASCII: a name may be no UTF-8
    os.replace(new, path)  # noqa: PTH105
    return True


def _stamp(folder: str | os.PathLike[str], call: str) -> str:
    """The stamp's place. The name only tells calls apart; the key inside decides."""
    from zlib import crc32

    return f"{os.fspath(folder)}/out/.stamp-{crc32(call.encode()):08x}.json"


def _environment() -> list[tuple[str, str]]:
    """Variables that change where things come from or what comes out."""
    return sorted(item for item in os.environ.items() if item[0].startswith(("XENBUILD_", "SOURCE_DATE_EPOCH")))


def _code() -> str:
    """The folder of the xenbuild package."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120


def _walk(root: str) -> list[str]:
    """`root`, and if it is a folder all that is in it except Python's caches."""
    if not os.path.isdir(root):  # noqa: PTH112
        return [root]
    found: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found += [folder, *(f"{folder}/{name}" for name in files)]
    return found


def _look(path: str) -> list[int] | list[str] | None:
    """What tells a changed file: mtime in ns, size, inode, mode. Of a folder: its names. None: there is nothing."""
    try:
        status = os.stat(path)  # noqa: PTH116
        if status.st_mode & 0o170000 == 0o040000:
            return sorted(name for name in os.listdir(path) if name != "__pycache__")  # noqa: PTH208
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size, status.st_ino, status.st_mode]


def _is_recent(look: list[int] | list[str] | None) -> bool:
    """Whether a file was written after this process began, so that it is unknown which version was used."""
    return look is not None and any(isinstance(when, int) and when > BEGAN - CLOCK_TICK for when in look[:1])
