"""`xenbuild serve`: a boot server for the machines of a lab."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xenbuild.cli import output
from xenbuild.cli.options import declaration_options, targets_argument

if TYPE_CHECKING:
    from xenbuild.cli.session import Session
    from xenbuild.serve.events import Event
    from xenbuild.serve.network import Interface
    from xenbuild.serve.server import BootServer, Setup
    from xenbuild.serve.watch import State

HTTP_PORT = 8080


@click.command()
@targets_argument
@declaration_options
@click.option("--all", "every", is_flag=True, help="Serve all targets of the declaration.")
@click.option("--image", metavar="NAME", help="The image of medium pxe.  [default: the first of each target]")
@click.option("-i", "--interface", "interface_name", metavar="NAME", help="The network interface to serve on.")
@click.option("--dhcp-range", metavar="FIRST-LAST", help="Give out these addresses too, as the network's DHCP server.")
@click.option("--port", type=click.IntRange(1, 65535), default=HTTP_PORT, show_default=True, help="HTTP's port.")
@click.option("--http-only", is_flag=True, help="Only HTTP, on loopback without --interface; needs no rights.")
@click.option("--loader", metavar="NAME", help="Prefer this boot loader: ipxe, pxelinux or grub.")
@click.option("--watch", is_flag=True, help="Build again when the declaration or its files change.")
@click.option("--offline", is_flag=True, help="Use only what is in the store; never the network for packages.")
@click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON, one object a line.")
def command(
    names: Sequence[str],
    file: Path,
    profiles: Sequence[str],
    variables: Mapping[str, str],
    every: bool,
    image: str | None,
    interface_name: str | None,
    dhcp_range: str | None,
    port: int,
    http_only: bool,
    loader: str | None,
    watch: bool,
    offline: bool,
    as_json: bool,
) -> int:
    """Build TARGETs and let machines of the network boot them, until Ctrl-C.

    The network's own DHCP server goes on giving out addresses; with --dhcp-range this one does. Machines are told
    what they can start by the kind of firmware that they say they have. A machine that boots after a new build gets
    the new one.

    \b
    Examples:
      xenbuild serve --interface eth1                                  beside a DHCP server
      xenbuild serve -i eth1 --dhcp-range 192.168.77.50-192.168.77.99  alone on a cable
      xenbuild serve --all -i eth1 --watch                             and build what changes
      xenbuild serve --http-only                                       for iPXE with a script of its own
    """
    from xenbuild.cli.session import open_session
    from xenbuild.errors import HostError
    from xenbuild.serve.network import interface, only_interface
    from xenbuild.serve.server import BootServer
    from xenbuild.serve.watch import state

    if http_only and dhcp_range:
        raise HostError("--http-only and --dhcp-range exclude each other", advice="leave one of them out")
    if http_only and not interface_name:
        interface_name = "lo"
    where = interface(interface_name) if interface_name else only_interface()

    def rebuild() -> list[Path]:
        with open_session(file, names, profiles, variables, every=every) as session:
            session.build(offline=offline)
            return session.inputs()

    with open_session(file, names, profiles, variables, every=every) as session:
        inputs = session.inputs()
        before = state(inputs)  # of the build: what changes while it runs is seen too
        setup = _setup(session, where, image, dhcp_range, port, http_only, loader, offline, as_json)
    _end_on_signals()
    try:
        with BootServer(setup) as server:
            _banner(setup, as_json)
            if watch:
                _watch(inputs, before, rebuild, server)
            for event in server.events():
                _show(event, as_json)
    except KeyboardInterrupt:
        if not as_json:
            print("stopped", file=sys.stderr)
    return 0


def _setup(
    session: Session,
    where: Interface,
    image: str | None,
    dhcp_range: str | None,
    port: int,
    http_only: bool,
    loader: str | None,
    offline: bool,
    as_json: bool,
) -> Setup:
    """Builds the images and finds out what to serve of them."""
    from xenbuild.cli.progress import Progress
    from xenbuild.media.build import tools_tree
    from xenbuild.serve.server import Setup, parse_range
    from xenbuild.serve.trees import choices, trees

    given = parse_range(dhcp_range, where) if dhcp_range else None
    with Progress() as progress:
        images = session.build(offline=offline, events=(lambda event: None) if as_json else progress)
    served = trees(images, image)
    declaration = session.declarations[0]
    dnsmasq = [] if http_only else tools_tree(declaration, session.settings(offline=offline), "serve").argv("dnsmasq")
    return Setup(
        trees=served,
        choices=choices(served, loader, proxy=not given and not http_only),
        interface=where,
        port=port,
        given=given,
        http_only=http_only,
        dnsmasq=dnsmasq,
        folder=declaration.folder,
    )


def _banner(setup: Setup, as_json: bool) -> None:
    """What is served, and what each kind of machine is going to be told."""
    from xenbuild.serve.events import Event

    how = "HTTP" if setup.http_only else f"{'DHCP' if setup.given else 'ProxyDHCP'}, TFTP and HTTP"
    lines = [f"serving on {setup.interface.name}, {how}, {setup.url}; Ctrl-C ends it"]
    for choice in setup.choices:
        lines.append(f"  {choice.help}: {choice.loader}, {choice.file}")
    for tree in setup.trees if setup.http_only else ():
        lines.append(f"  {tree.target}: {setup.url}{tree.place}/")
    for line in lines:
        _show(Event("said", text=line), as_json)


def _show(event: Event, as_json: bool) -> None:
    if as_json:
        fields = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **asdict(event)}
        print(json.dumps(fields, ensure_ascii=False), flush=True)
        return
    if event.is_probe:
        return
    line = event.line()
    if event.kind in ("refused", "failed"):
        line = output.paint(line, output.RED, sys.stdout)
    print(line if event.kind == "said" else f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


def _watch(inputs: list[Path], before: State, rebuild: Callable[[], list[Path]], server: BootServer) -> None:
    """Builds again, in a thread of its own, when a file that decides the result has changed."""
    import threading

    from xenbuild.errors import XenbuildError
    from xenbuild.serve.events import Event
    from xenbuild.serve.watch import built_from, state

    def look() -> None:
        files, seen = inputs, before
        while True:
            time.sleep(1.0)
            if (now := state(files)) == seen:
                continue
            seen = now
            try:
                files = rebuild()
                seen = built_from(now, state(files))
                event = Event("fresh", text="built again: machines that boot from now on get this build")
            except XenbuildError as error:
                reason = str(error).splitlines()[0]
                event = Event("failed", text=f"not built, the last build stays: {reason}")
            server.tell(event)  # last: what changes from here on is a change

    threading.Thread(target=look, daemon=True).start()


def _end_on_signals() -> None:
    """An end from outside is as clean as Ctrl-C."""
    import signal

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
