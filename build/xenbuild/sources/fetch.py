"""Brings locked packages into the store: in parallel, resumable, verified before they get in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock as Mutex
from types import TracebackType
from typing import TYPE_CHECKING

from xenbuild.errors import LockError, NetworkError
from xenbuild.sources.lock import Lock, LockedPackage
from xenbuild.store.digest import Digest
from xenbuild.store.events import Event
from xenbuild.store.store import Store

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

# A snapshot service takes in an archive some hours after the date of its Release file and answers a request for a
# time with the last state before it.
_SNAPSHOT_DELAY = timedelta(hours=12)


class Downloads:
    """Packages on their way into the store, so that those that have arrived can be unpacked while others come.

    What is there already costs nothing. Leave the `with` block to give up what has not begun; what was interrupted is
    resumed by the next call.
    """

    def __init__(
        self,
        packages: Iterable[LockedPackage],
        lock: Lock,
        store: Store,
        *,
        offline: bool = False,
        jobs: int = 4,
        events: Callable[[Event], None] = lambda event: None,
    ) -> None:
        """Starts at once. Raises NetworkError if `offline` and something is missing."""
        missing = sorted(p for p in dict.fromkeys(packages) if not store.has(Digest(p.sha256, p.size)))
        if missing and offline:
            raise _offline(missing)
        total = sum(package.size for package in missing)
        if missing:
            events(Event("fetch", f"{len(missing)} packages, {total / (1 << 20):.1f} MiB", total=total))
        progress = _Progress(events, total)
        self._pool: ThreadPoolExecutor | None = None
        self._futures: dict[Digest, Future[None]] = {}
        if not missing:
            return
        from concurrent.futures import ThreadPoolExecutor

        self._pool = pool = ThreadPoolExecutor(max_workers=max(1, jobs))
        # The largest first: they take longest to unpack as well.
        self._futures = {
            Digest(p.sha256, p.size): pool.submit(_one, p, lock, store, progress)
            for p in sorted(missing, key=lambda p: (-p.size, p))
        }

    def wait(self, digest: Digest) -> None:
        """Until a package is in the store. Raises LockError (gone from every mirror), NetworkError, IntegrityError."""
        if digest in self._futures:
            self._futures[digest].result()

    def wait_all(self) -> None:
        """Until all of them are."""
        for future in self._futures.values():
            future.result()

    def __enter__(self) -> Downloads:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=error is None, cancel_futures=True)


def fetch(
    packages: Iterable[LockedPackage],
    lock: Lock,
    store: Store,
    *,
    offline: bool = False,
    jobs: int = 4,
    events: Callable[[Event], None] = lambda event: None,
) -> dict[LockedPackage, Digest]:
    """Each package's content in the store; raises what Downloads does."""
    wanted = list(packages)
    with Downloads(wanted, lock, store, offline=offline, jobs=jobs, events=events) as downloads:
        downloads.wait_all()
    return {package: Digest(package.sha256, package.size) for package in wanted}


def _offline(missing: Sequence[LockedPackage]) -> NetworkError:
    names = ", ".join(f"{p.name} {p.version}" for p in missing[:5])
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    return NetworkError(
        f"{len(missing)} {'package is' if len(missing) == 1 else 'packages are'} not in the store: {names}{more}",
        advice="run the same command once without --offline, with a network",
    )


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
    from xenbuild.sources import web  # a build that fetches nothing does without it and all that it imports

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
