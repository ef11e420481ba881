"""Stands in for QEMU: speaks on its standard streams like a machine's serial console.

The last argument of the board tells what to do; the nonce comes in -append as with the real one.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path


def say(data: bytes) -> None:
    os.write(1, data)


class Monitor(threading.Thread):
    """Answers on QMP: a red screen, a power button that is obeyed, a sleep from which it wakes."""

    def __init__(self, fd: int) -> None:
        super().__init__(daemon=True)
        self.socket = socket.socket(fileno=fd)

    def tell(self, **message: object) -> None:
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    def run(self) -> None:
        self.tell(QMP={"version": {}})
        for line in self.socket.makefile("rb"):
            request = json.loads(line)
            name = request["execute"]
            if name == "screendump":
                Path(request["arguments"]["filename"]).write_bytes(b"P6\n2 2\n255\n" + b"\xff\0\0" * 3 + b"\0\0\0")
            if name == "set-action":
                self.tell(error={"class": "GenericError", "desc": "no such action"})
                continue
            self.tell(**{"return": {}})
            if name == "system_wakeup":
                self.tell(event="WAKEUP")
            if name == "system_powerdown":
                say(b"Power down\r\n")
                os._exit(0)


def typed(echo: bool, lost: int) -> Iterator[bytes]:
    """Lines as they are typed, each piece echoed at once, as a terminal does.

    The first `lost` lines are swallowed, as a starting getty does.
    """
    line = b""
    while piece := os.read(0, 4096):
        for part in piece.splitlines(keepends=True):
            if echo and not lost:
                say(part.replace(b"\n", b"\r\n"))
            line += part
            if line.endswith(b"\n"):
                if lost:
                    lost -= 1
                else:
                    yield line
                line = b""


def xen() -> None:
    """Two guests of Xen with echoing shells; three times CTRL-a switch the input from owner to owner."""
    owners, line = ["DOM0", "DOM1", "DOM2", "Xen"], b""
    for number in (1, 2):
        say(f"(XEN) DOM{number}: guest {number} up\r\n".encode())
    while piece := os.read(0, 4096):
        for byte in piece:
            line += bytes([byte])
            if line.endswith(b"\1\1\1"):
                owners.append(owners.pop(0))
                say(f"(XEN) *** Serial input to {owners[0]} (type 'CTRL-a' three times to switch input)\r\n".encode())
                line = b""
            elif byte == ord("\n"):
                if owners[0].startswith("DOM"):
                    say(b"\r\n(XEN) " + owners[0].encode() + b": heard " + line[:-1] + b"\r\n")
                line = b""


def unikernel() -> None:
    """A dom0 that is a unikernel, with a guest "web" that says what it was typed."""
    say(b"[web] up\r\ndom0> [web] and about\r\ndom0> ")
    line = b""
    while piece := os.read(0, 4096):
        say(piece.replace(b"\r", b"\r\n"))
        *lines, line = (line + piece).split(b"\r")
        for words in (one.split() for one in lines):
            if words[:2] == [b"type", b"web"]:
                say(b"[web] heard " + bytes.fromhex(words[2].decode().replace("\\x", "")) + b"\r\ndom0> ")


def shell(echo: bool = True, lost: int = 0) -> None:
    """A shell of which not more is there than the tests need."""
    pending = functions = ""
    say(b"/ # ")
    for line in typed(echo, lost):
        pending += line.decode()
        if pending.startswith("(") and "\n)" not in pending:
            say(b"> ")
            continue
        if "/sys/power/state" in pending and monitor:
            monitor.tell(event="SUSPEND")
            pending = ""
            continue
        if "switch-off" in pending:
            sys.exit(0)
        if pending.startswith("xbg()"):
            functions += pending
        done = subprocess.run(
            ["/bin/sh", "-c", functions + pending], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        say(done.stdout.replace(b"\n", b"\r\n") + b"/ # ")
        pending = ""


monitor = None


def main() -> None:
    global monitor
    chardev = next((word for word in sys.argv if word.startswith("socket,id=qmp")), "")
    if chardev:
        monitor = Monitor(int(chardev.rpartition("=")[2]))
        monitor.start()
    behaviour = sys.argv[sys.argv.index("-behave") + 1]
    words = sys.argv[sys.argv.index("-append") + 1].split() if "-append" in sys.argv else []
    nonce = next((w for w in words if w.startswith("xenbuild.nonce=")), "")
    if behaviour == "no-reason":
        sys.exit(1)
    if behaviour == "bad-argument":
        sys.exit("qemu: -machine nonsense: unsupported machine type")
    if behaviour == "mute":
        signal.pause()
    if behaviour != "other-boot":
        say(f"[    0.0] Command line: console=hvc0 {nonce}\r\n".encode())
    if behaviour == "crash":
        print("qemu: assertion failed", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGABRT)
    if behaviour == "error-exit":
        sys.exit("qemu: cannot go on")
    if behaviour == "off":
        sys.exit(0)
    if behaviour == "panic":
        say(b"[    1.0] Kernel panic - not syncing: No working init found\r\n")
        signal.pause()
    if behaviour == "not-ready":
        say(b"xenbuild: dom0 is not ready, it failed to start xenstored\r\n")
        signal.pause()
    if behaviour == "flood":
        for _ in range(200):
            say(b"flood of words that mean nothing\r\n" * 500)
    if behaviour == "binary":
        say(bytes(range(256)) * 3 + b"\x1b[1;31mdo\x1b[0mm0 \xff\xfe\x00is \x1b]0;title\x07up\r\n")
    if behaviour == "child":
        subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    if behaviour == "xen":
        xen()
    if behaviour == "unikernel":
        unikernel()
    say(b"dom0 re")
    say(b"ady\r\n")
    if behaviour == "hang":
        signal.pause()
    shell(echo=behaviour != "silent-shell", lost=2 if behaviour == "getty" else 0)


main()
