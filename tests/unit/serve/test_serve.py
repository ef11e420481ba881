"""The boot server without a network: what dnsmasq's log means, what HTTP gives out, who is told what."""

from __future__ import annotations

import errno
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from ipaddress import IPv4Interface
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xenbuild.errors import DeclarationError, HostError
from xenbuild.media.results import Image
from xenbuild.serve.dnsmasq import Reader, configuration
from xenbuild.serve.events import Event
from xenbuild.serve.http import Server, byte_range, inside
from xenbuild.serve.network import Interface, check_port, interface
from xenbuild.serve.server import parse_range
from xenbuild.serve.trees import choices, trees
from xenbuild.store.digest import Digest

LAB = Interface("eth1", IPv4Interface("192.168.77.1/24"))
MAC = "52:54:00:12:34:56"


def read(*lines: str) -> list[Event]:
    reader = Reader(Path("/srv/root"), {"bios": "PC BIOS", "uefi-x86_64": "64-bit UEFI"}, lambda address: MAC)
    return [event for line in lines for event in reader.events(line)]


def test_a_machine_that_got_an_address() -> None:
    talk = (
        f"dnsmasq-dhcp[7]: 42 DHCPDISCOVER(eth1) {MAC} ",
        "dnsmasq-dhcp[7]: 42 tags: bios, ipxe, eth1",
        f"dnsmasq-dhcp[7]: 42 DHCPOFFER(eth1) 192.168.77.58 {MAC} ",
        "dnsmasq-dhcp[7]: 42 sent size: 20 option: 67 bootfile-name  http://a/boot.ipxe",
        f"Nov 25 00:07:46 dnsmasq-dhcp[7]: 42 DHCPACK(eth1) 192.168.77.58 {MAC} ",
        "Nov 25 00:07:46 dnsmasq-dhcp[7]: 42 sent size: 20 option: 67 bootfile-name  http://a/boot.ipxe",
    )
    assert read(*talk) == [Event("told", MAC, file="http://a/boot.ipxe", by="DHCP", text="PC BIOS (iPXE)")]


def test_a_machine_that_has_an_address_already() -> None:
    talk = (
        f"dnsmasq-dhcp[7]: 42 PXE(eth1) {MAC} proxy",
        "dnsmasq-dhcp[7]: 42 tags: uefi-x86_64, eth1",
        "dnsmasq-dhcp[7]: 42 bootfile name: x86_64-xen/net/snponly.efi",
    )
    (event,) = read(*talk)
    assert (event.by, event.file, event.text) == ("ProxyDHCP", "x86_64-xen/net/snponly.efi", "64-bit UEFI")


def test_files_by_tftp() -> None:
    events = read(
        "dnsmasq-tftp[7]: sent /srv/root/net/pxelinux.0 to 192.168.77.58",
        "dnsmasq-tftp[7]: file /srv/root/net/pxelinux.cfg/C0 not found for 192.168.77.58",
        "dnsmasq-tftp[7]: cannot access /srv/root/../../etc/passwd: Permission denied",
        "dnsmasq[7]: started, version 2.91 DNS disabled",
    )
    assert [(one.kind, one.file) for one in events] == [
        ("took", "net/pxelinux.0"),
        ("missing", "net/pxelinux.cfg/C0"),
        ("refused", "../../etc/passwd"),
    ]
    assert [one.is_probe for one in events] == [False, True, False]
    assert events[2].line() == "refused ../../etc/passwd: it is outside of what is served (TFTP)"


@given(st.text(max_size=200))
def test_no_line_breaks_the_reader(line: str) -> None:
    read(line, f"dnsmasq-dhcp[1]: 7 {line}", f"dnsmasq-tftp[1]: {line}")


@given(st.text(max_size=60))
def test_no_path_leads_out(path: str) -> None:
    try:
        found = inside(f"/{path}")
    except UnicodeDecodeError:
        return
    assert found is None or not set(found.split("/")) & {"", ".", ".."}


@given(st.text("bytes=-0123456789", max_size=20), st.integers(0, 300))
def test_a_range_is_inside_of_the_file(header: str, size: int) -> None:
    try:
        found = byte_range(header, size)
    except ValueError:
        return
    assert found is None or (found[0] >= 0 and found[1] >= 0 and found[0] + found[1] <= size)


@pytest.mark.parametrize(
    ("header", "part"),
    [("bytes=0-9", (0, 10)), ("bytes=90-", (90, 10)), ("bytes=-5", (95, 5)), ("bytes=50-999", (50, 50)), ("x", None)],
)
def test_ranges(header: str, part: tuple[int, int] | None) -> None:
    assert byte_range(header, 100) == part


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, int, list[Event]]]:
    told: list[Event] = []
    root = tmp_path / "root"
    (root / "net").mkdir(parents=True)
    (root / "net/kernel").write_bytes(bytes(range(100)))
    (tmp_path / "secret").write_text("secret")
    server = Server(("127.0.0.1", 0), root, told.append)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield root, server.server_address[1], told
    server.shutdown()
    server.server_close()
    thread.join()


def get(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    client.request(method, path, headers=headers)
    answer = client.getresponse()
    found = answer.status, answer.read()
    client.close()
    return found


def test_http(site: tuple[Path, int, list[Event]]) -> None:
    _, port, told = site
    assert get(port, "/net/kernel") == (200, bytes(range(100)))
    assert get(port, "/net/kernel", "HEAD") == (200, b"")
    assert get(port, "/net/kernel", Range="bytes=10-19") == (206, bytes(range(10, 20)))
    assert get(port, "/net/kernel", Range="bytes=100-")[0] == 416
    assert get(port, "/net/absent")[0] == 404
    assert get(port, "/net")[0] == 404
    assert get(port, "/../secret")[0] == 403
    assert get(port, "/net/%2e%2e/../secret")[0] == 403
    assert [one.kind for one in told] == ["took", "missing", "missing", "refused", "refused"]


def test_a_file_stays_what_it_was_while_it_is_read_in_ranges(site: tuple[Path, int, list[Event]]) -> None:
    root, port, _ = site
    assert get(port, "/net/kernel", Range="bytes=0-9")[1] == bytes(range(10))
    (root / "new").write_bytes(bytes(100))
    (root / "new").replace(root / "net/kernel")
    assert get(port, "/net/kernel", Range="bytes=10-19")[1] == bytes(range(10, 20))
    assert get(port, "/net/kernel")[1] == bytes(100)
    assert get(port, "/net/kernel", Range="bytes=10-19")[1] == bytes(10)


def image(folder: Path, name: str, medium: str = "pxe") -> Image:
    path = folder / "x86_64-xen" / name
    path.mkdir(parents=True)
    content = {
        "clients": {
            "bios": {"codes": [0], "http": False, "help": "PC BIOS"},
            "http": {"codes": [16], "http": True, "help": "UEFI by HTTP"},
        },
        "loaders": [
            {
                "name": "ipxe",
                "files": {"bios": "undionly.kpxe", "http": "snponly.efi"},
                "script": "boot.ipxe",
                "proxy": True,
            },
            {"name": "grub", "files": {"bios": "grub.0"}, "script": None, "proxy": False},
        ],
    }
    (path / "netboot.json").write_text(json.dumps(content))
    return Image("x86_64/xen", name, path, Digest.of(b""), medium)


def test_who_is_told_what(tmp_path: Path) -> None:
    served = trees([image(tmp_path, "disk", "raw"), image(tmp_path, "net"), image(tmp_path, "other")], None)
    assert [tree.place for tree in served] == ["x86_64-xen/net"]
    files = {choice.client: choice.file for choice in choices(served, "grub", proxy=False)}
    assert files == {"bios": "x86_64-xen/net/grub.0", "http": "x86_64-xen/net/snponly.efi"}
    text = configuration(
        LAB, choices(served, None, proxy=True), None, Path("/r"), "http://192.168.77.1:8080/", Path("/s"), tmp_path
    )
    assert "dhcp-range=192.168.77.0,proxy,255.255.255.0" in text
    assert "pxe-service=tag:bios,tag:!ipxe,0,xenbuild,x86_64-xen/net/undionly.kpxe,192.168.77.1" in text
    assert "dhcp-boot=tag:bios,tag:ipxe,http://192.168.77.1:8080/x86_64-xen/net/boot.ipxe" in text


def test_nothing_to_serve(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="nothing to serve"):
        trees([image(tmp_path, "disk", "raw")], None)
    with pytest.raises(DeclarationError, match="no image of medium pxe is named 'x'"):
        trees([image(tmp_path, "net")], "x")
    with pytest.raises(DeclarationError, match="no tree has the boot loader 'lilo'"):
        choices(trees([image(tmp_path, "nets")], None), "lilo", proxy=False)
    with pytest.raises(DeclarationError, match="grub finds its menu only where this server gives out"):
        choices(trees([image(tmp_path, "more")], None), "grub", proxy=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("192.168.77.50", "is no range of addresses"),
        ("10.0.0.1-10.0.0.9", "10.0.0.1 is not in the network of eth1, 192.168.77.0/24"),
        ("192.168.77.9-192.168.77.5", "ends before it begins"),
        ("192.168.77.1-192.168.77.5", "holds this machine's own address, 192.168.77.1"),
    ],
)
def test_wrong_ranges(text: str, message: str) -> None:
    with pytest.raises(HostError, match=message):
        parse_range(text, LAB)


def test_interfaces() -> None:
    assert interface("lo").ip == "127.0.0.1"
    with pytest.raises(HostError, match="there is no network interface 'eth99'"):
        interface("eth99")


def test_a_port_in_use() -> None:
    server = Server(("127.0.0.1", 0), Path("/"), lambda event: None)
    try:
        with pytest.raises(HostError, match=r"another program listens on TCP port \d+ of 127.0.0.1 \(HTTP\) already"):
            check_port("tcp", "127.0.0.1", server.server_address[1], "HTTP", "")
    finally:
        server.server_close()


def test_no_right_to_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(self: socket.socket, address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)
    with pytest.raises(HostError, match=r"no permission to listen on UDP port 67 of this machine \(DHCP\)") as caught:
        check_port("udp", "", 67, "DHCP", "or serve without DHCP and TFTP: --http-only")
    assert caught.value.advice.endswith("(setpriv(1)); or serve without DHCP and TFTP: --http-only")
