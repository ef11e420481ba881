"""Rules of the host: how Xen and dom0 share the machine's CPUs and memory, and what leaves dom0.

They ask what the packages' Xen was built with, and what the board's machine has that tests boot on. A hypervisor of
the user's own may have anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xenbuild.errors import Position
from xenbuild.spec.block import Node
from xenbuild.spec.cpus import CPUS_MAX, format_cpus, parse_cpus
from xenbuild.spec.domain import Domain
from xenbuild.spec.keys import keys
from xenbuild.spec.machines import check_machines, check_room
from xenbuild.spec.model import Declaration
from xenbuild.spec.partition import boot_pools
from xenbuild.spec.problems import Problems, nearest
from xenbuild.spec.recipe import Board, HypervisorPackage, HypervisorRecipe, Release
from xenbuild.spec.scalars import format_duration, format_size, quote

POOL_0 = "Pool-0"  # dom0's, and that of all CPUs at first (xen/common/sched/cpupool.c)
XEN_OF_ALL = ("cmdline", "file")  # keys of `hypervisor:` that every hypervisor has
X86_ONLY = ("cpufreq", "cpuidle", "max_cstate", "microcode")
# Parameter -> the schedulers that have it (xen, docs/misc/xen-command-line.pandoc), least and most in seconds.
PARAMETERS: dict[str, tuple[tuple[str, ...], float, float]] = {
    "ratelimit": (("credit", "credit2"), 0.0001, 0.5),
    "timeslice": (("credit",), 0.001, 1.0),
    "runqueue": (("credit2",), 0, 0),
    "cap_period": (("credit2",), 0.001, 1.0),
}
WEIGHED = ("credit", "credit2")


def check_host(
    made: Declaration, release: Release, hypervisor: HypervisorRecipe, board: Board, problems: Problems
) -> None:
    """All of it, for a declaration whose blocks are right by themselves."""
    check_room(made, board, hypervisor.memory, problems)
    if made.target.hypervisor != "xen":
        _check_foreign(made, problems)
        return
    package = HypervisorPackage(roots=[], file="")  # one that may have anything
    if made.hypervisor.file is None and made.target.arch in release.architectures:
        package = release.architectures[made.target.arch].hypervisor
    _check_kept_to_x86(made, problems)
    _check_schedulers(made, package, problems)
    _check_security(made, package, problems)
    pools = _pools(made, package, problems)
    _check_dom0(made, pools, problems)
    for name, domain in made.domains.items():
        _check_guest(made, name, domain, package, pools, problems)
        _check_devices(made, name, domain, problems)
    check_machines(made, package.cpus, board, _wanted(made, pools), pools, problems)


def _check_foreign(made: Declaration, problems: Problems) -> None:
    """What only Xen knows, declared for another hypervisor."""
    for name, spec in keys(type(made.hypervisor)).items():
        if name not in XEN_OF_ALL and getattr(made.hypervisor, spec.field) != spec.default:
            message = f"hypervisor.{name}: {made.target.hypervisor} has nothing of the kind"
            problems.add(made.hypervisor.at(name), message, "remove it, or use xen")


def _check_kept_to_x86(made: Declaration, problems: Problems) -> None:
    if made.target.arch == "x86_64":
        return
    xen, dom0 = made.hypervisor, made.dom0
    given: list[tuple[bool, Node, str, str]] = [
        (getattr(xen, key) is not None, xen, key, f"hypervisor.{key}") for key in X86_ONLY
    ]
    given += [
        (xen.scheduler.granularity is not None, xen.scheduler, "granularity", "hypervisor.scheduler.granularity"),
        (xen.numa is not None, xen, "numa", "hypervisor.numa"),
        (dom0.memory_share is not None, dom0, "memory_share", "dom0.memory_share"),
        (dom0.max_memory is not None, dom0, "max_memory", "dom0.max_memory"),
        (bool(dom0.nodes), dom0, "nodes", "dom0.nodes"),
    ]
    for broken, node, key, what in given:
        if broken:
            problems.add(node.at(key), f"{what}: Xen has it on x86 only", "remove it")


def _check_schedulers(made: Declaration, package: HypervisorPackage, problems: Problems) -> None:
    """Schedulers that the packages' Xen has, and parameters of those that are used."""
    declared = made.hypervisor.scheduler
    pools = made.hypervisor.cpupools
    named = [(declared.name, declared.at("name"), "hypervisor.scheduler.name")]
    named += [(p.scheduler, p.at("scheduler"), f"hypervisor.cpupools.{n}.scheduler") for n, p in pools.items()]
    for scheduler, at, what in named:
        if scheduler and package.schedulers and scheduler not in package.schedulers:
            has = " and ".join(sorted(package.schedulers))
            message = f"{what}: the packages' Xen is built without the scheduler {scheduler}"
            problems.add(at, message, f"it has {has}; for another one, bring a Xen by hypervisor.file")
    used = {_default_scheduler(made, package), *(pool.scheduler for pool in pools.values() if pool.scheduler)}
    for key, (owners, least, most) in PARAMETERS.items():
        value = getattr(declared, key)
        if value is None:
            continue
        what = f"hypervisor.scheduler.{key}"
        if not used & {*owners, ""}:
            message = f"{what}: the scheduler {', '.join(sorted(used))} has no such parameter"
            problems.add(declared.at(key), message, f"it is of {' and '.join(owners)}")
        elif most and not least <= value <= most and not (key == "ratelimit" and value == 0):
            message = f"{what}: {format_duration(value)} is out of range"
            advice = f"use {round(least * 1000, 1):g}ms to {format_duration(most)}"
            problems.add(declared.at(key), message, advice)
    for key, most in (("max_cpus", CPUS_MAX), ("max_cstate", 9)):
        value = getattr(made.hypervisor, key)
        least = int(key == "max_cpus")
        if value is not None and not least <= value <= most:
            message = f"hypervisor.{key}: {value} is out of range"
            problems.add(made.hypervisor.at(key), message, f"use {least} to {most}")


def _default_scheduler(made: Declaration, package: HypervisorPackage) -> str:
    """That of CPUs outside of pools; "" where a Xen of the user's own decides."""
    return made.hypervisor.scheduler.name or (package.schedulers[0] if package.schedulers else "")


def _check_security(made: Declaration, package: HypervisorPackage, problems: Problems) -> None:
    xen = made.hypervisor
    if xen.xsm_policy is not None and not package.xsm:
        message = "hypervisor.xsm_policy: the packages' Xen for x86 is built without XSM (CONFIG_XSM)"
        problems.add(xen.at("xsm_policy"), message, "bring a Xen with FLASK by hypervisor.file, or remove the policy")
    elif xen.xsm_policy is None and xen.xsm_mode is not None:
        problems.add(xen.at("xsm_mode"), "hypervisor.xsm_mode without xsm_policy", "name the policy, or remove it")
    if xen.microcode is not None and not xen.microcode.packages and not xen.microcode.files:
        problems.add(xen.at("microcode"), "hypervisor.microcode names neither packages nor files",
                     "write for example packages: [amd64-microcode, intel-microcode]")  # fmt: skip


Pools = Mapping[str, frozenset[int]]  # those whose CPUs do not depend on the machine


def _pools(made: Declaration, package: HypervisorPackage, problems: Problems) -> Pools:
    """The declared cpupools by name, each CPU in one of them at most."""
    found: dict[str, frozenset[int]] = {}
    owners: dict[int, str] = {}
    for name, pool in made.hypervisor.cpupools.items():
        what, at = f"hypervisor.cpupools.{name}", made.hypervisor.at(f"cpupools.{name}")
        if name.lower() == POOL_0.lower():
            problems.add(at, f"{what}: {POOL_0} is Xen's own", "give the cpupool another name")
        cpus = _cpus(pool, pool.cpus, what, problems)
        if cpus is None:
            continue
        found[name] = cpus
        taken = sorted(cpu for cpu in cpus if cpu in owners)
        if not cpus:
            problems.add(pool.at("cpus"), f"{what}: {quote(pool.cpus)} is no CPU at all", "name at least one")
        elif taken:
            message = f"{what}: CPU {taken[0]} is in cpupool {owners[taken[0]]} already"
            problems.add(pool.at("cpus"), message, "give each CPU to one cpupool")
        elif max(cpus) >= package.cpus:
            message = f"{what}: there is no CPU {max(cpus)}, Xen is built for {package.cpus} CPUs"
            problems.add(pool.at("cpus"), message, f"use 0 to {package.cpus - 1}")
        owners |= dict.fromkeys(cpus, name)
    ours = made.dom0.enabled and made.dom0.kernel is None
    if made.hypervisor.cpupools and not ours and not boot_pools(made):
        message = "hypervisor.cpupools: they are made by the init of our dom0, and there is none"
        problems.add(made.hypervisor.at("cpupools"), message, "remove them, or let xenbuild make dom0")
    if made.hypervisor.cpupools and _default_scheduler(made, package) == "credit":
        # csched_tick finds no data of its CPU when its timer ends while the CPU changes hands; seen in 4.17.
        message = "hypervisor.cpupools: Xen may panic when CPUs are taken from the scheduler credit"
        advice = "leave the scheduler of all CPUs at credit2, and write scheduler: credit in cpupools that want it"
        problems.add(made.hypervisor.at("cpupools"), message, advice)
    return found


def _cpus(node: Node, text: str | None, what: str, problems: Problems) -> frozenset[int] | None:
    """The CPUs of a key `cpus`; None if they depend on the machine, or are wrong."""
    try:
        return parse_cpus(text) if text is not None else None
    except ValueError as error:
        problems.add(node.at("cpus"), f"{what}: {error}", "write for example 0-3 or 1,3")
        return None


def _check_dom0(made: Declaration, pools: Pools, problems: Problems) -> None:
    dom0 = made.dom0
    pooled = frozenset().union(*pools.values())
    cpus = _cpus(dom0, dom0.cpus, "dom0.cpus", problems)
    if cpus is not None and not cpus:
        problems.add(dom0.at("cpus"), f"dom0.cpus: {quote(str(dom0.cpus))} is no CPU at all", "name at least one")
    elif cpus and (taken := cpus & pooled):
        message = f"dom0.cpus: CPU {min(taken)} is in a cpupool, and dom0 in {POOL_0}"
        problems.add(dom0.at("cpus"), message, "name CPUs that are in no cpupool")
    if dom0.pin and dom0.cpus is not None:
        problems.add(dom0.at("pin"), "dom0.pin beside dom0.cpus", "write one of them")
    if dom0.pin and (taken := pooled & frozenset(range(dom0.vcpus))):
        message = f"dom0.pin: dom0's vcpu {min(taken)} would need CPU {min(taken)}, which is in a cpupool"
        problems.add(dom0.at("pin"), message, "give cpupools the CPUs behind dom0's")
    if dom0.cpus is not None and (dom0.kernel is not None or not dom0.enabled):
        advice = "write pin: true, or remove it"
        problems.add(dom0.at("cpus"), "dom0.cpus is obeyed by the init of our dom0, and there is none", advice)
    if dom0.max_memory is not None and dom0.max_memory < dom0.memory:
        advice = f"at least {format_size(dom0.memory)}"
        problems.add(dom0.at("max_memory"), "dom0.max_memory is less than dom0.memory", advice)
    if dom0.memory_share is not None and (dom0.memory_share % 1 or not dom0.memory_share):
        message = f"dom0.memory_share: Xen takes no {dom0.memory_share:g}%"
        problems.add(dom0.at("memory_share"), message, "use whole percents, 1% to 100%")
    if any(not 0 <= node < 64 for node in dom0.nodes):
        problems.add(dom0.at("nodes"), "dom0.nodes: Xen knows nodes 0 to 63", "write for example [0]")


def _check_guest(
    made: Declaration, name: str, domain: Domain, package: HypervisorPackage, pools: Pools, problems: Problems
) -> None:
    """A guest's cpupool, and its CPUs inside it."""
    what = f"domains.{name}"
    declared = made.hypervisor.cpupools
    pool = domain.cpupool or POOL_0
    cpus = _cpus(domain, domain.cpus, f"{what}.cpus", problems)
    if pool not in declared and pool != POOL_0:
        advice = nearest(pool, declared, show="cpupools") or "declare it under hypervisor.cpupools"
        problems.add(domain.at("cpupool"), f"{what}: there is no cpupool {quote(pool)}", advice)
        return
    if cpus is not None and not cpus:
        problems.add(domain.at("cpus"), f"{what}.cpus: {quote(str(domain.cpus))} is no CPU at all", "name one")
    elif cpus is not None and pool in pools and not cpus <= pools[pool]:
        outside = format_cpus(cpus - pools[pool])
        message = f"{what}.cpus: {outside} is not in its cpupool {pool}, which has {format_cpus(pools[pool])}"
        problems.add(domain.at("cpus"), message, "choose among the cpupool's CPUs, or remove cpus")
    elif cpus is not None and pool == POOL_0:
        for other, taken in pools.items():
            if cpus & taken:
                message = f"{what}.cpus: {format_cpus(cpus & taken)} is in cpupool {other}, the guest is not"
                problems.add(domain.at("cpus"), message, f"write cpupool: {other}, or choose other CPUs")
    scheduler = (declared[pool].scheduler if pool in declared else None) or _default_scheduler(made, package)
    for key in ("weight", "cap"):
        if getattr(domain, key) is not None and scheduler and scheduler not in WEIGHED:
            message = f"{what}.{key}: the scheduler {scheduler} knows no {key}"
            problems.add(domain.at(key), message, f"{key} is of {' and '.join(WEIGHED)}")


def _check_devices(made: Declaration, name: str, domain: Domain, problems: Problems) -> None:
    """PCI devices of a guest on x86."""
    what = f"domains.{name}"
    if made.target.arch != "x86_64" or not domain.pci:
        return
    if domain.type == "pvh":
        message = f"{what}: Xen gives PCI devices to pv and hvm guests only"
        problems.add(domain.at("pci"), message, "write type: pv or type: hvm")
    if made.dom0.type == "pvh":
        message = f"{what}: a pvh dom0 cannot hand PCI devices on"
        problems.add(domain.at("pci"), message, "write type: pv in dom0")
    if domain.max_memory is not None and domain.max_memory != domain.memory:
        message = f"{what}: a guest with PCI devices has all of its memory from the start"
        problems.add(domain.at("max_memory"), message, "remove max_memory")


def _wanted(made: Declaration, pools: Pools) -> Iterator[tuple[str, frozenset[int], Position | None]]:
    """Which CPUs must be there for what the declaration says about them."""
    xen, dom0 = made.hypervisor, made.dom0
    for name, cpus in pools.items():
        yield f"cpupool {name}", cpus, xen.cpupools[name].at("cpus")
    quiet = Problems()
    users: list[tuple[str, Node, str | None]] = [("dom0", dom0, dom0.cpus)]
    users += [(f"guest {name}", one, one.cpus) for name, one in made.domains.items() if one.autostart]
    for what, node, text in users:
        yield what, _cpus(node, text, what, quiet) or frozenset(), node.at("cpus")
