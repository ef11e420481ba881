"""recipes/cards/NAME.yaml: boards that U-Boot starts, and what has to be on their cards."""

from __future__ import annotations

from dataclasses import dataclass

from xenbuild.spec.block import Node, Size, key
from xenbuild.spec.recipe import Recipe, register

STARTS = ("fit", "script", "extlinux")


@dataclass(kw_only=True)
class Raw(Node):
    """Bytes outside of any file system."""

    file: str = key("place in the group's tree")
    offset: Size = key("where on the card; bytes")


@dataclass(kw_only=True)
class More(Node):
    group: str = key("another group of the tools")
    files: dict[str, str] = key("place in the group's tree by name on the card")


@dataclass(kw_only=True)
class Card(Recipe):
    """A board."""

    help: str = key("what it is")
    arch: str = key("architecture", choices=("arm64", "armv7"))
    starts: list[str] = key("how its U-Boot can start the machine, the best way first", choices=STARTS)
    loaded: int = key("address that a FIT is read to")
    address: int = key("address that the bundle is put at")
    device_tree: str = key("where U-Boot has the device tree, in its words")
    firmware_words: bool = key("the firmware's words in the device tree's /chosen/bootargs are ours", default=False)
    group: str | None = key("group of the tools (recipes/tools.yaml) that holds its files", default=None)
    files: dict[str, str] = key("files on the card: place in the group's tree by name", factory=dict)
    more: list[More] = key("files on the card from other groups", factory=list)
    kernel_files: dict[str, str] = key("files from the kernel's package: pattern by name", factory=dict)
    texts: dict[str, str] = key("files on the card by name", factory=dict)
    raw: list[Raw] = key("what the boot ROM reads", factory=list)


register(Card, "card", "cards")
