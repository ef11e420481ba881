"""What the declaration says about the host, in the words of Xen's command line and of dom0's init.

Words: xen, docs/misc/xen-command-line.pandoc.
"""

from __future__ import annotations

from collections.abc import Iterator

from xenbuild.parts.xlconfig import literal
from xenbuild.spec.model import Declaration
from xenbuild.spec.partition import pool_numbers

_CPUFREQ = {"dom0": "dom0-kernel", "off": "none"}
PASSTHROUGH = "passthrough"  # driver sets (pv-drivers/sets/)
POWER = "power"
EXT4 = "ext4"


def xen_words(declaration: Declaration) -> Iterator[str]:
    """Words for the hypervisor's command line, but for those about dom0's memory and vcpus."""
    xen = declaration.hypervisor
    scheduler = xen.scheduler
    values: dict[str, object] = {
        "sched": scheduler.name,
        "sched-gran": scheduler.granularity,
        "sched_ratelimit_us": _scaled(scheduler.ratelimit, 1_000_000),
        "sched_credit_tslice_ms": _scaled(scheduler.timeslice, 1000),
        "credit2_runqueue": scheduler.runqueue,
        "credit2_cap_period_ms": _scaled(scheduler.cap_period, 1000),
        "maxcpus": xen.max_cpus,
        "numa": _switch(xen.numa),
        "cpufreq": xen.cpufreq and _CPUFREQ.get(xen.cpufreq, f"xen:{xen.cpufreq}"),
        "cpuidle": _switch(xen.cpuidle),
        "max_cstate": xen.max_cstate,
        "ucode": "scan" if xen.microcode else None,
    }
    if xen.xsm_policy is not None:
        values |= {"xsm": "flask", "flask": xen.xsm_mode or "enforcing"}
    return (f"{name}={value}" for name, value in values.items() if value is not None)


def dom0_words(declaration: Declaration) -> list[str]:
    """What the hypervisor's command line says about dom0."""
    dom0 = declaration.dom0
    if not dom0.enabled:
        return []
    words = [f"dom0_mem={_memory(declaration)}"]
    words += [f"dom0_max_vcpus={dom0.vcpus}"] if dom0.vcpus else []
    words += ["dom0_vcpus_pin"] if dom0.pin else []
    words += [f"dom0_nodes={','.join(map(str, dom0.nodes))}"] if dom0.nodes else []
    return [*words, *(["dom0=pvh"] if dom0.type == "pvh" else [])]


def _memory(declaration: Declaration) -> str:
    """Without a limit Xen would let dom0's kernel prepare for all of the machine's memory."""
    dom0 = declaration.dom0
    size = f"{dom0.memory >> 10}K"
    if declaration.target.arch != "x86_64":
        return size
    if dom0.memory_share is not None:
        limit = f",max:{dom0.max_memory >> 10}K" if dom0.max_memory else ""
        return f"{dom0.memory_share:g}%,min:{size}{limit}"
    return f"{size},max:{(dom0.max_memory or dom0.memory) >> 10}K"


def devices(declaration: Declaration) -> list[str]:
    """PCI devices that dom0's drivers must not have, as Linux names them."""
    if declaration.target.arch != "x86_64":
        return []
    given = [device for domain in declaration.domains.values() for device in domain.pci]
    return [device if device.count(":") == 2 else f"0000:{device}" for device in given]


def drivers(declaration: Declaration) -> list[str]:
    """dom0's driver sets. What hands devices on goes first, so that no driver takes them before."""
    own = declaration.dom0.drivers
    first = [PASSTHROUGH] if devices(declaration) and PASSTHROUGH not in own else []
    governed = declaration.hypervisor.cpufreq not in (None, *_CPUFREQ)
    last = [POWER] if governed and POWER not in own else []
    last += [EXT4] if declaration.dom0.state is not None and EXT4 not in own else []
    return [*first, *own, *last]


def settings(declaration: Declaration) -> dict[str, str]:
    """What dom0's init does for the host, as shell variables."""
    pools = {name: pool.cpus for name, pool in declaration.hypervisor.cpupools.items()}
    pools |= {name: f"@{number}" for name, number in pool_numbers(declaration).items()}  # those that Xen has made
    return {
        "POOLS": " ".join(f"{name}={cpus}" for name, cpus in pools.items()),
        "CPUS": declaration.dom0.cpus or "",
        "PCI": " ".join(devices(declaration)),
    }


def cpupools(declaration: Declaration) -> Iterator[tuple[str, str]]:
    """Files for `xl cpupool-create` (xlcpupool.cfg(5)): path and text."""
    for name, pool in declaration.hypervisor.cpupools.items():
        values = {"name": name, "cpus": pool.cpus, "sched": pool.scheduler or declaration.hypervisor.scheduler.name}
        lines = [f"{key} = {literal(value)}\n" for key, value in values.items() if value]
        yield f"etc/xen/cpupools/{name}.cfg", "".join(lines)


def _scaled(seconds: float | None, unit: int) -> int | None:
    return round(seconds * unit) if seconds is not None else None


def _switch(value: bool | None) -> str | None:
    return None if value is None else "on" if value else "off"
