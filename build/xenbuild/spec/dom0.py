"""`dom0:` of the declaration: the control domain, and the files that it and guests hold."""

from __future__ import annotations

from dataclasses import dataclass

from xenbuild.spec.block import InputFile, Mode, Node, Percent, Size, key
from xenbuild.spec.hypervisor import CPUS


@dataclass(kw_only=True)
class File(Node):
    path: str = key("absolute path inside dom0", pattern=r"/[^\0]*[^/\0]")
    content: str | None = key("the file's text", default=None)
    source: InputFile | None = key("a file to copy", default=None)
    symlink: str | None = key("makes a symbolic link to this", default=None)
    mode: Mode = key("permission bits", default=Mode(0o644))
    owner: str = key("numeric user:group", default="0:0", pattern=r"\d+:\d+")


@dataclass(kw_only=True)
class User(Node):
    name: str = key("login name", pattern=r"[a-z_][a-z0-9_-]{0,31}")
    password_hash: str = key("crypt(3) hash, as `openssl passwd -6` prints it; '!' locks the password", default="!")
    uid: int = key("user and group number; 0 is root", default=0)
    shell: str = key("login shell", default="/bin/sh")
    home: str | None = key("home directory; otherwise /root for uid 0 and /home/NAME for others", default=None)


@dataclass(kw_only=True)
class Bridge(Node):
    name: str = key(
        "name of the bridge that guests' interfaces join", default="xenbr0", pattern=r"[a-z][a-z0-9.-]{0,14}"
    )
    address: str | None = key("dom0's own address on it, with prefix length", default="10.9.0.1/24")
    ports: list[str] = key("physical interfaces that join it", factory=list)


@dataclass(kw_only=True)
class Dom0(Node):
    kind: str | None = key(
        "what runs in it: linux with the release's toolstack, or xenbuild's own unikernel, which starts pv guests only",
        default=None,
        choices=("linux", "unikernel"),
    )
    enabled: bool = key("false: there is no dom0, only guests that Xen starts (Arm)", default=True)
    type: str | None = key(
        "kind of domain that dom0 is on x86: pv, or pvh, which needs an IOMMU; pv otherwise",
        default=None,
        choices=("pv", "pvh"),
    )
    memory: Size = key("dom0's memory", default=Size(512 << 20))
    memory_share: Percent | None = key(
        "share of the memory that is free on dom0's nodes, where it is more than `memory` (x86)", default=None
    )
    max_memory: Size | None = key(
        "most memory, at the start and when `xl mem-set` gives it more; the same as `memory` otherwise (x86)",
        default=None,
    )
    balloon: bool = key("it gives memory up where a guest that starts finds too little", default=False)
    vcpus: int = key("dom0's virtual CPUs; 0 means as many as the machine has", default=1)
    pin: bool = key("each vcpu has the CPU of its number and no other", default=False)
    cpus: str | None = key("CPUs that its vcpus run on, such as 0-1", default=None, pattern=CPUS)
    nodes: list[int] = key("NUMA nodes that its memory and CPUs are of (x86)", factory=list)
    cmdline: list[str] = key("words for dom0's kernel command line", factory=list)
    hostname: str = key("dom0's host name", default="dom0", pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
    packages: list[str] = key("more packages with their dependencies; unpacked, no script runs", factory=list)
    files: list[File] = key("more files", factory=list)
    users: list[User] = key("users who may log in on the console; none gives a root shell there", factory=list)
    bridge: Bridge | None = key("network bridge for the guests", factory=Bridge)
    drivers: list[str] = key("driver sets (pv-drivers/) that dom0 must have", factory=lambda: ["dom0-base", "backends"])
    modules: list[str] = key("more kernel modules by name", factory=list)
    state: str | None = key(
        "a disk or partition of the machine, such as /dev/vda1, on which saved guests outlive a restart; an ext4 file "
        "system is made on it if it is blank (x86)",
        default=None,
        pattern=r"/dev/[a-zA-Z0-9/._-]+",
    )
    kernel: InputFile | None = key("your own dom0 kernel instead of the release's", default=None)
    initramfs: InputFile | None = key("your own initramfs (only with `kernel`)", default=None)
