# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the scheduler is asked, and what it answers."""

from dataclasses import dataclass, field
from typing import Any, Optional

from .base import Record, since
from .ingredients import Flavor, Image
from .numa import InstanceNUMATopology
from .pci import PciRequest


@dataclass(frozen=True)
class InstanceGroup(Record):
    """A server group at the moment of a request. `members` are instance uuids, `hosts` where they are now.

    `policy` is one of affinity, anti-affinity, soft-affinity, soft-anti-affinity, Nova's older legacy, and none for a
    group that only spreads. `spread_over` names what makes a failure domain, such as ``rack``: a label of the hosts or
    an aggregate metadata key; at most `max_per_domain` members share one.
    """

    name: str
    policy: str
    max_server_per_host: int = 1
    members: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    spread_over: Optional[str] = None
    max_per_domain: int = 1


@dataclass(frozen=True)
class Destination(Record):
    """A requested destination: the candidates are reduced to it before anything else; filters still run."""

    host: Optional[str] = None
    node: Optional[str] = None


@dataclass(frozen=True)
class RequestSpec(Record):
    """One placement request (Nova's RequestSpec, for one instance).

    `retry_hosts` are Nova's ``retry.hosts``: pairs of host and node where it was tried. `scheduler_hints` are Nova's:
    a value is a string or a list of strings. `where` is a list of predicates on the host (see docs/filters/where.md).
    `numa_topology` and `pci_requests` follow from flavor and image; the scheduler fills them in.
    """

    instance_uuid: str
    name: str
    flavor: Flavor
    image: Optional[Image] = None
    project_id: str = "default"
    availability_zone: Optional[str] = None
    instance_group: Optional[InstanceGroup] = None
    requested_destination: Optional[Destination] = None
    ignore_hosts: list[str] = field(default_factory=list)
    force_hosts: list[str] = field(default_factory=list)
    force_nodes: list[str] = field(default_factory=list)
    retry_hosts: list[list[str]] = field(default_factory=list)
    scheduler_hints: dict[str, Any] = field(default_factory=dict)
    where: list[dict[str, Any]] = field(default_factory=list)
    numa_topology: Optional[InstanceNUMATopology] = None
    pci_requests: list[PciRequest] = field(default_factory=list)


@dataclass(frozen=True)
class FilterCount(Record):
    """How many hosts one filter saw and how many it left."""

    name: str
    before: int
    after: int


@dataclass(frozen=True)
class Refusal(Record):
    """The first filter that refused a host, and by what margin ("lacks 512 MB of memory")."""

    host: str
    filter: str
    reason: str


@dataclass(frozen=True)
class Selection(Record):
    """The answer to one request. `host` is None where no host is valid; then `message` says why.

    `limits` are the oversubscription limits of the chosen host (memory_mb, disk_gb, vcpu, numa_topology): its claim
    tests against them. `weights` is the chosen host's score by weigher, multiplied and normalised.

    `refusals` has at most as many as the option `explained_refusals` says, and `refusals_left_out` counts the others.
    Of a request that was placed, either all are told or none.
    """

    instance_uuid: str
    name: str
    host: Optional[str] = None
    alternates: list[str] = field(default_factory=list)
    limits: dict[str, Any] = field(default_factory=dict)
    weight: float = 0.0
    weights: dict[str, float] = field(default_factory=dict)
    funnel: list[FilterCount] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    refusals_left_out: int = field(default=0, metadata=since("1.1"))
    nearest_miss: Optional[str] = None
    message: Optional[str] = None
