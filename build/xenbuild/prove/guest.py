"""Consoles of guests, read and typed into through the machine's console.

xenconsoled keeps what a guest of the toolstack says in dom0's /var/log/xen/console, and names the terminal that leads
to it in xenstore. Guests that Xen starts have no such thing: Xen prints their lines with DOMn before them, and takes
input for them once it is switched there.
"""

from __future__ import annotations

import base64
import binascii
import re
import shlex
import time
import zlib
from abc import ABC, abstractmethod
from pathlib import Path

from xenbuild.errors import ProofFailed
from xenbuild.prove.console import Console, compile_pattern
from xenbuild.prove.shell import Shell
from xenbuild.prove.stream import OVERLAP, History, Plain

_POLL = 1.0  # seconds between looks at a guest's console, at least
_REST = 4.0  # times as long as a look took, which is time that the guest does not get where there is one processor
_LONGEST = 15.0  # seconds
_LOOK = 30.0  # seconds that one look may take
_PIECE = 1 << 18  # bytes taken at a time
_NEVER = re.compile(r"(?!)")
# Lines of the machine that may fall between those of our own commands: hypervisor, kernel, dom0's init.
_FOREIGN = re.compile(r"\(XEN\)|\[ *\d+\.\d+\]|xenbuild:")
_READ = "xbg() { tail -c +$2 /var/log/xen/console/guest-$1.log 2>/dev/null | head -c $3 | gzip -c | base64; }"
_SWITCH = re.compile(r"\*\*\* Serial input to (Xen|DOM(\d+))")  # xen/drivers/char/console.c
_SWITCH_WAIT = 5.0  # seconds
_TYPED = 32  # bytes in a line of dom0's shell, four characters each (dom0-image/unikernel/shell.c)
_VPL011_PIECE = 16  # bytes; Xen drops what does not fit into the 32 of its serial port (SBSA_UART_FIFO_SIZE)
_VPL011_REST = 0.2  # seconds in which the guest takes a piece


class Guest(ABC):
    """A guest's console; a Terminal. `forbid` are patterns that must not appear on it."""

    def __init__(self, name: str, log: Path, forbid: list[str]) -> None:
        self.name = name
        self.log = log
        self.history = History()
        self._plain = Plain()
        self._forbid = [compile_pattern(pattern) for pattern in forbid]
        self._judged = 0
        log.write_bytes(b"")

    @abstractmethod
    def poll(self, deadline: float) -> bool:
        """Takes what the guest has said; whether there may be more at once."""

    def begin_again(self) -> None:
        """The machine was reset: what the guest said before is history."""
        self.history.mark = self.history.end

    @abstractmethod
    def send(self, data: bytes, deadline: float) -> None:
        """Types `data`. Raises ProofFailed."""

    @abstractmethod
    def rest(self, until: float) -> None:
        """Lets time pass, with an eye on the machine."""

    def expect(self, pattern: str | re.Pattern[str], deadline: float, what: str = "") -> re.Match[str]:
        compiled = compile_pattern(pattern)
        what = what or repr(compiled.pattern)
        match = self.seen(compiled, deadline, what)
        if not match:
            lines = self.last_lines(1)
            said = f"the last thing it said was: {lines[0]}" if lines else "it said nothing at all"
            raise ProofFailed(f"the console of guest {self.name} did not say {what} in time", advice=said)
        return match

    def seen(self, pattern: re.Pattern[str], deadline: float, what: str = "") -> re.Match[str] | None:
        searched = self.history.mark
        last = False
        while True:
            found = self.history.search(pattern, max(self.history.mark, searched - OVERLAP))
            self._judge(found[0] if found else self.history.end)
            if found:
                self.history.mark = found[0]
                return found[1]
            searched = self.history.end
            if last:
                return None
            began = time.monotonic()
            last = began >= deadline  # what was said while we rested is looked at
            # A look that has begun is finished, even if a busy dom0 takes longer than what is waited for.
            looked = self.poll(max(deadline, began + _LOOK))
            if not looked and not last and self.history.end == searched:
                now = time.monotonic()
                self.rest(min(deadline, now + min(max(_POLL, _REST * (now - began)), _LONGEST)))

    def catch_up(self, deadline: float) -> None:
        """Takes all that the guest has said, and judges it."""
        while self.poll(deadline) and time.monotonic() < deadline:
            pass
        self._judge(self.history.end)

    def last_lines(self, count: int = 20) -> list[str]:
        return self.history.last_lines(count)

    def _take(self, data: bytes) -> None:
        with self.log.open("ab") as log:
            log.write(data)
        self.history.add(self._plain.feed(data))

    def _judge(self, end: int) -> None:
        start = self.history.line_start(max(self._judged - OVERLAP, 0)) if self._judged > OVERLAP else 0
        for forbidden in self._forbid:
            if found := self.history.search(forbidden, start, end):
                line = self.history.slice(self.history.line_start(found[0] - 1), found[0]).strip("\n")
                message = f"the console of guest {self.name} said {line!r}"
                raise ProofFailed(f"{message}, which the pattern {forbidden.pattern!r} forbids")
        self._judged = max(self._judged, end)


class ToolstackGuest(Guest):
    """A guest of xl, through dom0's shell."""

    def __init__(self, name: str, log: Path, forbid: list[str], console: Console, shell: Shell) -> None:
        super().__init__(name, log, forbid)
        self._console = console
        self._shell = shell
        self._offset = 0

    def begin_again(self) -> None:
        super().begin_again()
        self._offset = 0  # dom0 begins a new log

    def poll(self, deadline: float) -> bool:
        name = shlex.quote(self.name)
        text = quietly(self._console, self._shell, f"xbg {name} {self._offset + 1} {_PIECE}", deadline, define=_READ)
        data = unpack(text)
        if data:
            self._offset += len(data)
            self._take(data)
        return data is None or len(data) == _PIECE

    def send(self, data: bytes, deadline: float) -> None:
        name = shlex.quote(self.name)
        find = f"d=$(xl domid {name}) && t=$(xenstore-read /local/domain/$d/console/tty)"
        result = self._shell.run(f"{find} && printf '{_octal(data)}' >$t", deadline, quiet=_FOREIGN)
        if result.status:
            advice = f"dom0 said: {' / '.join(result.output.split(chr(10))[-3:])}"
            raise ProofFailed(f"guest {self.name} takes no input: it does not run, or has no console", advice=advice)

    def rest(self, until: float) -> None:
        mark = self._console.history.mark
        self._console.seen(_NEVER, until)
        self._console.history.mark = mark


class LinesGuest(Guest):
    """A guest whose lines stand on the machine's console, each behind something that tells whose it is (`lines`)."""

    def __init__(self, name: str, log: Path, forbid: list[str], console: Console, lines: str) -> None:
        super().__init__(name, log, forbid)
        self._console = console
        self._read_to = 0
        self._lines = re.compile(lines, re.MULTILINE)

    def poll(self, deadline: float) -> bool:
        history = self._console.history
        while found := history.search(self._lines, self._read_to):
            self._read_to = found[0]
            self._take(found[1][1].encode() + b"\n")
        return False


class XenGuest(LinesGuest):
    """A guest that Xen starts, by its number."""

    def __init__(self, name: str, log: Path, forbid: list[str], console: Console, number: int) -> None:
        super().__init__(name, log, forbid, console, rf"^(?:\(XEN\) )?DOM{number}: (.*)\n")
        self._number = number

    def send(self, data: bytes, deadline: float) -> None:
        """Xen shows the echo without a prefix while input goes to the guest: dom0 has it again at once."""
        mark = self._console.history.mark
        self._focus(f"DOM{self._number}", deadline)
        for start in range(0, len(data), _VPL011_PIECE):
            if start:
                self.rest(time.monotonic() + _VPL011_REST)
            self._console.send(data[start : start + _VPL011_PIECE], deadline)
        self._focus("DOM0", deadline, optional=True)
        self._console.history.mark = mark

    def rest(self, until: float) -> None:
        mark = self._console.history.mark
        self._console.seen(_NEVER, until)
        self._console.history.mark = mark

    def _focus(self, wanted: str, deadline: float, *, optional: bool = False) -> None:
        """Switches Xen's input until it goes to `wanted`; all owners come round (without a dom0, there is no DOM0)."""
        self._console.history.mark = self._console.history.end  # earlier switches are none of ours
        told: list[str] = []
        while told.count(wanted) == 0 and len(told) == len(set(told)):
            self._console.send(b"\x01\x01\x01", deadline)
            match = self._console.seen(_SWITCH, min(deadline, time.monotonic() + _SWITCH_WAIT))
            if not match:
                break
            told.append(match[1])
        if wanted not in told and not optional:
            raise ProofFailed(
                f"Xen does not switch its input to guest {self.name}",
                advice=f"it offers {', '.join(told) or 'nothing'}; it takes input for guests with vpl011 only",
            )


class PrefixedGuest(LinesGuest):
    """A guest of a dom0 that is a unikernel, which prints each line with the guest's name before it."""

    def __init__(self, name: str, log: Path, forbid: list[str], console: Console) -> None:
        super().__init__(name, log, forbid, console, rf"^(?:dom0> [^\n\[]*)?\[{re.escape(name)}\] (.*)\n")

    def send(self, data: bytes, deadline: float) -> None:
        mark = self._console.history.mark
        for start in range(0, len(data), _TYPED):
            text = "".join(f"\\x{byte:02x}" for byte in data[start : start + _TYPED])
            self._console.send(f"\rtype {self.name} {text}\r".encode(), deadline)
            self._console.expect(rf"{re.escape(text[-8:])}\s", deadline)  # its echo: dom0 took the line
        self._console.history.mark = mark

    def rest(self, until: float) -> None:
        mark = self._console.history.mark
        self._console.seen(_NEVER, until)
        self._console.history.mark = mark


def quietly(console: Console, shell: Shell, command: str, deadline: float, *, define: str = "") -> str:
    """What a command of ours prints in dom0's shell. Later patterns do not see it on the console.

    `define` is a function that the command needs: it is typed once. Raises ProofFailed.
    """
    if define:
        shell.define(define, deadline, quiet=_FOREIGN)
    return shell.run(command, deadline, quiet=_FOREIGN).output


def unpack(text: str) -> bytes | None:
    """What `gzip | base64` printed; None if a line of the machine fell into it."""
    try:
        return zlib.decompress(base64.b64decode("".join(text.split()), validate=True), wbits=31)
    except (binascii.Error, zlib.error):
        return None


def _octal(data: bytes) -> str:
    """Bytes as a format of printf(1) between single quotes."""
    return "".join(chr(b) if chr(b).isascii() and chr(b).isalnum() else f"\\{b:03o}" for b in data)
