# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where volumes are. They do not move by themselves, so an instance lives where its volumes are.

Those in shared pools are on every host, and bind no instance.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from ansible_collections.novella.compute.plugins.module_utils.compute.verdict import Verdict
from ansible_collections.novella.compute.plugins.module_utils.compute.volume_changes import ATTACH
from ansible_collections.novella.compute.plugins.module_utils.compute.wanted import WantedInstance
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import volume_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action, FieldChange, Finding
from ansible_collections.novella.compute.plugins.module_utils.objects.pool import StoragePool, is_one_place
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import Volume, VolumeRequest

from ..fleet.fleet import Fleet
from .observation import Observation
from .silence import where_it_may_be
from .survey import join

# What a user consents to.
DELETE_VOLUME = "delete_volume"


@dataclass(frozen=True)
class Home:
    """Where an instance must live for its volumes: on `host`, or anywhere where that is None, or nowhere (`reason`)."""

    host: str | None = None
    reason: str | None = None


@dataclass
class VolumeSurvey:
    """All that the reports say of volumes.

    Args:
        observation: The reports.
    """

    observation: Observation
    hosts: dict[str, list[str]] = field(default_factory=dict)
    # Of shared volumes that no file says the owner of: the instances that have one, as their names and hosts.
    holders: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    # Of every volume: the pools that it lies in, None for a host's own directory, each with a host that says so.
    pools: dict[str, list[tuple[StoragePool | None, str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for host, report in self.observation.reports.items():
            for volume in report.volumes:
                self.pools.setdefault(volume.uuid, []).append((volume.pool, host))
                if not volume.is_shared:
                    self.hosts.setdefault(volume.uuid, []).append(host)
            for seen in report.instances:
                for request in seen.instance.spec.volumes:
                    self.pools.setdefault(request.uuid, []).append((request.pool, host))
                    if request.is_shared and not request.is_made:
                        self.holders.setdefault(request.uuid, []).append((seen.instance.spec.name, host))

    def find_home(self, wanted: WantedInstance, bound_to: str | None) -> Home:
        """Return where an instance that is on no host must be made.

        Args:
            bound_to: The host that it is bound to otherwise.
        """
        homes: dict[str, str] = {}
        for request in wanted.spec.volumes:
            obstacle = self._obstacle(request)
            if obstacle is not None:
                return Home(reason=f"{obstacle}; it is not created elsewhere")
            holder = self._holder(request, None)
            if holder is not None:
                return Home(reason=f"{holder}. Run again when that one has let go of it")
            for host in self.hosts.get(request.uuid, []):
                homes.setdefault(host, request.name)
        if len(homes) > 1:
            told = join([f"'{name}' on {host}" for host, name in homes.items()])
            return Home(reason=f"has its volumes on several hosts: {told}. Bring them together")
        home = next(iter(homes), bound_to)
        if home is not None and bound_to not in (None, home):
            return Home(reason=f"has its volume '{homes[home]}' on {home}, and is bound to {bound_to}")
        return Home(home)

    def keep_home(self, verdict: Verdict, host: str) -> None:
        """Take out of a verdict what would make an empty volume here while its data are elsewhere, or may be."""
        for action in list(verdict.actions):
            if action.operation != ATTACH or action.volume is None:
                continue
            reason = self._obstacle(action.volume)
            others = [other for other in self.hosts.get(action.volume.uuid, []) if other != host]
            if reason is None and others:
                reason = f"its volume '{action.volume.name}' is on {others[0]}, and the instance on {host}"
            holder = self._holder(action.volume, host)
            if reason is None and holder is not None:
                reason = f"{holder}. Run again when that one has let go of it"
            if reason is not None:
                verdict.actions.remove(action)
                verdict.findings.append(
                    Finding("unsupported", action.uuid, action.name, f"{reason}; it is not attached", host, fatal=True)
                )

    def find_undeclared(
        self, fleet: Fleet, wanted: Collection[WantedInstance], actions: Collection[Action]
    ) -> Iterator[tuple[str, Volume]]:
        """Yield the fleet's volumes that it does not declare and that no instance will have, each with its host."""
        declared = {volume_uuid(fleet.name, fleet.project_id, name) for name in fleet.volumes}
        declared |= {request.uuid for item in wanted for request in item.spec.volumes}
        leaving = {action.uuid for action in actions if action.operation == "delete"}
        freed = {action.volume.uuid for action in actions if action.operation == "detach_volume" and action.volume}
        held = {host: _held(report, leaving) - freed for host, report in self.observation.reports.items()}
        anywhere = set().union(*held.values())
        told: set[str] = set()
        for host, report in self.observation.reports.items():
            for volume in report.volumes:
                is_ours = (volume.fleet, volume.project_id) == (fleet.name, fleet.project_id)
                taken = anywhere if volume.is_shared else held[host]
                if not is_ours or volume.uuid in declared or volume.uuid in taken:
                    continue
                # Every host that knows the pool tells of it, and it is one volume.
                if not (volume.is_shared and volume.uuid in told):
                    told.add(volume.uuid)
                    yield host, volume

    def _holder(self, request: VolumeRequest, host: str | None) -> str | None:
        """Say which instance of another host has a shared volume that no file tells the owner of."""
        for name, where in self.holders.get(request.uuid, []):
            if where != host:
                return f"its volume '{request.name}' is attached to {name} on {where}"
        return None

    def _obstacle(self, request: VolumeRequest) -> str | None:
        for pool, host in self.pools.get(request.uuid, []):
            if not is_one_place(pool, request.pool):
                return (
                    f"its volume '{request.name}' is {_told(pool)} on {host}, and is declared {_told(request.pool)}: "
                    "a volume stays where its data are; swap_volume moves them to another one"
                )
        if request.is_shared:
            return None
        hosts = self.hosts.get(request.uuid, [])
        if len(hosts) > 1:
            return f"its volume '{request.name}' is on {join(hosts)} at once"
        where = None if hosts else where_it_may_be(request.uuid, self.observation)
        return None if where is None else f"its volume '{request.name}' {where}"


def _told(pool: StoragePool | None) -> str:
    """Say where a volume lies. Two pools of one name differ by their definition."""
    if pool is None:
        return "in the directory of its host"
    definition = ", ".join(f"{key} {value}" for key, value in pool.as_dict().items() if value and key != "name")
    return f"in the storage pool '{pool.name}' ({definition})"


def _held(report: HostReport, leaving: Collection[str]) -> set[str]:
    """Return the volumes that a host's instances have, or take along when they go."""
    held: set[str] = set()
    for seen in report.instances:
        goes = seen.instance.uuid in leaving
        held |= {item.uuid for item in seen.instance.spec.volumes if not goes or item.delete_on_termination}
    return held


def removal(host: str, volume: Volume) -> Action:
    """Return the action that deletes a volume."""
    change = FieldChange("size_gb", volume.size_gb, None)
    reason = "is a volume that is not in the fleet, and prune is on"
    return Action(DELETE_VOLUME, volume.uuid, volume.name, host, reason, impact="data lost", diff=[change])


def left_alone(host: str, volume: Volume) -> Finding:
    """Return what a plan says of a volume that it does not delete."""
    reason = (
        f"is a volume that is not in the fleet; prune: true with consent={DELETE_VOLUME} would delete it, and its data"
    )
    return Finding("undeclared", volume.uuid, volume.name, reason, host)
