"""`xenbuild serve` as a user holds it: a build that changes while it serves, wrong words, a clean end."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project import TOP, Project

from xenbuild.media.build import Settings

DECLARATION = TOP / "tests/smoke/netboot/xenbuild.yaml"


@pytest.fixture
def project(tmp_path: Path, settings: Settings) -> Project:
    folder = tmp_path / "lab"
    folder.mkdir()
    shutil.copy(DECLARATION, folder / "xenbuild.yaml")
    shutil.copy(TOP / "xenbuild.lock", folder)
    return Project(folder, settings.store.root)


def events(process: subprocess.Popen[str]) -> Callable[[str], dict[str, Any]]:
    """Waits for the next event of a kind."""
    stuck = threading.Timer(300, process.kill)
    stuck.daemon = True
    stuck.start()

    def wait(kind: str) -> dict[str, Any]:
        assert process.stdout
        for line in process.stdout:
            event: dict[str, Any] = json.loads(line)
            if event["kind"] == kind:
                return event
        raise AssertionError(f"no event {kind!r} came")

    return wait


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as end:
        port: int = end.getsockname()[1]
        return port


def menu(url: str) -> str:
    with urllib.request.urlopen(f"{url}efi/xen.cfg", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def test_a_fresh_build_is_served_and_a_failed_one_is_not(project: Project) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/x86_64-xen/net/"
    process = project.start("serve", "--http-only", "--port", str(port), "--watch", "--json")
    try:
        wait = events(process)
        wait("said")
        assert "console=hvc0 fresh" not in menu(url)
        project.declaration.write_text(project.declaration.read_text() + "dom0: {cmdline: [fresh]}\n")
        wait("fresh")
        assert "console=hvc0 fresh" in menu(url)
        project.replace("dom0:", "dom1:")
        assert "unknown key" in wait("failed")["text"]
        assert "console=hvc0 fresh" in menu(url)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{url}%2e%2e/../../../etc/passwd", timeout=10)
        assert wait("refused")["address"] == "127.0.0.1"
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
    with socket.socket() as end:
        assert end.connect_ex(("127.0.0.1", port)) != 0


def test_held_wrong(project: Project) -> None:
    outcome = project.run("serve", "-i", "eth99")
    assert outcome.code == 8
    assert outcome.complaint.startswith("error: there is no network interface 'eth99'\n  advice: this machine has: ")
    outcome = project.run("serve", "--http-only", "--dhcp-range", "10.0.0.1-10.0.0.2")
    assert outcome.complaint.startswith("error: --http-only and --dhcp-range exclude each other\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        outcome = project.run("serve", "--http-only", "--port", port)
    assert outcome.code == 8
    expected = f"error: another program listens on TCP port {port} of 127.0.0.1 (HTTP) already\n"
    assert outcome.complaint == f"{expected}  advice: stop it; or choose another: --port NUMBER\n"
    project.replace("medium: pxe", "medium: bundle")
    outcome = project.run("serve", "--http-only")
    assert outcome.code == 3
    assert "there is nothing to serve: no image is of medium pxe" in outcome.complaint
