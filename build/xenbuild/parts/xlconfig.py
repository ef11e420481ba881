"""A guest's configuration for xl, by the template recipes/templates/xl.cfg (xl.cfg(5))."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from xenbuild.spec.data import data_dir
from xenbuild.spec.domain import Disk, Domain, Network

Value = str | int | list[str]
_RESTART = {"never": "destroy", "on-crash": "restart", "always": "restart"}
_ARM_TYPES = {"arm64": None, "armv7": None}  # there is one type there, which xl chooses by itself


def settings(
    name: str, domain: Domain, kernel: str, initramfs: str, disks: Mapping[str, str], arch: str
) -> dict[str, object]:
    """The keys of xl.cfg(5) and their values. Paths are dom0's; `disks` has them by device in the guest."""
    made: dict[str, object] = {"name": name}
    if arch not in _ARM_TYPES:
        made["type"] = domain.type
    made |= {"kernel": kernel} if kernel else {}
    made |= {"ramdisk": initramfs} if initramfs else {}
    if domain.cmdline or kernel:
        made["extra"] = " ".join(["console=hvc0", *domain.cmdline])
    made["memory"] = domain.memory >> 20
    made |= {"maxmem": domain.max_memory >> 20} if domain.max_memory else {}
    made["vcpus"] = domain.vcpus
    made |= {"maxvcpus": domain.max_vcpus} if domain.max_vcpus else {}
    optional = {"cpus": domain.cpus, "cpu_weight": domain.weight, "cap": domain.cap, "pool": domain.cpupool}
    made |= {key: value for key, value in optional.items() if value is not None}
    made["on_crash"] = "destroy"
    made |= {"disk": [_disk(disk, disks) for disk in domain.disks]} if domain.disks else {}
    made |= {"vif": [_vif(network) for network in domain.networks]} if domain.networks else {}
    made |= {"pci": domain.pci} if domain.pci else {}
    return made | domain.settings


def render(name: str, values: Mapping[str, object], folder: Path) -> str:
    """The configuration's text; a template in recipes/templates/ beside the declaration (in `folder`) goes first."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader([folder / "recipes" / "templates", data_dir("recipes") / "templates"])
    jinja = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    jinja.filters["xl"] = xl
    return jinja.get_template("xl.cfg").render(name=name, settings=values)


def xl(value: object) -> str:
    """A value in the syntax of xl's configuration (tools/libs/util/libxlu_cfg_l.l)."""
    if isinstance(value, list):
        return f"[{', '.join(xl(one) for one in value)}]"
    if isinstance(value, int):
        return str(int(value))
    text = str(value)
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def _disk(disk: Disk, disks: Mapping[str, str]) -> str:
    device = disk.name or "xvda"
    target = disks[device]
    words = [f"format={disk.format}", f"vdev={device}", f"access={'ro' if disk.readonly else 'rw'}", *disk.options]
    return ", ".join([*words, f"target={target}"])  # the last word, since it may hold anything


def _vif(network: Network) -> str:
    words = [f"bridge={network.bridge}"] if network.bridge else []
    words += [f"mac={network.mac}"] if network.mac else []
    words += [f"model={network.model}"] if network.model else []
    return ",".join([*words, *network.options])
