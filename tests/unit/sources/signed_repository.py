"""A tiny signed apt repository and its HTTP server, with the faults that a mirror may have."""

from __future__ import annotations

import hashlib
import lzma
import re
import threading
import warnings
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pysequoia

from xenbuild.sources.request import Request
from xenbuild.spec.recipe import Archive, Dom0Packages, Release

warnings.filterwarnings("ignore", category=DeprecationWarning, module=__name__)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Server:
    """Serves `files` (path -> bytes) and counts what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []  # path, Range
        self.cut: dict[str, int] = {}  # path -> bytes after which the connection breaks, once
        self.failures: dict[str, int] = {}  # path -> how many times 503 is answered
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path, wanted = request.path, request.headers.get("Range", "")
        self.asked.append((path, wanted))
        if self.failures.get(path, 0) > 0:
            self.failures[path] -= 1
            request.send_error(503)
            return
        if path not in self.files:
            request.send_error(404)
            return
        data = self.files[path]
        match = re.fullmatch(r"bytes=(\d+)-", wanted)
        request.send_response(206 if match else 200)
        data = data[int(match[1]) :] if match else data
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data[: self.cut.pop(path, len(data))])


class Repository:
    """One suite "stable" at `base` of the server, signed by a key made here."""

    def __init__(self, server: Server, folder: Path, base: str = "/a") -> None:
        self.server, self.base = server, base
        self.key = pysequoia.Cert.generate(user_id="Test archive <archive@example.org>")
        self.packages: dict[str, tuple[str, bytes]] = {}
        self.fields = "Date: Mon, 23 Nov 2026 00:00:00 UTC\nArchitectures: amd64\n"
        self.by_hash = True
        keyrings = folder / "recipes" / "keyrings"
        keyrings.mkdir(parents=True, exist_ok=True)
        self.keyring = keyrings / "test.gpg"
        self.trust(self.key)

    def trust(self, key: pysequoia.Cert) -> None:
        public = "\n".join(line for line in str(key).splitlines())
        self.keyring.write_text(public)

    def add(self, name: str, version: str, depends: str = "", content: bytes | None = None) -> None:
        content = content if content is not None else f"{name} {version} ".encode() * 1000
        filename = f"pool/{name}_{version}.deb"
        paragraph = (
            f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nFilename: {filename}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n" + (f"Depends: {depends}\n" if depends else "")
        )
        self.packages[name] = (paragraph, content)
        self.server.files[f"{self.base}/{filename}"] = content

    def publish(self) -> None:
        index = lzma.compress("\n".join(paragraph for paragraph, _ in self.packages.values()).encode())
        sha256 = hashlib.sha256(index).hexdigest()
        folder = "main/binary-amd64"
        release = self.fields + ("Acquire-By-Hash: yes\n" if self.by_hash else "")
        release += f"SHA256:\n {sha256} {len(index)} {folder}/Packages.xz\n"
        signed = pysequoia.sign(self.key.secrets.signer(), release.encode(), mode=pysequoia.SignatureMode.CLEAR)
        self.server.files[f"{self.base}/dists/stable/InRelease"] = signed
        self.index_path = f"{self.base}/dists/stable/{folder}/" + (
            f"by-hash/SHA256/{sha256}" if self.by_hash else "Packages.xz"
        )
        self.server.files[self.index_path] = index

    def release(self, *, mirrors: tuple[str, ...] = (), snapshot: str | None = None) -> Release:
        archive = Archive(
            name="test",
            mirrors=[*mirrors, self.server.url + self.base],
            suites=["stable"],
            keyring="test.gpg",
            snapshot=snapshot,
        )
        return Release(
            name="demo",
            file=Path("demo.yaml"),
            archives=[archive],
            xen="1",
            architectures={},
            dom0=Dom0Packages(roots=[]),
        )

    def request(self, *roots: str, **more: object) -> Request:
        return Request("demo", self.release(), "amd64", roots, folder=self.keyring.parents[2], **more)  # type: ignore[arg-type]
