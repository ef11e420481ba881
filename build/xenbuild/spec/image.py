"""`images:` of the declaration: in which form a target is delivered, and what its boot menu says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xenbuild.spec.block import Duration, InputFile, Node, Size, key


@dataclass(kw_only=True)
class Entry(Node):
    """A line of the boot menu: the same parts with other command lines."""

    title: str = key("what the menu shows")
    hypervisor: list[str] = key("words behind the hypervisor's command line", factory=list)
    dom0: list[str] = key("words behind dom0's command line", factory=list)


@dataclass(kw_only=True)
class Menu(Node):
    """The boot menu. Its first line is the machine as it was declared, titled with the declaration's name."""

    default: str | None = key("title of the line that is chosen by itself; the first one otherwise", default=None)
    timeout: Duration = key("how long the menu waits, in whole seconds; 0s shows none", default=Duration(0))
    consoles: list[str] = key("where the menu is shown: serial, vga or both", factory=lambda: ["serial", "vga"])
    entries: list[Entry] = key("more lines, for instance one for recovery", factory=list)


@dataclass(kw_only=True)
class Data(Node):
    """A partition behind those that boot, for what dom0 keeps."""

    size: Size = key("size of the partition")
    label: str = key("its name in the partition table, and of the file system", default="data")
    format: str = key("file system that it has from the start", default="fat", choices=("fat", "none"))


@dataclass(kw_only=True)
class Slots(Node):
    """Two copies of the bundle, A and B. After `tries` starts that no dom0 called good the other one is started."""

    tries: int = key("starts of a slot without success before the other one has its turn", default=3)


@dataclass(kw_only=True)
class Sign(Node):
    """A key that UEFI Secure Boot trusts. It is read where it lies and never copied."""

    key_: Path = key("RSA key without a password, in PEM")
    certificate: InputFile = key("its X.509 certificate, in PEM")


@dataclass(kw_only=True)
class Signing(Node):
    """An OpenPGP key that signs SHA256SUMS after every build. It is read when something is signed, and never copied."""

    key_: Path | None = key("file with the secret key, which only its owner can read", default=None)
    variable: str | None = key(
        "environment variable that holds the secret key itself", default=None, pattern=r"[A-Za-z_][A-Za-z0-9_]*"
    )
    password_file: Path | None = key("file with the key's password; it is asked for otherwise", default=None)


@dataclass(kw_only=True)
class Image(Node):
    name: str = key("file name of the result, without suffix", pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
    medium: str = key("form of delivery", default="bundle")
    firmware: str | None = key("firmware that must start it; any that the medium supports otherwise", default=None)
    label: str | None = key("name of the volume; the declaration's name otherwise, as far as it fits", default=None)
    menu: Menu = key("the boot menu", factory=Menu)
    data: Data | None = key("a partition for data", default=None)
    slots: Slots | None = key("two copies with a fallback from one to the other", default=None)
    sign: Sign | None = key("signature for UEFI Secure Boot, or that U-Boot verifies", default=None)
    card: str | None = key("board that U-Boot starts (recipes/cards/); QEMU's otherwise", default=None)
    start: str | None = key(
        "how U-Boot starts the machine; the best way that the board knows otherwise",
        default=None,
        choices=("fit", "script", "extlinux"),
    )
