# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets and hosts to plan with, and a model that does what a plan says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.claims import usage_of
from ansible_collections.novella.compute.plugins.module_utils.compute.run_states import POWER_OF
from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import ComputeNode, Service, Usage
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import (
    ForeignDomain,
    HostReport,
    InstanceInProgress,
    LostInstance,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, ObservedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, Plan
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.expansion import expand
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.fleet import Fleet
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation
from ansible_collections.novella.compute.plugins.plugin_utils.planner.planner import make_plan

WHEN = "2026-11-21T10:00:00.000000Z"


def make_fleet(**sections: object) -> Fleet:
    basis = {
        "version": "1.0",
        "flavors": {
            "small": {"vcpus": 1, "memory_mb": 512, "root_gb": 5},
            "large": {"vcpus": 2, "memory_mb": 2048, "root_gb": 10},
            "huge": {"vcpus": 64, "memory_mb": 65536, "root_gb": 10},
        },
        "images": {"debian": {"source": "/srv/images/debian.qcow2"}},
        "networks": {"front": {"bridge": "br0"}, "back": {"bridge": "br1"}},
    }
    return load_fleet({**basis, **sections})


def web(**keys: object) -> dict[str, object]:
    return {"flavor": "small", "image": "debian", **keys}


def find(fleet: Fleet, name: str) -> WantedInstance:
    return next(item for item in expand(fleet) if item.spec.name == name)


def observed(wanted: WantedInstance, power: str = "running", **record: object) -> ObservedInstance:
    vm_state = "active" if wanted.vm_state == "any" else wanted.vm_state
    instance = Instance(wanted.uuid, wanted.spec, **{"vm_state": vm_state, **record})
    return ObservedInstance(instance, power, ["192.0.2.7"] if power == "running" else [])


def report(
    host: str,
    instances: Iterable[ObservedInstance] = (),
    *,
    foreign: Iterable[ForeignDomain] = (),
    lost: Iterable[LostInstance] = (),
    busy: Iterable[InstanceInProgress] = (),
    memory_mb: int = 4608,
    generation: int = 1,
    disabled: bool = False,
) -> HostReport:
    instances, foreign = list(instances), list(foreign)
    used = Usage(0, 512, 0)
    for seen in instances:
        used = used.plus(usage_of(seen.instance.spec))
    for domain in foreign:
        used = used.plus(Usage(domain.vcpus, domain.memory_mb, domain.disk_gb))
    node = ComputeNode(
        uuid=f"node-{host}",
        host=host,
        hypervisor_hostname=host,
        vcpus=8,
        memory_mb=memory_mb,
        local_gb=200,
        vcpus_used=used.vcpus,
        memory_mb_used=used.memory_mb,
        local_gb_used=used.disk_gb,
    )
    return HostReport(node, Service(disabled), generation, instances, foreign, list(lost), list(busy))


def observation(*reports: HostReport, **unreachable: str) -> Observation:
    return Observation({item.host: item for item in reports}, unreachable)


def plan_for(fleet: Fleet, seen: Observation, **options: object) -> Plan:
    return make_plan(fleet, seen, created_at=WHEN, **options)


def carry_out(fleet: Fleet, seen: Observation, plan: Plan) -> Observation:
    """Do in a model what the hosts would do, and return what a new audit would see."""
    hosts = {host: {item.instance.uuid: item for item in old.instances} for host, old in seen.reports.items()}
    lost = {host: {item.uuid: item for item in old.lost} for host, old in seen.reports.items()}
    for action in plan.actions:
        _DO[action.operation](hosts[action.host], action)
        lost[action.host].pop(action.uuid, None)
    reports = {
        host: report(
            host,
            hosts[host].values(),
            foreign=old.foreign,
            lost=lost[host].values(),
            memory_mb=old.compute_node.memory_mb,
            generation=old.generation + 1,
        ).but(reclaim_instance_interval=old.reclaim_instance_interval)
        for host, old in seen.reports.items()
    }
    return Observation(reports, seen.unreachable)


def _create(instances: dict[str, ObservedInstance], action: Action) -> None:
    instances[action.uuid] = ObservedInstance(
        Instance(action.uuid, action.spec, vm_state=action.vm_state, host=action.host, locked=action.locked),
        POWER_OF[action.vm_state],
    )


def _set(power: str, vm_state: str) -> Callable[[dict[str, ObservedInstance], Action], None]:
    def change(instances: dict[str, ObservedInstance], action: Action) -> None:
        old = instances[action.uuid].instance
        instances[action.uuid] = ObservedInstance(old.but(vm_state=vm_state, task_state=None), power)

    return change


def _update(instances: dict[str, ObservedInstance], action: Action) -> None:
    old = instances[action.uuid]
    record = old.instance.but(
        spec=action.spec or old.instance.spec, vm_state=action.vm_state or old.instance.vm_state, task_state=None
    )
    instances[action.uuid] = ObservedInstance(record, old.power_state)


def _rebuild(instances: dict[str, ObservedInstance], action: Action) -> None:
    old = instances[action.uuid].instance
    vm_state = "stopped" if old.vm_state == "stopped" else "active"
    instances[action.uuid] = ObservedInstance(old.but(spec=action.spec, vm_state=vm_state), POWER_OF[vm_state])


def _restore(instances: dict[str, ObservedInstance], action: Action) -> None:
    old = instances[action.uuid].instance
    power = "running" if action.vm_state == "active" else "shutdown"
    instances[action.uuid] = ObservedInstance(old.but(vm_state=action.vm_state), power)


def _lock(is_locked: bool) -> Callable[[dict[str, ObservedInstance], Action], None]:
    def change(instances: dict[str, ObservedInstance], action: Action) -> None:
        old = instances[action.uuid]
        instances[action.uuid] = ObservedInstance(old.instance.but(locked=is_locked), old.power_state)

    return change


def _delete(instances: dict[str, ObservedInstance], action: Action) -> None:
    del instances[action.uuid]


_DO = {
    "create": _create,
    "start": _set("running", "active"),
    "stop": _set("shutdown", "stopped"),
    "pause": _set("paused", "paused"),
    "unpause": _set("running", "active"),
    "suspend": _set("suspended", "suspended"),
    "resume": _set("running", "active"),
    "shelve": _set("shutdown", "shelved"),
    "unshelve": _set("running", "active"),
    "update": _update,
    "rebuild": _rebuild,
    "reconfigure": _update,
    "lock": _lock(True),
    "unlock": _lock(False),
    "soft_delete": _set("shutdown", "soft-delete"),
    "restore": _restore,
    "delete": _delete,
}


@pytest.fixture
def kit() -> SimpleNamespace:
    """Return the builders: tests folders are no packages, so they cannot be imported."""
    return SimpleNamespace(
        fleet=make_fleet,
        web=web,
        find=find,
        observed=observed,
        report=report,
        observation=observation,
        plan=plan_for,
        carry_out=carry_out,
        when=WHEN,
    )
