"""What the boot server tells of its clients."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

# pxelinux and U-Boot look for a menu of the machine's own before the common one, iPXE for a script, GRUB for lists.
_PROBED = re.compile(r"pxelinux\.cfg/|autoexec\.ipxe$|\.lst$|/grub\.cfg[^/]*$")
_ARP = Path("/proc/net/arp")  # proc(5): address, type, flags, hardware address, mask, device


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    kind: told (a machine asked how to boot), took (it has a whole file), missing, refused, fresh (a build has ended),
    failed (a build), said (what the server itself has to say).
    """

    kind: str
    machine: str = ""  # hardware address, "52:54:00:12:34:56"; empty if it is not known
    address: str = ""
    file: str = ""
    by: str = ""  # DHCP, ProxyDHCP, TFTP, HTTP
    size: int = 0  # bytes that were sent
    text: str = ""  # for people

    @property
    def is_probe(self) -> bool:
        """Whether it is just a boot loader that tries one name after the other."""
        return self.kind == "missing" and _PROBED.search(self.file) is not None

    def line(self) -> str:
        """The event as people read it, without the time."""
        who = " ".join(filter(None, [self.machine, self.address]))
        what = {
            "told": f"asked as {self.text}: told to take {self.file}",
            "took": f"took {self.file} ({_size(self.size)}, {self.by})",
            "missing": f"asked for {self.file}, which is not there ({self.by})",
            "refused": f"refused {self.file}: {self.text} ({self.by})",
        }.get(self.kind, self.text)
        return f"{who}  {what}" if who else what


def hardware_address(address: str) -> str:
    """The hardware address behind an IPv4 address, as the kernel knows it; empty if it does not."""
    try:
        lines = _ARP.read_text().splitlines()[1:]
    except OSError:
        return ""
    for line in lines:
        fields = line.split()
        if len(fields) >= 4 and fields[0] == address and fields[3] != "00:00:00:00:00:00":
            return fields[3]
    return ""


def _size(count: int) -> str:
    value = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
