"""Other builders of images, each with a configuration that makes a comparable machine: Debian's Xen and a dom0.

What they make is larger (a whole Debian as root file system), as that is what they are for. Both sides begin with
nothing and download, since not every peer can keep packages.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import Cost, Row, Terms, Unavailable, alternate, spend
from workshop import Workshop

PACKAGES = ("linux-image-amd64", "xen-hypervisor-4.17-amd64", "xen-utils-4.17", "xenstore-utils", "busybox-static")

# mkosi.conf(5): an initramfs is what comes nearest to our dom0.
MKOSI = f"""
[Distribution]
Distribution=debian
Release=bookworm

[Output]
Format=cpio

[Content]
Packages={",".join(PACKAGES)}
WithDocs=yes
"""

# vmdb2(1): a disk that boots by BIOS.
VMDB2 = f"""
steps:
  - mkimg: "{{{{ output }}}}"
    size: 3G
  - mklabel: msdos
    device: "{{{{ output }}}}"
  - mkpart: primary
    device: "{{{{ output }}}}"
    start: 1M
    end: 100%
    tag: root
  - kpartx: "{{{{ output }}}}"
  - mkfs: ext4
    partition: root
  - mount: root
  - debootstrap: bookworm
    variant: minbase
    mirror: http://deb.debian.org/debian
    target: root
  - apt: install
    packages: [{", ".join(PACKAGES)}, grub-pc-bin]
    tag: root
  - grub: bios
    tag: root
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A program with its configuration; both are run in an empty folder."""

    program: str
    file: str
    text: str
    words: tuple[str, ...]
    needs: tuple[str, ...]


PEERS = (
    Peer("mkosi", "mkosi.conf", MKOSI, ("--output=image", "build"), ("debootstrap", "cpio")),
    Peer(
        "vmdb2",
        "machine.vmdb",
        VMDB2,
        ("--output=image", "machine.vmdb"),
        ("debootstrap", "kpartx", "parted", "qemu-img"),
    ),
)


def peers(workshop: Workshop, terms: Terms) -> Iterator[Row]:
    """Rows of all peers that can run here; why another cannot is said by the last exception."""
    reasons = []
    for peer in PEERS:
        try:
            yield _row(peer, workshop, terms)
        except Unavailable as reason:
            reasons.append(str(reason))
    if reasons:
        raise Unavailable("; ".join(reasons))


def _row(peer: Peer, workshop: Workshop, terms: Terms) -> Row:
    if missing := [name for name in (peer.program, *peer.needs) if not shutil.which(name)]:
        raise Unavailable(f"no {' and no '.join(missing)} on this machine")
    if os.geteuid():
        raise Unavailable(f"{peer.program} needs root")
    folder, empty = workshop.folder / peer.program, workshop.folder / "empty"
    sizes: list[int] = []

    def theirs() -> Cost:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / peer.file).write_text(peer.text)
        cost = spend([peer.program, *peer.words], folder)
        sizes.append(sum(path.stat().st_blocks * 512 for path in folder.glob("image*") if path.is_file()))
        return cost

    def ours() -> Cost:
        shutil.rmtree(empty, ignore_errors=True)
        shutil.rmtree(workshop.checkout / "out", ignore_errors=True)
        return workshop.xenbuild("image", store=empty)

    floor, costs = alternate(1, theirs, ours)
    shutil.rmtree(folder, ignore_errors=True)
    made = sum(path.stat().st_size for path in Path(workshop.checkout / "out").glob("*/*.elf"))
    baseline = f"{peer.program} with downloads, {sizes[0] >> 20} MiB (ours: {made >> 20} MiB)"
    return terms.ratio(f"nothing, {peer.program}", costs, floor, 1.0, baseline)
