"""recipes/netboot.yaml: which machines boot from the network, and with which files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xenbuild.spec.block import Node, key
from xenbuild.spec.recipe import Recipe, load_single


@dataclass(kw_only=True)
class Client(Node):
    """A kind of machine, as it describes itself to DHCP."""

    arch: str = key("architecture of the images that it can start")
    codes: list[int] = key("client system architectures of DHCP's option 93")
    http: bool = key("it takes an address (URL) and fetches by HTTP, not by TFTP", default=False)
    help: str = key("what it is, for people")


@dataclass(kw_only=True)
class Loader(Node):
    """A boot loader from the network."""

    files: dict[str, str] = key("what it is loaded as, by client")
    proxy: bool = key("it works where another DHCP server gives out the addresses", default=True)
    script: str | None = key("what clients are given that are this loader already (iPXE)", default=None)


@dataclass(kw_only=True)
class Copied(Node):
    """Files of packages that a tree has."""

    group: str = key("group of the tools (recipes/tools.yaml)")
    copy: dict[str, str] = key("place in the group's tree by name in ours")


@dataclass(kw_only=True)
class GrubImage(Node):
    """An image of GRUB that is made for the network."""

    arch: str = key("architecture of the image that it starts")
    group: str = key("group of the tools that holds its modules")
    format: str = key("grub-mkimage's -O")
    folder: str = key("where the modules lie in the group's tree")
    modules: list[str] = key("modules that are inside")


@dataclass(kw_only=True)
class Netboot(Recipe):
    clients: dict[str, Client] = key("machines by name")
    loaders: dict[str, Loader] = key("boot loaders by name, the preferred ones first")
    files: dict[str, Copied] = key("files of packages by architecture of the image", factory=dict)
    grub: dict[str, GrubImage] = key("images of GRUB by name of the file", factory=dict)


def load_netboot(folder: Path | None = None) -> Netboot:
    """The recipe; one beside the declaration (in `folder`) goes before ours."""
    return load_single(Netboot, "netboot", folder)
