"""From the declaration to what the composing action is told of guests that Xen starts (compose/dom0less.py)."""

from __future__ import annotations

from collections.abc import Sequence

from xenbuild.compose.dom0less import Booted, Partition
from xenbuild.parts.guest import Guest
from xenbuild.plan.action import Input
from xenbuild.spec.dom0less import ranges
from xenbuild.spec.domain import Domain
from xenbuild.spec.host import POOL_0
from xenbuild.spec.model import Declaration
from xenbuild.spec.partition import boot_pools, needs
from xenbuild.spec.recipe import HypervisorRecipe, load_recipe


def planned(declaration: Declaration, guests: Sequence[Guest]) -> tuple[Partition, dict[str, Input]]:
    """What Xen starts and sets apart, and the inputs of the composing action that hold the guests' modules."""
    booted, inputs = [], {}
    for guest in guests:
        if guest.domain.start != "dom0less":
            continue
        made = {"kernel": guest.kernel, "initramfs": guest.initramfs, "device_tree": guest.device_tree}
        inputs.update({f"{guest.name}:{role}": one for role, one in made.items() if one is not None})
        booted.append(_booted(guest.name, guest.domain))
    hypervisor = declaration.hypervisor
    recipe = load_recipe(HypervisorRecipe, declaration.target.hypervisor, declaration.folder)
    declared = hypervisor.cpupools
    pools = {
        name: {"cpus": cpus, "scheduler": declared[name].scheduler} for name, cpus in boot_pools(declaration).items()
    }
    asked = [(need.where, recipe.features[need.feature]) for need in needs(declaration)]
    for name, pool in pools.items():
        if pool["scheduler"]:
            where = f"hypervisor.cpupools.{name}.scheduler"
            asked.append((where, recipe.features[f"scheduler-{pool['scheduler']}"]))
    wanted = [{"where": where, "marker": feature.marker, "option": feature.option} for where, feature in asked]
    return Partition(booted, [list(one) for one in ranges(hypervisor.static_heap)], pools, wanted), inputs


def _booted(name: str, domain: Domain) -> Booted:
    more = domain.dom0less
    shared = [
        {"id": one.id, "address": int(one.address, 0), "size": int(one.size), "role": one.role,
         "host_address": None if one.host_address is None else int(one.host_address, 0)}
        for one in more.shared_memory
    ]  # fmt: skip
    channels = [{"port": one.port, "to": one.to, "to_port": one.to_port} for one in more.event_channels]
    pool = None if domain.cpupool == POOL_0 else domain.cpupool
    return Booted(
        name, int(domain.memory), domain.vcpus, " ".join(domain.cmdline), more.enhanced, more.vpl011,
        [list(one) for one in ranges(more.static_memory)], more.direct_map, domain.cpus, pool,
        more.nr_spis, more.max_grant_frames, more.max_maptrack_frames, shared, channels,
    )  # fmt: skip
