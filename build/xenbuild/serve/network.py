"""This machine's network interfaces, as the kernel tells (netdevice(7)); and whether ports can be had."""

from __future__ import annotations

import errno
import fcntl
import ipaddress
import socket
import struct
from dataclasses import dataclass

from xenbuild.errors import HostError

_SIOCGIFFLAGS, _SIOCGIFADDR, _SIOCGIFNETMASK = 0x8913, 0x8915, 0x891B  # linux/sockios.h
_UP, _LOOPBACK = 1, 8  # IFF_UP, IFF_LOOPBACK of linux/if.h
_NAME_SIZE = 16  # IFNAMSIZ


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface that is up and has an IPv4 address."""

    name: str
    address: ipaddress.IPv4Interface

    @property
    def ip(self) -> str:
        return str(self.address.ip)


def _ask(request: int, name: str) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        name_field = struct.pack(f"{_NAME_SIZE}s24x", name.encode()[: _NAME_SIZE - 1])
        return fcntl.ioctl(end, request, name_field)[_NAME_SIZE:]


def interface(name: str) -> Interface:
    """The interface of a name. Raises HostError if it is not there, is down or has no IPv4 address."""
    known = [other for _, other in socket.if_nameindex()]
    if name not in known:
        raise HostError(f"there is no network interface {name!r}", advice=f"this machine has: {', '.join(known)}")
    (flags,) = struct.unpack_from("=H", _ask(_SIOCGIFFLAGS, name))
    if not flags & _UP:
        raise HostError(f"the network interface {name} is down", advice=f"switch it on: ip link set {name} up")
    try:
        ip, mask = (socket.inet_ntoa(_ask(request, name)[4:8]) for request in (_SIOCGIFADDR, _SIOCGIFNETMASK))
    except OSError as error:
        advice = f"give it one, for instance: ip address add 192.168.77.1/24 dev {name}"
        raise HostError(f"the network interface {name} has no IPv4 address", advice=advice) from error
    return Interface(name, ipaddress.IPv4Interface(f"{ip}/{mask}"))


def only_interface() -> Interface:
    """The one interface that could be meant when none is named. Raises HostError if there are none or several."""
    found = []
    for _, name in socket.if_nameindex():
        (flags,) = struct.unpack_from("=H", _ask(_SIOCGIFFLAGS, name))
        if flags & _UP and not flags & _LOOPBACK:
            try:
                found.append(interface(name))
            except HostError:
                continue
    if len(found) != 1:
        names = ", ".join(one.name for one in found)
        message = f"several network interfaces could be meant: {names}" if found else "no network interface is up"
        raise HostError(message, advice="name the one that the machines are on: --interface NAME")
    return found[0]


def check_port(kind: str, address: str, port: int, what: str, instead: str) -> None:
    """Raises HostError if a port ("udp" or "tcp") cannot be had; `instead` is what to do without it."""
    family = socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, family) as end:
        if kind == "tcp":
            end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            end.bind((address, port))
        except OSError as error:
            taken = f"{kind.upper()} port {port} of {address or 'this machine'} ({what})"
            raise _port_error(error, taken, instead) from error


def _port_error(error: OSError, port: str, instead: str) -> HostError:
    if error.errno == errno.EACCES:
        advice = f"run it by sudo, or with net_bind_service, net_admin and net_raw (setpriv(1)); {instead}"
        return HostError(f"no permission to listen on {port}", advice=advice)
    if error.errno == errno.EADDRINUSE:
        return HostError(f"another program listens on {port} already", advice=f"stop it; {instead}")
    return HostError(f"cannot listen on {port}: {error.strerror}", advice=instead)
