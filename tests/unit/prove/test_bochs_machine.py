"""The serial line of an emulator that connects to us, and what Bochs is told."""

from __future__ import annotations

import sys
import textwrap
import time
from pathlib import Path

import pytest

from xenbuild.errors import HostError, ProofFailed
from xenbuild.prove.bochs import Bochs, connecting, listen, reason
from xenbuild.prove.console import Console

SOON = 30.0  # seconds
EXITING = """
00000000000p[      ] >>PANIC<< /x/bochsrc:2: cpu directive malformed.
========================================================================
Bochs is exiting with the following message:
[      ] /x/bochsrc:2: cpu directive malformed.
========================================================================
00000000000i[SIM   ] quit_sim called with exit code 1
"""


def emulator(line: str, does: str) -> list[str]:
    """A program whose serial line `port` is connected as com1 of bochsrc says."""
    address = line.rpartition("dev=")[2]
    script = f"""
        import socket, sys, time
        host, _, number = {address!r}.rpartition(":")
        def connect():
            return socket.create_connection((host, int(number)))
    """
    return [sys.executable, "-c", textwrap.dedent(script) + textwrap.dedent(does)]


def begin(tmp_path: Path, does: str) -> Console:
    listener = listen()
    argv = emulator(connecting(listener), does)
    return Console(argv, log=tmp_path / "log", listener=listener, name="Bochs", reason=reason)


def test_what_is_typed_before_the_line_is_there_arrives(tmp_path: Path) -> None:
    does = """
        time.sleep(0.3)
        port = connect()
        print("chatter of the emulator", flush=True)
        port.sendall(b"got " + port.recv(100) + b"\\r\\n")
        time.sleep(60)
    """
    with begin(tmp_path, does) as console:
        console.send(b"list", time.monotonic() + SOON)
        assert console.expect(r"got (\w+)", time.monotonic() + SOON)[1] == "list"
        assert console.running
    assert (tmp_path / "log").read_bytes() == b"got list\r\n"


def test_the_last_words_before_the_end_are_read(tmp_path: Path) -> None:
    does = """
        port = connect()
        port.sendall(b"x" * 200000 + b"\\nthe end\\n")
    """
    with begin(tmp_path, does) as console:
        console.expect("the end", time.monotonic() + SOON)
        assert console.switched_off(time.monotonic() + SOON)


def test_an_emulator_that_ends_before_it_connects_is_the_hosts_fault(tmp_path: Path) -> None:
    does = f"print({EXITING!r}); sys.exit(1)"
    with begin(tmp_path, does) as console, pytest.raises(HostError) as caught:
        console.expect("anything", time.monotonic() + SOON)
    assert caught.value.message == "Bochs ended with status 1: /x/bochsrc:2: cpu directive malformed."
    with begin(tmp_path, does) as console, pytest.raises(HostError):
        console.send(b"anything", time.monotonic() + SOON)


def test_one_that_ends_in_the_middle_has_failed(tmp_path: Path) -> None:
    does = 'port = connect(); port.sendall(b"booting\\n"); print("no memory"); sys.exit(2)'
    with begin(tmp_path, does) as console, pytest.raises(ProofFailed) as caught:
        console.expect("ready", time.monotonic() + SOON)
    assert caught.value.message == "Bochs ended with status 2 before the console said 'ready': no memory"


def test_only_the_first_connection_is_the_machine(tmp_path: Path) -> None:
    does = """
        first = connect()
        first.sendall(b"first\\n")
        second = connect()
        second.settimeout(20)
        closed = second.recv(1) == b""
        first.sendall(b"closed\\n" if closed else b"open\\n")
        time.sleep(60)
    """
    with begin(tmp_path, does) as console:
        console.expect("first", time.monotonic() + SOON)
        console.expect("closed", time.monotonic() + SOON)


@pytest.mark.parametrize("name", ["a,b", 'a"b', "a$b"])
def test_a_folder_that_bochs_cannot_be_told_is_refused(tmp_path: Path, name: str) -> None:
    machine = Bochs(tmp_path / "bundle", "p2_klamath", 1, 1 << 28, {"bochs": tmp_path}, tmp_path / name)
    with pytest.raises(HostError, match="Bochs does not understand the path"):
        machine.argv("mode=null", [])
    assert not (tmp_path / name).exists()
