# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: what would change and why. A document to save, review and apply exactly."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Optional

from .base import Document, Record, since
from .firewall import Firewall
from .guest import Readiness
from .ingredients import Image, NetworkRequest
from .instance import InstanceSpec
from .network import Network
from .pci import PciRequest
from .request_spec import Selection
from .volume import VolumeRequest


@dataclass(frozen=True)
class FieldChange(Record):
    """One field of an instance: as it is and as it shall be."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class GroupRule(Record):
    """What the claim tests of a server group. `key` names the group and its fleet and project.

    `binds_hosts` says that the rule is about several hosts at once, so that one run at a time may add members.
    """

    key: str
    policy: str
    max_server_per_host: int = 1
    binds_hosts: bool = False


@dataclass(frozen=True)
class Action(Record):
    """One operation on one instance at one host.

    `operation` is an operation of ComputeManager (create, start, stop, update, delete). `limits` and
    `alternates` come from the scheduler. `pci_requests` are the flavor's aliases, resolved; `group` is the rule of the
    instance's server group. `generation` is that of the record when this was planned; None of what has none. What
    is made `locked` is so from the beginning. `volume` is what is attached, detached or extended; `interface` is the
    same of NICs. `network` is what is to be defined on the host. `restart` says that the guest is
    to be restarted for it; it is to be ready afterwards where there is a `wait_for`. `firewall` is what its packets are
    to go by from now on.
    """

    operation: str
    uuid: str
    name: str
    host: str
    reason: str
    impact: Optional[str] = None
    diff: list[FieldChange] = field(default_factory=list)
    spec: Optional[InstanceSpec] = None
    vm_state: Optional[str] = None
    alternates: list[str] = field(default_factory=list)
    limits: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    pci_requests: list[PciRequest] = field(default_factory=list)
    group: Optional[GroupRule] = field(default=None, metadata=since("1.2"))
    generation: Optional[int] = field(default=None, metadata=since("1.2"))
    locked: bool = field(default=False, metadata=since("1.3"))
    volume: Optional[VolumeRequest] = field(default=None, metadata=since("1.4"))
    wait_for: Optional[Readiness] = field(default=None, metadata=since("1.5"))
    firewall: Optional[Firewall] = field(default=None, metadata=since("1.5"))
    interface: Optional[NetworkRequest] = field(default=None, metadata=since("1.5"))
    network: Optional[Network] = field(default=None, metadata=since("1.5"))
    restart: bool = field(default=False, metadata=since("1.5"))

    def as_diff(self) -> dict[str, Any]:
        """Return what --diff shows of it."""
        where = f"{self.name} on {self.host}"
        return {
            "before_header": where,
            "after_header": f"{where} ({self.operation}: {self.reason})",
            "before": {change.field: change.before for change in self.diff if change.before is not None} or None,
            "after": {change.field: change.after for change in self.diff if change.after is not None} or None,
        }


def images_for(action: Action) -> list[Image]:
    """Return the images that disks and volumes may be made from when an action is done."""
    spec, found = action.spec, [] if action.volume is None else [action.volume.image]
    if spec is not None and action.operation in ("create", "rebuild"):
        found.append(spec.image)
    if spec is not None and action.operation == "create":
        found += [volume.image for volume in spec.volumes]
    return [image for image in found if image is not None]


@dataclass(frozen=True)
class Finding(Record):
    """Something the plan leaves alone, and why.

    `kind`: ``unknown`` (may be on a host that did not answer), ``undeclared`` (ours, in no fleet file; `prune`
    would delete it), ``busy`` (in the hands of another run), ``split`` (on two hosts), ``rescued`` (somebody
    repairs it), ``locked`` (its lock forbids what is wanted), ``unsupported`` (a change this release cannot make),
    ``consent`` (waits for a user's word), ``drift`` (was changed outside Novella).
    `fatal` findings make the run fail at its end, after everything else was done.
    """

    kind: str
    uuid: str
    name: str
    reason: str
    host: Optional[str] = None
    fatal: bool = False


@dataclass(frozen=True)
class HostMark(Record):
    """The state of a host that the plan was made from."""

    generation: int
    digest: str


@dataclass(frozen=True)
class Plan(Document):
    """All that an apply would do, and why.

    `unplaced` holds the selections without a host, `placed` those behind the creates that needed a choice of a host.
    `closed` says of hosts why they take no new instances, such as ``is in maintenance``.

    Version history:
        1.1  placed, and Selection.refusals_left_out
        1.2  Action.group and .generation, closed
        1.3  Action.locked, records of version 1.2
        1.4  Action.volume, records of version 1.3
        1.5  Action.interface, .network, .restart, .wait_for and .firewall, records of version 1.4
    """

    KIND: ClassVar[str] = "plan"
    VERSION: ClassVar[str] = "1.5"

    fleet: str
    created_at: str
    hosts: dict[str, HostMark] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    unplaced: list[Selection] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unchanged: int = 0
    placed: list[Selection] = field(default_factory=list, metadata=since("1.1"))
    closed: dict[str, str] = field(default_factory=dict, metadata=since("1.2"))
    unknown_keys: dict[str, Any] = field(default_factory=dict)

    def actions_on(self, host: str) -> list[Action]:
        """Return the host's slice, in order."""
        return [action for action in self.actions if action.host == host]
