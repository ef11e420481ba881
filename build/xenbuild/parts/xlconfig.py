"""A guest's configuration for xl (xl.cfg(5)), and for GRUB in a guest, by the templates in recipes/templates/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xenbuild.parts import templates
from xenbuild.spec.domain import Disk, Domain, Framebuffer, Network

# xl.cfg(5), "Event Actions": what happens after a poweroff and after a crash. A reboot is always followed.
_RESTART = {"never": ("destroy", "destroy"), "on-crash": ("destroy", "restart"), "always": ("restart", "restart")}


@dataclass(frozen=True, slots=True)
class Places:
    """Where dom0 has what the build made of a guest; "" is not there."""

    kernel: str = ""
    initramfs: str = ""
    disks: Mapping[str, str] = field(default_factory=dict)  # device in the guest -> path


def settings(name: str, domain: Domain, places: Places, arch: str) -> dict[str, object]:
    """The keys of xl.cfg(5) and their values, in the order in which a person would write them."""
    made: dict[str, object] = {"name": name, **_kind(domain, arch)}
    made |= {"kernel": places.kernel} if places.kernel else {}
    made |= {"ramdisk": places.initramfs} if places.initramfs else {}
    made |= {"extra": " ".join(domain.cmdline)} if domain.cmdline and domain.boot == "kernel" else {}
    made["memory"] = domain.memory >> 20
    made["vcpus"] = domain.vcpus
    optional = {
        "maxmem": domain.max_memory and domain.max_memory >> 20,
        "maxvcpus": domain.max_vcpus,
        "cpus": domain.cpus,
        "cpu_weight": domain.weight,
        "cap": domain.cap,
        "pool": domain.cpupool,
    }
    made |= {key: value for key, value in optional.items() if value is not None}
    made["on_poweroff"], made["on_crash"] = _RESTART[domain.restart]
    made |= {"disk": [_disk(disk, places.disks) for disk in domain.disks]} if domain.disks else {}
    made |= {"vif": [_vif(network, domain) for network in domain.networks]} if domain.networks else {}
    made |= {"pci": domain.pci} if domain.pci else {}
    return made | _screen(domain) | domain.settings


def render(name: str, values: Mapping[str, object], folder: Path) -> str:
    """The configuration's text; a template in recipes/templates/ beside the declaration (in `folder`) goes first."""
    source = templates.source("xl.cfg", folder)
    return templates.fill("xl.cfg", source, {"name": name, "settings": values}, {"xl": literal})


def grub_config(name: str, cmdline: Sequence[str], folder: Path) -> str:
    """GRUB's configuration for a guest whose kernel is on its disk, by the template guest-grub.cfg; as for render()."""
    return templates.render("guest-grub.cfg", folder, name=name, cmdline=cmdline)


def literal(value: object) -> str:
    """A value in the syntax of xl's configuration (xen, tools/libs/util/libxlu_cfg_l.l)."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, int):
        return str(int(value))
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _kind(domain: Domain, arch: str) -> dict[str, object]:
    if arch in ("arm64", "armv7"):
        return {}  # there is one type only, which xl chooses by itself
    if domain.type != "hvm":
        return {"type": domain.type}
    return {"type": "hvm", "usb": 0, "serial": "pty"}


def _screen(domain: Domain) -> dict[str, object]:
    """VNC or nothing: qemu in dom0 has no other display that works without a desktop."""
    screen = domain.framebuffer
    if screen is None:
        return {"vga": "none", "vnc": 0, "sdl": 0, "nographic": 1} if domain.type == "hvm" else {}
    if domain.type == "hvm":
        return {"vga": "stdvga", **_vnc(screen), "keymap": screen.keymap}
    words = [f"{key}={value}" for key, value in {**_vnc(screen), "keymap": screen.keymap}.items()]
    return {"vfb": [",".join(words)]}


def _vnc(screen: Framebuffer) -> dict[str, object]:
    made: dict[str, object] = {"vnc": 1, "vnclisten": screen.listen}
    if screen.display is None:
        return made | {"vncunused": 1}
    return made | {"vncunused": 0, "vncdisplay": screen.display}


def _disk(disk: Disk, disks: Mapping[str, str]) -> str:
    """xl-disk-configuration(5). The target is the last word, since it may hold anything."""
    device = disk.name or "xvda"
    words = [f"format={disk.format}", f"vdev={device}", f"access={'ro' if disk.readonly else 'rw'}"]
    words += ["devtype=cdrom"] if disk.cdrom else []
    return ", ".join([*words, *disk.options, f"target={disks[device]}"])


def _vif(network: Network, domain: Domain) -> str:
    """xl-network-configuration(5). An hvm guest gets an emulated card beside the PV one only if it names a model."""
    given = {"bridge": network.bridge, "mac": network.mac, "model": network.model}
    words = [f"{key}={value}" for key, value in given.items() if value]
    if domain.type == "hvm" and not network.model:
        words.append("type=vif")
    return ",".join([*words, *network.options])
