"""`tests:` of the declaration: what a boot must show, and on which machine."""

from __future__ import annotations

from dataclasses import dataclass

from xenbuild.spec.block import Duration, InputFile, Node, Percent, Size, key


@dataclass(kw_only=True)
class Color(Node):
    color: str = key("color of the screen, #rrggbb", pattern=r"#[0-9a-f]{6}")
    share: Percent = key("least part of the screen that has it")


@dataclass(kw_only=True)
class Shows(Node):
    """What a screen must show, `like` or `colors` or both; each channel of a color may be off by 8 of 255."""

    like: InputFile | None = key("PNG or PPM picture of the same size that it must look like", default=None)
    difference: Percent = key("most of the pixels that may differ from `like`", default=Percent(0))
    colors: list[Color] = key("colors that it must hold", factory=list)


@dataclass(kw_only=True)
class Step(Node):
    """One of `run`, `expect`, `send`, `screenshot` and `machine`; `run` can have `expect` beside it."""

    guest: str | None = key(
        "guest that `run`, `expect`, `send` or `screenshot` is about; otherwise dom0 and the machine", default=None
    )
    expect: str | None = key(
        "regular expression that the console must print; with `run`, what the command prints", default=None
    )
    run: str | None = key("shell command typed into the console; its output and exit status are judged", default=None)
    status: int = key("exit status that `run` must have", default=0)
    retry: bool = key("`run` is tried again until it is as stated or the deadline has come", default=False)
    send: str | None = key("text typed into the console as it is", default=None)
    screenshot: str | None = key(
        "picture of the screen, kept beside the console's log as TEST.NAME.png",
        default=None,
        pattern=r"[A-Za-z0-9][A-Za-z0-9_-]*\.png",
    )
    shows: Shows | None = key("what the screen must show before the deadline", default=None)
    machine: str | None = key(
        "presses the power button, lets dom0 suspend the machine to memory or reboot it, wakes it, resets it, or waits "
        "until it has switched itself off",
        default=None,
        choices=("power-button", "suspend", "wake", "reboot", "reset", "switched-off"),
    )
    within: Duration | None = key("deadline of this step; the test's timeout otherwise", default=None)


@dataclass(kw_only=True)
class Drive(Node):
    """A disk of the machine, `file` or `size`; what is written to it is gone after the test."""

    file: InputFile | None = key("raw disk image", default=None)
    size: Size | None = key("size of an empty disk", default=None)
    device: str = key("QEMU's device model", default="virtio-blk-pci", pattern=r"[a-z][a-z0-9-]*")


@dataclass(kw_only=True)
class Machine(Node):
    """What `run` and `test` change about the board's machine (recipes/boards/)."""

    emulator: str | None = key(
        "qemu, or bochs: slower, and closer to real CPUs (segment limits, reserved bits); it has bundles on a PC only",
        default=None,
        choices=("qemu", "bochs"),
    )
    memory: Size | None = key("memory of the machine", default=None)
    cpus: int | None = key("processors of the machine", default=None)
    cpu: str | None = key(
        "QEMU's -cpu or Bochs's model, where the board's default does not fit", default=None, pattern=r"[^\s\"]+"
    )
    firmware: str | None = key(
        "firmware that starts the image; the image's own, or the first that its medium is made for, otherwise",
        default=None,
    )
    attach: str | None = key(
        "how the machine has the image: kernel, disk, usb, cdrom or esp; as its medium is mostly used otherwise",
        default=None,
    )
    enroll: InputFile | None = key(
        "certificate in PEM that uefi-secure trusts; that of the image's signature otherwise", default=None
    )
    drives: list[Drive] = key("disks of the machine", factory=list)
    arguments: list[str] = key("more QEMU arguments, verbatim", factory=list)


@dataclass(kw_only=True)
class Test(Node):
    __test__ = False  # for pytest, which takes every class of this name for its own

    name: str = key("name of the test", pattern=r"[a-z0-9][a-z0-9-]*")
    image: str | None = key("image that is booted; the first one otherwise", default=None)
    machine: Machine = key("changes to the board's machine", factory=Machine)
    timeout: Duration = key("deadline of the whole test", default=Duration(180))
    cmdline: list[str] = key("extra words on the boot loader's command line", factory=list)
    steps: list[Step] = key("what must happen, in order", factory=list)
    forbid: list[str] = key("regular expressions that must never appear on the machine's console", factory=list)
    forbid_in: dict[str, list[str]] = key(
        "the same for guests by name: what their consoles said while the machine was up", factory=dict
    )
