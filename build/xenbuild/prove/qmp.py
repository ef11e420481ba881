"""QEMU's machine protocol (qemu, docs/interop/qmp-spec.rst): commands to the machine, and what it reports.

The connection is a socket pair whose other end QEMU is started with, so there is no file and no name for it.
"""

from __future__ import annotations

import json
import select
import socket
import time
from typing import Any

from xenbuild.errors import ProofFailed

_ANSWER = 10.0  # seconds in which QEMU answers a command


class Qmp:
    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair()
        self._ours.setblocking(False)
        self._rest = b""
        self._events: list[str] = []
        self._begun = False

    def argv(self) -> list[str]:
        """QEMU's words for it; its process has to be given the descriptor of `theirs`."""
        return ["-chardev", f"socket,id=qmp,fd={self.theirs.fileno()}", "-mon", "chardev=qmp,mode=control"]

    def close(self) -> None:
        self._ours.close()
        self.theirs.close()

    def begin(self) -> None:
        """Until then QEMU reports nothing. Raises ProofFailed."""
        if not self._begun:
            self._begun = True
            self._receive("QMP", time.monotonic() + _ANSWER)
            self.command("qmp_capabilities")

    def command(self, name: str, **arguments: object) -> Any:
        """What a command returns. Raises ProofFailed if QEMU refuses it or is gone."""
        self.begin()
        request = json.dumps({"execute": name, "arguments": arguments}).encode()
        try:
            self._ours.sendall(request + b"\n")
        except OSError:
            raise _gone() from None
        answer = self._receive("return", time.monotonic() + _ANSWER)
        if answer is None:
            raise ProofFailed(f"QEMU did not answer the command {name}")
        return answer["return"]

    def event(self, name: str, deadline: float) -> bool:
        """Whether QEMU reports this before `deadline`. Each report counts once."""
        if name not in self._events:
            self._receive(name, deadline)
        if name in self._events:
            self._events.remove(name)
            return True
        return False

    def _receive(self, awaited: str, deadline: float) -> dict[str, Any] | None:
        """Takes messages until one has the key `awaited` or is the event of this name; None if none came."""
        while True:
            while b"\n" in self._rest:
                line, _, self._rest = self._rest.partition(b"\n")
                message: dict[str, Any] = json.loads(line)
                if "error" in message:
                    raise ProofFailed(f"QEMU refused: {message['error'].get('desc', 'without a reason')}")
                if event := message.get("event"):
                    self._events.append(event)
                if awaited in message or event == awaited:
                    return message
            left = deadline - time.monotonic()
            if not select.select([self._ours], [], [], max(left, 0.0))[0]:
                return None
            data = self._ours.recv(1 << 16)
            if not data:
                raise _gone()
            self._rest += data


def _gone() -> ProofFailed:
    return ProofFailed("the machine is gone: QEMU has ended")
