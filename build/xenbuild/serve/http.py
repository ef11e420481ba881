"""The HTTP side of the boot server: files of the served trees, with ranges, and nothing else.

A boot loader that reads a file in ranges (GRUB) gets all of them from the file that it began with, even if a new build
has taken its place meanwhile: an open file stays what it was.
"""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from xenbuild.serve.events import Event, hardware_address

_CHUNK = 1 << 18
_REMEMBERED = 300.0  # seconds after its last range until a file is opened anew
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_TYPES = {".ipxe": "text/plain", ".cfg": "text/plain", ".efi": "application/efi", ".json": "application/json"}


@dataclass(slots=True)
class _Open:
    fd: int
    used: float  # time.monotonic()


class Server(ThreadingHTTPServer):
    """Serves the folder `root`; `tell` is called with what happens, from any thread."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], root: Path, tell: Callable[[Event], None]) -> None:
        self.root = root
        self.tell = tell
        self._open: dict[tuple[str, str], _Open] = {}
        self._guard = threading.Lock()
        super().__init__(address, _Handler)

    def open_file(self, client: str, path: str, *, anew: bool) -> int:
        """A descriptor of its own for a file; `anew`: not the one that this client began to read. Raises OSError."""
        now = time.monotonic()
        with self._guard:
            for key, one in list(self._open.items()):
                if now - one.used > _REMEMBERED or (anew and key == (client, path)):
                    os.close(one.fd)
                    del self._open[key]
            if (client, path) not in self._open:
                self._open[client, path] = _Open(_opened(self.root / path), now)
            found = self._open[client, path]
            found.used = now
            return os.dup(found.fd)

    def server_close(self) -> None:
        super().server_close()
        with self._guard:
            for one in self._open.values():
                os.close(one.fd)
            self._open.clear()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is no news."""


def _opened(path: Path) -> int:
    """A descriptor of a plain file; raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise FileNotFoundError(path)
    return fd


def inside(target: str) -> str | None:
    """The path below the root that a request's target means; None if it leads out of it or is none."""
    path = unquote(urlsplit(target).path, errors="strict") if target.startswith("/") else ""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or "\0" in path:
        return None
    return "/".join(parts)


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and count of a Range header (RFC 9110, section 14); None: the whole file.

    Raises ValueError if nothing of the range is in the file. What is no single range of bytes is passed over.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start = max(0, size - int(last))
        if not int(last):
            raise ValueError("the range is empty")
        return start, size - start
    start, end = int(first), min(int(last) if last else size - 1, size - 1)
    if last and int(last) < start:
        return None
    if start >= size:
        raise ValueError("the range begins behind the end")
    return start, end - start + 1


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "xenbuild"
    sys_version = ""
    timeout = 60  # seconds without a request

    def do_GET(self) -> None:
        self._serve(body=True)

    def do_HEAD(self) -> None:
        self._serve(body=False)

    def _serve(self, *, body: bool) -> None:
        client = str(self.client_address[0])
        try:
            path = inside(self.path)
        except UnicodeDecodeError:
            path = None
        if path is None:
            self._tell("refused", self.path, text="it is outside of what is served")
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        wanted = self.headers.get("Range")
        try:
            fd = self.server.open_file(client, path, anew=not wanted or wanted.startswith("bytes=0-"))
        except OSError:
            self._tell("missing", path)
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            self._send(path, fd, wanted, body=body)
        finally:
            os.close(fd)

    def _send(self, path: str, fd: int, wanted: str | None, *, body: bool) -> None:
        status = os.fstat(fd)
        try:
            part = byte_range(wanted, status.st_size)
        except ValueError:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{status.st_size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start, count = part or (0, status.st_size)
        self.send_response(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK)
        self.send_header("Content-Type", _TYPES.get(Path(path).suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(count))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", formatdate(status.st_mtime, usegmt=True))
        self.send_header("ETag", f'"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"')
        if part:
            self.send_header("Content-Range", f"bytes {start}-{start + count - 1}/{status.st_size}")
        self.end_headers()
        if not body:
            return
        done = 0
        while done < count and (piece := os.pread(fd, min(_CHUNK, count - done), start + done)):
            self.wfile.write(piece)
            done += len(piece)
        if not part or start + count == status.st_size:
            self._tell("took", path, size=status.st_size)

    def _tell(self, kind: str, file: str, *, size: int = 0, text: str = "") -> None:
        address = str(self.client_address[0])
        event = Event(kind, hardware_address(address), address, file, "HTTP", size, text)
        self.server.tell(event)

    def log_message(self, format: str, *args: object) -> None:
        """What is worth telling has been told."""
