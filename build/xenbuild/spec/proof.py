"""`tests:` of the declaration: what a boot must show, and on which machine."""

from __future__ import annotations

from dataclasses import dataclass

from xenbuild.spec.block import Duration, Node, Size, key


@dataclass(kw_only=True)
class Step(Node):
    """One step of a test: `run` (with or without `expect`), `expect` alone, or `send`."""

    expect: str | None = key(
        "regular expression that the console must print; with `run`, what the command prints", default=None
    )
    run: str | None = key(
        "shell command typed into dom0's console; its output and exit status are judged", default=None
    )
    status: int = key("exit status that `run` must have", default=0)
    send: str | None = key("text typed into the console as it is", default=None)
    within: Duration | None = key("deadline of this step; the test's timeout otherwise", default=None)


@dataclass(kw_only=True)
class Machine(Node):
    """What `run` and `test` change about the board's machine (recipes/boards/)."""

    memory: Size | None = key("memory of the machine", default=None)
    cpus: int | None = key("processors of the machine", default=None)
    cpu: str | None = key("QEMU's -cpu, where the board's default does not fit", default=None)
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
    forbid: list[str] = key("regular expressions that must never appear", factory=list)
