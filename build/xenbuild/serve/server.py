"""The whole boot server: HTTP in this process, dnsmasq beside it, one stream of events."""

from __future__ import annotations

import queue
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xenbuild.errors import HostError, XenbuildError
from xenbuild.serve.dnsmasq import Dnsmasq, Range, configuration
from xenbuild.serve.events import Event
from xenbuild.serve.http import Server
from xenbuild.serve.network import Interface, check_port
from xenbuild.serve.trees import Choice, Tree

DHCP, TFTP, PROXY = 67, 69, 4011  # UDP ports
HTTP_ONLY = "or serve without DHCP and TFTP: --http-only"


@dataclass(frozen=True, slots=True)
class Setup:
    """What to serve, and where."""

    trees: Sequence[Tree]
    choices: Sequence[Choice]
    interface: Interface
    port: int  # of HTTP
    given: Range | None  # addresses to give out; None: another server does
    http_only: bool
    dnsmasq: Sequence[str]  # the words that start it
    folder: Path  # the declaration's

    @property
    def url(self) -> str:
        return f"http://{self.interface.ip}:{self.port}/"


class BootServer:
    """Context manager; on leaving, every port is free again and nothing of it is left on the disk."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._events: queue.SimpleQueue[Event | XenbuildError | None] = queue.SimpleQueue()
        self._stage = tempfile.TemporaryDirectory(prefix="xenbuild-serve-")
        self._http: Server | None = None
        self._dnsmasq: Dnsmasq | None = None
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> BootServer:
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._http is not None:
            if self._threads:
                self._http.shutdown()
            self._http.server_close()
        if self._dnsmasq is not None:
            self._dnsmasq.stop()
        for thread in self._threads:
            thread.join(5.0)
        if self._dnsmasq is not None:
            self._dnsmasq.close()
        self._stage.cleanup()

    def tell(self, event: Event | XenbuildError) -> None:
        """Add to the stream of events; an error ends it."""
        self._events.put(event)

    def events(self) -> Iterator[Event]:
        """What happens, as it happens. Raises HostError if a server ended by itself."""
        while True:
            event = self._events.get()
            if isinstance(event, XenbuildError):
                raise event
            if event is not None:
                yield event

    def _start(self) -> None:
        setup = self._setup
        self._check_ports()
        stage = Path(self._stage.name)
        stage.chmod(0o755)
        root = stage / "root"
        for tree in setup.trees:
            place = root / tree.place
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(tree.path.absolute())  # by name: a new build takes the old one's place there
        self._http = Server((setup.interface.ip, setup.port), root, self.tell)
        self._run(self._http.serve_forever, 0.1)
        if not setup.http_only:
            self._start_dnsmasq(stage, root)

    def _start_dnsmasq(self, stage: Path, root: Path) -> None:
        setup = self._setup
        text = configuration(setup.interface, setup.choices, setup.given, root, setup.url, stage, setup.folder)
        file = stage / "dnsmasq.conf"
        file.write_text(text, encoding="utf-8")
        names = {choice.client: choice.help for choice in setup.choices}
        self._dnsmasq = Dnsmasq(setup.dnsmasq, file, root, names)
        self._run(self._follow, self._dnsmasq)

    def _follow(self, dnsmasq: Dnsmasq) -> None:
        try:
            for event in dnsmasq.log():
                self.tell(event)
        except XenbuildError as error:
            self.tell(error)

    def _run(self, function: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _check_ports(self) -> None:
        setup = self._setup
        check_port("tcp", setup.interface.ip, setup.port, "HTTP", "or choose another: --port NUMBER")
        if setup.http_only:
            return
        for port, what in ((DHCP, "DHCP"), *([] if setup.given else [(PROXY, "ProxyDHCP")])):
            check_port("udp", "", port, what, HTTP_ONLY)
        check_port("udp", setup.interface.ip, TFTP, "TFTP", HTTP_ONLY)


def parse_range(text: str, interface: Interface) -> Range:
    """Addresses to give out, "FIRST-LAST", both in the interface's network. Raises HostError."""
    from ipaddress import IPv4Address

    advice = f"write for instance --dhcp-range {interface.address.network[0] + 50}-{interface.address.network[0] + 99}"
    try:
        first, last = (IPv4Address(word.strip()) for word in text.split("-"))
    except ValueError as error:
        raise HostError(f"{text!r} is no range of addresses", advice=advice) from error
    network = interface.address.network
    for one in (first, last):
        if one not in network:
            raise HostError(f"{one} is not in the network of {interface.name}, {network}", advice=advice)
    if last < first:
        raise HostError(f"the range {text} ends before it begins", advice=advice)
    if first <= interface.address.ip <= last:
        raise HostError(f"the range {text} holds this machine's own address, {interface.ip}", advice=advice)
    return str(first), str(last)
