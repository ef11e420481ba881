"""Brings locked packages into the store: in parallel, resumable, verified before they get in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock as Mutex

from xenbuild.errors import LockError, NetworkError
from xenbuild.sources import web
from xenbuild.sources.lock import Lock, LockedPackage
from xenbuild.store.digest import Digest
from xenbuild.store.events import Event
from xenbuild.store.store import Store

# A snapshot service takes in an archive some hours after the date of its Release file and answers a request for a
# time with the last state before it.
_SNAPSHOT_DELAY = timedelta(hours=12)


def fetch(
    packages: Iterable[LockedPackage],
    lock: Lock,
    store: Store,
    *,
    offline: bool = False,
    jobs: int = 4,
    events: Callable[[Event], None] = lambda event: None,
) -> dict[LockedPackage, Digest]:
    """Each package's content in the store. What is there already costs nothing.

    Raises LockError if a version is gone from every mirror, NetworkError (also: missing while offline),
    IntegrityError. An interrupted download is resumed by the next call.
    """
    digests = {package: Digest(package.sha256, package.size) for package in packages}
    missing = sorted({package for package, digest in digests.items() if not store.has(digest)})
    if missing and offline:
        names = ", ".join(f"{p.name} {p.version}" for p in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise NetworkError(
            f"{len(missing)} packages are not in the store: {names}{more}",
            advice="run the same command once with a network and without --offline",
        )
    progress = _Progress(events, sum(package.size for package in missing))
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        futures = [pool.submit(_one, package, lock, store, progress) for package in missing]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return digests


def package_urls(package: LockedPackage, lock: Lock) -> list[str]:
    """Where a package may be had: the mirrors in order, then the snapshot of the day that was locked."""
    state = lock.archives[package.archive]
    urls = [f"{mirror}/{package.filename}" for mirror in state.mirrors]
    if state.snapshot:
        then = datetime.strptime(state.date, "%Y%m%dT%H%M%SZ") + _SNAPSHOT_DELAY
        urls.append(f"{state.snapshot.rstrip('/')}/{then:%Y%m%dT%H%M%SZ}/{package.filename}")
    return urls


def partial_folder(store: Store) -> Path:
    """Where interrupted downloads wait to be resumed, named by SHA-256."""
    return store.root / "partial"


def _one(package: LockedPackage, lock: Lock, store: Store, progress: _Progress) -> None:
    part = partial_folder(store) / f"{package.sha256}.part"
    label = f"fetch {package.name}"
    try:
        web.download(package_urls(package, lock), part, package.size, package.sha256, lambda n: progress.add(label, n))
    except web.Gone:
        raise LockError(
            f"{package.name} {package.version} ({package.arch}) is gone from every mirror",
            advice=f"run `xenbuild lock --update {package.name}` to take the version that is there now",
        ) from None
    store.put_file(part, move=True)


class _Progress:
    """Adds up the bytes of all threads."""

    def __init__(self, events: Callable[[Event], None], total: int) -> None:
        self._events, self._total, self._done, self._mutex = events, total, 0, Mutex()

    def add(self, label: str, count: int) -> None:
        with self._mutex:
            self._done += count
            self._events(Event("progress", label, done=self._done, total=self._total))
