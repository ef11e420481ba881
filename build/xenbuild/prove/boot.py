"""One running machine of a test: what its steps act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from xenbuild.errors import ProofFailed
from xenbuild.prove.console import Console
from xenbuild.prove.guest import Guest, PrefixedGuest, ToolstackGuest, XenGuest
from xenbuild.prove.qmp import Qmp
from xenbuild.prove.shell import Shell


class Boot:
    """The machine's console, dom0's shell, QEMU, and the guests that steps spoke of.

    `log` is the console's; `forbid` are patterns by guest, `numbers` the guests that Xen starts,
    `unikernel` says what dom0 is.
    """

    def __init__(
        self,
        console: Console,
        qmp: Qmp,
        nonce: str,
        log: Path,
        forbid: Mapping[str, Sequence[str]],
        numbers: Mapping[str, int],
        unikernel: bool = False,
    ) -> None:
        self.console = console
        self.qmp = qmp
        self.nonce = nonce
        self.shell = Shell(console, nonce)
        self.proved = False  # whether dom0 was asked for the nonce
        self.guests: dict[str, Guest] = {}
        self.pictures: list[Path] = []
        self._log = log
        self._forbid = forbid
        self._numbers = numbers
        self._unikernel = unikernel
        self._shells: dict[str, Shell] = {}

    def file(self, name: str) -> Path:
        """A file of this test beside the console's log."""
        return self._log.with_name(f"{self._log.stem}.{name}")

    def guest(self, name: str) -> Guest:
        if name not in self.guests:
            log, forbid = self.file(f"{name}.log"), list(self._forbid.get(name, ()))
            if name in self._numbers:
                self.guests[name] = XenGuest(name, log, forbid, self.console, self._numbers[name])
            elif self._unikernel:
                self.guests[name] = PrefixedGuest(name, log, forbid, self.console)
            else:
                self.guests[name] = ToolstackGuest(name, log, forbid, self.console, self.shell)
        return self.guests[name]

    def shell_of(self, name: str) -> Shell:
        """The shell on a guest's console."""
        if name not in self._shells:
            self._shells[name] = Shell(self.guest(name), self.nonce, paced=False, of=f"{name}-")
        return self._shells[name]

    def begin_again(self) -> None:
        """After a reset nothing is as it was: dom0's shell, and what it keeps of guests."""
        self.shell.forget()
        for shell in self._shells.values():
            shell.forget()
        for guest in self.guests.values():
            guest.begin_again()

    def in_dom0(self, name: str) -> None:
        """Raises ProofFailed for a guest that dom0's toolstack knows nothing of."""
        if self._unikernel:
            advice = f"send 'screen {name}\\r' to dom0, and take the machine's"
            raise ProofFailed(f"guest {name} has no picture: dom0 is a unikernel", advice=advice)
        if name in self._numbers:
            raise ProofFailed(f"guest {name} is started by Xen: it has no screen in dom0")
