"""`domains:` of the declaration: a guest with its disks, networks and the way it is started."""

from __future__ import annotations

from dataclasses import dataclass

from xenbuild.spec.block import InputFile, Node, Setting, Size, key
from xenbuild.spec.dom0 import File
from xenbuild.spec.dom0less import Dom0less
from xenbuild.spec.hypervisor import CPUS

ARCHITECTURES = ("x86_64", "arm64", "armv7", "ia32")
PCI_DEVICE = r"([0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"


@dataclass(kw_only=True)
class Disk(Node):
    """One of `file`, `path`, `filesystem` and `size` alone says what is on it."""

    name: str | None = key(
        "device in the guest; otherwise the first of xvda, xvdb, … that is free",
        default=None,
        pattern=r"(xvd|hd|sd)[a-z]{1,2}\d{0,2}",
    )
    file: InputFile | None = key("a disk image, which becomes part of the build", default=None)
    path: str | None = key(
        "what dom0 has: a partition, an LVM volume, an image file", default=None, pattern=r"/[^\0,]*[^/\0,]"
    )
    filesystem: str | None = key(
        "made by the build from `packages` and `files`; erofs is for reading only",
        default=None,
        choices=("ext4", "erofs"),
    )
    packages: list[str] = key(
        "packages in the file system, with their dependencies; unpacked, no script runs", factory=list
    )
    files: list[File] = key("files in the file system", factory=list)
    size: Size | None = key(
        "size of the file system, otherwise what it holds and some room; alone: an empty disk that dom0 makes",
        default=None,
    )
    format: str = key("format of a disk image", default="raw", choices=("raw", "qcow2", "vhd"))
    root: bool = key(
        "holds the guest's root file system: its /sbin/init is started, busybox's if it has none", default=False
    )
    readonly: bool = key("the guest cannot write it", default=False)
    cdrom: bool = key("an emulated CD drive of an hvm guest", default=False)
    options: list[str] = key("more words of xl-disk-configuration(5)", factory=list)


@dataclass(kw_only=True)
class Network(Node):
    bridge: str | None = key("bridge that it joins; dom0's otherwise", default=None, pattern=r"[a-z][a-z0-9.-]{0,14}")
    mac: str | None = key(
        "hardware address; derived from the names of machine and guest otherwise",
        default=None,
        pattern=r"([0-9a-f]{2}:){5}[0-9a-f]{2}",
    )
    model: str | None = key("card that is emulated for an hvm guest", default=None)
    address: str | None = key("the guest's own address on it, with prefix length (minimal guests)", default=None)
    gateway: str | None = key("the guest's default route (minimal guests)", default=None)
    options: list[str] = key("more words of xl-network-configuration(5)", factory=list)


@dataclass(kw_only=True)
class Framebuffer(Node):
    """A PV framebuffer with keyboard and mouse, or the graphics card of an hvm guest, shown by VNC."""

    listen: str = key("dom0's address on which VNC listens", default="127.0.0.1")
    display: int | None = key(
        "number of the VNC display (port 5900 + this); the first that is free otherwise", default=None
    )
    keymap: str = key("keyboard layout", default="en-us")


@dataclass(kw_only=True)
class Domain(Node):
    """A guest, by the name under which dom0 knows it."""

    type: str = key("kind of guest", choices=("pv", "pvh", "hvm"))
    arch: str | None = key(
        "architecture of the guest, the target's otherwise; on x86_64 also ia32, with a kernel of its own",
        default=None,
        choices=ARCHITECTURES,
    )
    boot: str = key(
        "what is started: the kernel, GRUB as the first disk's boot/grub/grub.cfg says, or an hvm disk by firmware",
        default="kernel",
        choices=("kernel", "grub", "firmware"),
    )
    kernel: InputFile | None = key("kernel or unikernel; the release's Linux otherwise", default=None)
    initramfs: InputFile | None = key(
        "initramfs; a minimal one is made for the release's Linux otherwise", default=None
    )
    cmdline: list[str] = key("words for its command line", factory=list)
    memory: Size = key("its memory", default=Size(128 << 20))
    max_memory: Size | None = key("memory that it may grow to; the same as `memory` otherwise", default=None)
    vcpus: int = key("its virtual CPUs", default=1)
    max_vcpus: int | None = key("virtual CPUs that it may grow to", default=None)
    cpus: str | None = key("host CPUs that it may run on, such as 0-1, 2,3 or node:1", default=None, pattern=CPUS)
    weight: int | None = key("share of the host CPUs, 256 is usual", default=None)
    cap: int | None = key("most of the host CPUs that it may use, in percent of one; 0 is no limit", default=None)
    cpupool: str | None = key("cpupool that it runs in, one of hypervisor.cpupools or Pool-0", default=None)
    drivers: list[str] = key("driver sets that its kernel must have", factory=lambda: ["frontends"])
    modules: list[str] = key("more kernel modules by name", factory=list)
    packages: list[str] = key(
        "packages in its initramfs, with their dependencies; unpacked, no script runs", factory=list
    )
    files: list[File] = key("files in its initramfs", factory=list)
    command: str | None = key("shell command that its init starts; a shell on its console otherwise", default=None)
    disks: list[Disk] = key("its disks", factory=list)
    networks: list[Network] = key("its network interfaces", factory=list)
    framebuffer: Framebuffer | None = key("a screen with keyboard", default=None)
    pci: list[str] = key(
        "PCI devices of the machine that it gets; they are kept from dom0's drivers (x86, pv and hvm)",
        factory=list,
        pattern=PCI_DEVICE,
    )
    start: str = key("who starts it", default="toolstack", choices=("toolstack", "dom0less"))
    dom0less: Dom0less = key("more about a guest that Xen starts", factory=Dom0less)
    autostart: bool = key("started by dom0's init", default=True)
    after: list[str] = key("guests that must have been started before", factory=list)
    restart: str = key(
        "when dom0 starts it again: never, after a crash, or always; a reboot is always followed",
        default="never",
        choices=("never", "on-crash", "always"),
    )
    on_shutdown: str = key(
        "what happens to it when the host stops", default="shutdown", choices=("shutdown", "save", "destroy")
    )
    settings: dict[str, Setting] = key("anything else of xl.cfg(5), written as it is", factory=dict)
