# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host document: all that an audit says of one host. Facts, snapshots and bug reports are made of it.

It must stay small (15 KB for 40 instances), so flavors, images and firewalls are written once and
referred to.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .base import Document, Record, since
from .compute_node import ComputeNode, Service
from .instance import ObservedInstance
from .network import Network
from .volume import Volume

# Figures of a compute node that differ from one reading to the next, though nobody has changed anything.
MEASURED = ("updated_at", "disk_available_least", "metrics")
# What many instances of a host have in common, by the name of a spec's field and an s.
TABLES = ("flavors", "images", "firewalls")


@dataclass(frozen=True)
class ForeignDomain(Record):
    """A domain that is not ours: counted, never touched."""

    uuid: str
    name: str
    power_state: str
    vcpus: int = 0
    memory_mb: int = 0
    disk_gb: int = 0


@dataclass(frozen=True)
class LostInstance(Record):
    """An instance that this host had and that nobody told us to delete; its root disk may still be there."""

    uuid: str
    name: str
    fleet: str = "default"
    project_id: str = "default"
    has_disk: bool = False


@dataclass(frozen=True)
class InstanceInProgress(Record):
    """An instance that is being worked on at this moment, or that a controller's `run` has claimed room for."""

    uuid: str
    name: str
    operation: str
    run: str = ""


@dataclass(frozen=True)
class HostReport(Document):
    """What `compute_node_facts` returns.

    `generation` counts the changes we made to the host's instances, `epoch` the names that it has reserved for runs;
    `runs` are those that hold names or room on it. `remembers` is the state of the fleet that the host was told last.
    As long as the host has the same `fingerprint` (`compute.fingerprint`), reading it anew gives the same document;
    that changes with things no plan depends on too, such as a guest's address. For plans there is `digest`.
    `reclaim_instance_interval` is the host's option: for how many seconds it keeps what is deleted. `volumes` are all
    that lie on the host, attached or not; `networks` are those that Novella has defined there.

    Version history:
        1.1  epoch, runs, remembers, fingerprint, reclaim_instance_interval; Service.maintenance and .updated_at;
             ComputeNode.fixed_allocation_ratios and .instance_overhead_memory_mb
        1.2  records of version 1.2
        1.3  volumes, records of version 1.3
        1.4  networks, ObservedInstance.drift, records of version 1.4
    """

    KIND: ClassVar[str] = "host"
    VERSION: ClassVar[str] = "1.4"

    compute_node: ComputeNode
    service: Service = field(default_factory=Service)
    generation: int = 0
    instances: list[ObservedInstance] = field(default_factory=list)
    foreign: list[ForeignDomain] = field(default_factory=list)
    lost: list[LostInstance] = field(default_factory=list)
    in_progress: list[InstanceInProgress] = field(default_factory=list)
    epoch: int = field(default=0, metadata=since("1.1"))
    remembers: str = field(default="", metadata=since("1.1"))
    runs: list[str] = field(default_factory=list, metadata=since("1.1"))
    fingerprint: Optional[str] = field(default=None, metadata=since("1.1"))
    reclaim_instance_interval: int = field(default=0, metadata=since("1.1"))
    volumes: list[Volume] = field(default_factory=list, metadata=since("1.3"))
    networks: list[Network] = field(default_factory=list, metadata=since("1.4"))
    unknown_keys: dict[str, Any] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return self.compute_node.host

    def digest(self) -> str:
        """Return a digest of what a plan depends on: the compute node, its service, and each domain with its states.

        An instance's generation stands for its record. What is measured anew each time does not count.
        """
        node = {key: value for key, value in vars(self.compute_node).items() if key not in MEASURED}
        content = [
            [node, self.service, self.reclaim_instance_interval],
            sorted(
                [seen.instance.uuid, seen.power_state, seen.instance.vm_state, seen.instance.generation]
                + [list(vars(item).values()) for item in seen.drift]
                for seen in self.instances
            ),
            sorted([domain.uuid, domain.vcpus, domain.memory_mb, domain.disk_gb] for domain in self.foreign),
            sorted(lost.uuid for lost in self.lost),
            sorted(busy.uuid for busy in self.in_progress),
            sorted([volume.uuid, volume.size_gb] for volume in self.volumes),
            sorted(json.dumps(network.as_document(), sort_keys=True) for network in self.networks),
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=vars).encode()).hexdigest()[:16]

    def as_document(self, sparse: bool = True, version_cap: Optional[str] = None) -> dict[str, Any]:
        document = super().as_document(sparse, version_cap)
        for table in TABLES:
            _refer(document, table)
        return document

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "") -> "HostReport":
        content = dict(data)
        for table in TABLES:
            content = _resolve(content, table)
        return super().from_dict(content, where)


def _refer(document: dict[str, Any], table: str) -> None:
    seen: list[Any] = []
    for item in document.get("instances", []):
        spec = item["instance"]["spec"]
        key = table[:-1]
        if isinstance(spec.get(key), dict):
            if spec[key] not in seen:
                seen.append(spec[key])
            spec[key] = seen.index(spec[key])
    if seen:
        document[table] = seen


def _resolve(content: dict[str, Any], table: str) -> dict[str, Any]:
    if table not in content:
        return content
    entries = content[table]
    instances = []
    for item in content.get("instances", []):
        spec = dict(item["instance"]["spec"])
        key = table[:-1]
        if isinstance(spec.get(key), int):
            spec[key] = entries[spec[key]]
        instances.append({**item, "instance": {**item["instance"], "spec": spec}})
    return {**{key: value for key, value in content.items() if key != table}, "instances": instances}
