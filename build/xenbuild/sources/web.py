"""Downloads by urllib: several mirrors in order, retries with growing pauses, resumption of partial files.

Proxies are taken from the environment (http_proxy, https_proxy, no_proxy), as urllib does.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from io import BufferedRandom
from pathlib import Path
from typing import Any, TypeVar

from xenbuild.errors import IntegrityError, NetworkError
from xenbuild.store.files import in_words

TIMEOUT = 30.0  # seconds without a byte
PAUSES = (0.5, 2.0)  # seconds before the second and third attempt at one address
_CHUNK = 1 << 18
_UNKNOWN = 1 << 62  # stands for a length that the server does not tell
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})

T = TypeVar("T")


class Gone(Exception):
    """The server answers, and does not have the file."""


def get(urls: Sequence[str], limit: int = 64 << 20) -> bytes:
    """A small file from the first address that has it. Raises Gone if all say that they do not, else NetworkError."""

    def attempt(url: str) -> bytes:
        with _open(url, 0) as answer:
            data = bytes(answer.read(limit + 1))
        if len(data) > limit:
            raise IntegrityError(f"{url}: larger than {limit} bytes")
        return data

    troubles: list[Exception] = []
    for url in urls:
        try:
            return _retry(url, attempt)
        except (Gone, NetworkError) as error:
            troubles.append(error)
    raise _worst(troubles)


def download(urls: Sequence[str], part: Path, size: int | None, sha256: str, progress: Callable[[int], None]) -> None:
    """Bring a file of known SHA-256 (and size, if not None) to `part`, going on where an interrupted download ended.

    `progress` is called with the number of new bytes. The content is verified when this returns. Raises Gone,
    NetworkError, or IntegrityError if an address delivered something else and no other had the right bytes.
    """
    with in_words(part):
        part.parent.mkdir(parents=True, exist_ok=True)
        part.touch()
    with part.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another process may be fetching the same
        troubles: list[Exception] = []
        for url in urls:
            for _ in range(2):  # once more from the start if the old part was bad
                resumed = file.seek(0, 2) > 0
                try:
                    _retry(url, lambda url: _append(url, file, part, size, progress))
                except (Gone, NetworkError) as error:
                    troubles.append(error)
                    break
                found = _sha256(file)
                if found == sha256:
                    return
                with in_words(part):
                    file.truncate(0)
                if not resumed:
                    troubles.append(_other_bytes(url, found, sha256))
                    break
        raise _worst(troubles)


def _append(url: str, file: BufferedRandom, part: Path, size: int | None, progress: Callable[[int], None]) -> None:
    start = file.seek(0, 2)
    if size is not None and start > size:
        start = file.seek(file.truncate(0))
    if start == size:
        return
    with _open(url, start) as answer:
        if start and answer.status != 206:  # the server cannot resume and begins anew
            start = file.seek(file.truncate(0))
        if size is None:
            size = start + int(answer.headers.get("Content-Length") or _UNKNOWN)
        while start < size and (chunk := answer.read(min(_CHUNK, size - start))):
            with in_words(part, size - start):
                file.write(chunk)
                file.flush()
            start += len(chunk)
            progress(len(chunk))
    if start < size < _UNKNOWN:
        raise ConnectionError(f"ended after {start} of {size} bytes")


def _open(url: str, start: int) -> Any:
    headers = {"User-Agent": "xenbuild"}
    if start:
        headers["Range"] = f"bytes={start}-"
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)


def _retry(url: str, attempt: Callable[[str], T]) -> T:
    """Repeats on errors that may pass. Raises Gone or NetworkError."""
    for pause in (*PAUSES, None):
        try:
            return attempt(url)
        except urllib.error.HTTPError as error:
            if error.code in (404, 410):
                raise Gone(f"{url}: HTTP {error.code}") from None
            reason, transient = f"HTTP {error.code} {error.reason}", error.code in _TRANSIENT
        except urllib.error.URLError as error:
            if isinstance(error.reason, FileNotFoundError):
                raise Gone(f"{url}: no such file") from None
            reason, transient = str(error.reason), True
        except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
            reason, transient = str(error) or type(error).__name__, True
        if pause is None or not transient:
            raise NetworkError(f"{url}: {reason}", advice="check the network and http_proxy/https_proxy, and try again")
        time.sleep(pause)
    raise AssertionError("unreachable")


def _worst(troubles: list[Exception]) -> Exception:
    """Wrong bytes before no answer (the file may be there) before nobody having the file."""
    for kind in (IntegrityError, NetworkError):
        for trouble in troubles:
            if isinstance(trouble, kind):
                return trouble
    return troubles[0]


def _other_bytes(url: str, found: str, wanted: str) -> IntegrityError:
    return IntegrityError(
        f"{url}: SHA-256 is {found}, it should be {wanted}",
        advice="the mirror or a proxy on the way delivers other bytes than were pinned; try again or another network",
    )


def _sha256(file: BufferedRandom) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
