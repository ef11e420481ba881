"""`hypervisor:` of the declaration: what is started first, and how it shares the machine out."""

from __future__ import annotations

from dataclasses import dataclass

from xenbuild.spec.block import Duration, InputFile, Node, key
from xenbuild.spec.dom0less import RANGE

SCHEDULERS = ("credit", "credit2", "rtds", "null", "arinc653")
CPUS = r"(all|\^?(nodes?:)?\d{1,4}(-\d{1,4})?)(,\^?(nodes?:)?\d{1,4}(-\d{1,4})?)*"
"""A list of CPUs as xl reads it: numbers, ranges, all CPUs of NUMA nodes; ^ takes out (xl.cfg(5): cpus)."""


@dataclass(kw_only=True)
class Scheduler(Node):
    name: str | None = key(
        'scheduler of the CPUs that are in no cpupool ("null" in quotes); Xen\'s choice otherwise',
        default=None,
        choices=SCHEDULERS,
    )
    granularity: str | None = key(
        "what is given to one guest at a time: a thread, a core or a socket (x86)",
        default=None,
        choices=("cpu", "core", "socket"),
    )
    ratelimit: Duration | None = key(
        "least time that a vcpu runs before another may take its place; 0s is none (credit, credit2)", default=None
    )
    timeslice: Duration | None = key("time after which it is another vcpu's turn (credit)", default=None)
    runqueue: str | None = key(
        "CPUs that share a queue (credit2)", default=None, choices=("cpu", "core", "socket", "node", "all")
    )
    cap_period: Duration | None = key("time over which a guest's `cap` is counted (credit2)", default=None)


@dataclass(kw_only=True)
class Cpupool(Node):
    cpus: str = key("its CPUs, such as 2-3 or 4,6", pattern=CPUS)
    scheduler: str | None = key(
        'its scheduler ("null" in quotes); that of the other CPUs otherwise', default=None, choices=SCHEDULERS
    )


@dataclass(kw_only=True)
class Microcode(Node):
    packages: list[str] = key(
        "packages that hold it: amd64-microcode, intel-microcode", factory=list, pattern=r"[a-z0-9][a-z0-9+.-]+"
    )
    files: list[InputFile] = key("files as AMD and Intel give them out", factory=list)


@dataclass(kw_only=True)
class Hypervisor(Node):
    cmdline: list[str] = key("words for the hypervisor's command line", factory=list)
    file: InputFile | None = key("your own hypervisor binary instead of the recipe's package", default=None)
    scheduler: Scheduler = key("how guests share CPUs", factory=Scheduler)
    cpupools: dict[str, Cpupool] = key(
        "CPUs that only guests with `cpupool` of this name use, by name; made by dom0's init, or by Xen at boot where "
        "it starts one of these guests (Arm)",
        factory=dict,
    )
    static_heap: list[str] = key(
        'ranges of host memory from which Xen takes all that it gives out, "ADDRESS SIZE" in bytes (Arm)',
        factory=list,
        pattern=RANGE,
    )
    max_cpus: int | None = key("most CPUs of the machine that are used", default=None)
    numa: bool | None = key("whether memory and CPUs of one NUMA node are used together", default=None)
    cpufreq: str | None = key(
        "governor of the CPUs' clock; `dom0` leaves it to dom0's kernel, `off` to the firmware (x86)",
        default=None,
        choices=("ondemand", "performance", "powersave", "userspace", "dom0", "off"),
    )
    cpuidle: bool | None = key("whether idle CPUs sleep deeper than by HLT (x86)", default=None)
    max_cstate: int | None = key("deepest C-state of idle CPUs (x86)", default=None)
    microcode: Microcode | None = key("microcode that Xen loads into the CPUs at boot (x86)", default=None)
    xsm_policy: InputFile | None = key(
        "compiled FLASK policy, by which Xen decides what domains may do (a Xen with XSM)", default=None
    )
    xsm_mode: str | None = key(
        "whether what the policy forbids is refused or only told; enforcing otherwise",
        default=None,
        choices=("enforcing", "permissive"),
    )
