"""DHCP and TFTP by dnsmasq from the tools tree: its configuration, its process, and what its log means."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from xenbuild.errors import HostError
from xenbuild.parts.templates import render
from xenbuild.prove.process import end, start
from xenbuild.serve.events import Event, hardware_address
from xenbuild.serve.network import Interface
from xenbuild.serve.trees import Choice

Range = tuple[str, str]  # first and last address to give out

_LINE = re.compile(r"(?:.* )?dnsmasq(?P<part>-\w+)?\[\d+\]: (?P<text>.*)")  # with or without a date before it
_DHCP = re.compile(r"(?P<id>\d+) (?P<text>.*)")
_MACHINE = re.compile(r"(?:DHCP(?P<word>[A-Z]+)|PXE)\([^)]*\) (?:[\d.]+ )?(?P<machine>(?:[0-9a-f]{2}:){5}[0-9a-f]{2})")
_FILE = re.compile(r"(?:bootfile name: |sent size: *\d+ option: *67 bootfile-name +)(?P<file>\S+)")
_SENT = re.compile(r"sent (?P<file>.*) to (?P<address>[\d.]+)")
_ABSENT = re.compile(r"file (?P<file>.*) not found for (?P<address>[\d.]+)")
_DENIED = re.compile(r"cannot access (?P<file>.*): (?P<why>.*)")
_KEPT = 256  # conversations of which something is remembered


def configuration(
    interface: Interface, choices: Sequence[Choice], given: Range | None, root: Path, url: str, folder: Path, own: Path
) -> str:
    """dnsmasq's configuration. `url` ends in a slash, `folder` is for its state, `own` the declaration's folder."""
    return render(
        "dnsmasq.conf",
        own,
        interface=interface.name,
        address=interface.ip,
        network=str(interface.address.network.network_address),
        netmask=str(interface.address.netmask),
        range=given,
        root=root,
        url=url,
        state=folder,
        choices=choices,
    )


class Dnsmasq:
    """The running server. `log` yields what its clients do until it ends."""

    def __init__(self, program: Sequence[str], configuration: Path, root: Path, names: dict[str, str]) -> None:
        self._process = start([*program, "--no-daemon", "--log-facility=-", f"--conf-file={configuration}"])
        self._reader = Reader(root, names)
        self._last: list[str] = []
        self._ended = False

    def log(self) -> Iterator[Event]:
        """Blocks; raises HostError if the server ended by itself, with what it said."""
        assert self._process.stderr
        for raw in self._process.stderr:
            line = raw.decode("utf-8", "replace").rstrip()
            self._last = [*self._last[-4:], line]
            yield from self._reader.events(line)
        if not self._ended:
            said = "; ".join(line.removeprefix("dnsmasq: ") for line in self._last) or "nothing"
            raise HostError(f"dnsmasq has ended; it said: {said}", advice="serve without it: --http-only")

    def stop(self) -> None:
        """Ask it to end; log() then comes to its end too."""
        self._ended = True
        self._process.terminate()

    def close(self) -> None:
        """Whatever is left of it is gone. Nobody may be in log() any more."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2.0)
        end(self._process)


class Reader:
    """Makes events of dnsmasq's log. `root` is the TFTP root, `names` the clients' kinds in words, by their tags."""

    def __init__(self, root: Path, names: dict[str, str], machine_of: Callable[[str], str] = hardware_address) -> None:
        self._root = f"{root}/"
        self._names = names
        self._machine_of = machine_of
        self._talks: dict[str, dict[str, str]] = {}  # by DHCP's transaction number

    def events(self, line: str) -> Iterator[Event]:
        match = _LINE.fullmatch(line)
        if match is None:
            return
        if match["part"] == "-dhcp" and (dhcp := _DHCP.fullmatch(match["text"])):
            yield from self._dhcp(dhcp["id"], dhcp["text"])
        elif match["part"] == "-tftp":
            yield from self._tftp(match["text"])

    def _dhcp(self, number: str, text: str) -> Iterator[Event]:
        talk = self._talks.setdefault(number, {})
        if len(self._talks) > _KEPT:
            self._talks.pop(next(iter(self._talks)))
        if found := _MACHINE.search(text):
            talk["machine"], talk["word"] = found["machine"], found["word"] or "PXE"
        elif text.startswith("tags: "):
            tags = text.removeprefix("tags: ").split(", ")
            known = [name for tag, name in self._names.items() if tag in tags]
            talk["kind"] = " ".join([*known, *(["(iPXE)"] if "ipxe" in tags else [])]) or "an unknown kind of machine"
        elif (found := _FILE.search(text)) and talk.get("word") in ("ACK", "PXE"):
            by = "ProxyDHCP" if talk["word"] == "PXE" else "DHCP"
            told = found["file"].removeprefix(self._root)
            if talk.get("told") != told:
                talk["told"] = told
                yield Event("told", talk["machine"], file=told, by=by, text=talk.get("kind", ""))

    def _tftp(self, text: str) -> Iterator[Event]:
        if found := _SENT.fullmatch(text):
            file, address = Path(found["file"]), found["address"]
            size = file.stat().st_size if file.is_file() else 0
            yield Event("took", self._machine_of(address), address, self._short(found["file"]), "TFTP", size)
        elif found := _ABSENT.fullmatch(text):
            address = found["address"]
            yield Event("missing", self._machine_of(address), address, self._short(found["file"]), "TFTP")
        elif found := _DENIED.fullmatch(text):  # dnsmasq does not say to whom
            file_name, why = self._short(found["file"]), found["why"].lower()
            if ".." in file_name.split("/"):
                why = "it is outside of what is served"
            yield Event("refused", file=file_name, by="TFTP", text=why)

    def _short(self, file: str) -> str:
        return file.removeprefix(self._root)
