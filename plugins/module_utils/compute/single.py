# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One instance on one host, without a fleet file: what the module `instance` does."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from ..objects.base import Record
from ..objects.errors import InstanceIsLocked, NotSupported, NovellaError, OptionInvalid
from ..objects.host_report import HostReport
from ..objects.identity import instance_uuid, mac_address
from ..objects.ingredients import Flavor, Image, NetworkRequest
from ..objects.instance import InstanceSpec
from ..objects.plan import Action
from ..virt.shape.guest_shape import read_shape
from .judgement import create_action, judge, removal_action
from .labels import check_labels, order_tags
from .locking import LOCKED, check_lock
from .manager import ComputeManager
from .nic_identity import keep_identities
from .single_guest import read_guest
from .verdict import DRIFT
from .wanted import Sighting, WantedInstance

# As in the fleet's schema: the name becomes the guest's host name and part of the domain's.
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_MOST_LETTERS = 63

# The argument spec of an image.
IMAGE = {
    "name": {"type": "str", "default": "custom"},
    "source": {"type": "str", "required": True},
    "checksum": {"type": "str"},
    "min_ram_mb": {"type": "int", "default": 0},
    "min_disk_gb": {"type": "int", "default": 0},
    "properties": {"type": "dict", "default": {}},
}


@dataclass(frozen=True)
class Change:
    """What it takes to have one instance as it shall be."""

    uuid: str
    actions: list[Action]
    user_data: Optional[bytes] = None
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)


class SingleInstance:
    """Bring one instance to its state.

    Args:
        manager: The host's.
        host: The host's name.
    """

    def __init__(self, manager: ComputeManager, host: str) -> None:
        self._manager = manager
        self._host = host
        self._report: Optional[HostReport] = None

    def provide(self, wanted: WantedInstance, consent: Collection[str] = ()) -> Change:
        """Return what makes the instance exist as wanted.

        Args:
            consent: What may be done though the guest feels it: ``restart``, ``rebuild``.

        Raises:
            NotSupported: It exists, and differs in something that cannot be changed, or not without consent.
            InstanceIsLocked: It exists, and its lock forbids to change it.
        """
        sighting = self._sight(wanted.uuid)
        if sighting is None:
            lost = any(item.uuid == wanted.uuid and item.has_disk for item in self._audit().lost)
            reason = "is wanted, but not on this host"
            if lost:
                reason = "its domain is gone; its root disk is kept and used again"
            action = create_action(wanted, self._host, reason)
            return Change(wanted.uuid, [action], wanted.user_data, wanted.contents)
        # Volumes, ephemeral disks and security groups are what fleets and operations are for: it keeps what it has.
        held = sighting.instance.spec
        spec = wanted.spec.but(
            volumes=held.volumes, ephemeral=held.ephemeral, firewall=held.firewall, networks=_nics(wanted, held)
        )
        verdict = judge(replace(wanted, spec=spec), sighting, consent)
        # What somebody has changed by hand is for whoever plans for all of a fleet.
        findings = [item for item in verdict.findings if item.kind != DRIFT]
        if findings:
            error = InstanceIsLocked if any(item.kind == LOCKED for item in findings) else NotSupported
            raise error(" ".join(f"{finding.name} {finding.reason}." for finding in findings))
        return Change(wanted.uuid, verdict.actions, wanted.user_data, wanted.contents)

    def remove(self, fleet: str, project_id: str, name: str) -> Change:
        """Return what makes the instance not exist; its disks go with it, at once or when its host reclaims them.

        Raises:
            NotSupported: Only its disk is left, on a host that keeps what is deleted.
            InstanceIsLocked: It is locked.
        """
        uuid = instance_uuid(fleet, project_id, name)
        sighting = self._sight(uuid)
        if sighting is not None:
            action = removal_action(sighting, "is to be absent", self._audit().reclaim_instance_interval)
            if action is not None:
                check_lock(sighting.instance, action.operation)
            return Change(uuid, [] if action is None else [action])
        lost = next((item for item in self._audit().lost if item.uuid == uuid), None)
        if lost is not None and lost.has_disk and self._audit().reclaim_instance_interval > 0:
            raise NotSupported(
                f"{name} has lost its domain, and {self._host} keeps what is deleted, so its root disk stays.",
                "To have it deleted, give this task reclaim_instance_interval: 0.",
            )
        if lost is not None:
            return Change(uuid, [Action("delete", uuid, name, self._host, "its domain is gone, its disks are to go")])
        return Change(uuid, [])

    def carry_out(self, change: Change) -> None:
        """Do it.

        Raises:
            NovellaError: It failed; it was undone.
        """
        if not change.actions:
            return
        user_data = {} if change.user_data is None else {change.uuid: change.user_data}
        for result in self._manager.reconcile(change.actions, user_data, contents=change.contents):
            if "error" in result:
                failed = NovellaError(result["error"]["message"], result["error"]["remedy"])
                failed.code = result["error"]["code"]
                raise failed
        self._report = None

    def find(self, uuid: str) -> Optional[dict[str, Any]]:
        """Return the instance as the host has it, or None."""
        sighting = self._sight(uuid)
        return None if sighting is None else sighting.seen.as_dict()

    def _sight(self, uuid: str) -> Optional[Sighting]:
        seen = next((seen for seen in self._audit().instances if seen.instance.uuid == uuid), None)
        return None if seen is None else Sighting(self._host, seen)

    def _audit(self) -> HostReport:
        if self._report is None:
            self._report = self._manager.audit()
        return self._report


def read_wanted(options: Mapping[str, Any]) -> WantedInstance:
    """Return the instance that the module's options describe.

    Raises:
        OptionInvalid: The name cannot be a host name, a size is not positive, or a limit of metadata or tags is passed.
        InvalidInput, NotSupported: The image asks for something of its guest that cannot be given.
    """
    for option in ("name", "fleet", "project_id"):
        _check_name(option, options[option])
    for size, least in (("vcpus", 1), ("memory_mb", 1), ("root_gb", 0)):
        if options["flavor"][size] < least:
            raise OptionInvalid(f"flavor.{size} is {options['flavor'][size]}; it must be at least {least}.")
    uuid = instance_uuid(options["fleet"], options["project_id"], options["name"])
    user_data = None if options["user_data"] is None else options["user_data"].encode()
    told = read_guest(options)
    networks = [
        NetworkRequest.from_dict({**_given(nic), "mac_address": mac_address(uuid, position)}, f"networks[{position}]")
        for position, nic in enumerate(options["networks"])
    ]
    spec = InstanceSpec(
        name=options["name"],
        flavor=_record(Flavor, options["flavor"], "flavor"),
        image=read_image(options["image"]),
        fleet=options["fleet"],
        project_id=options["project_id"],
        networks=networks,
        metadata={str(key): str(value) for key, value in options["metadata"].items()},
        ssh_keys=list(options["ssh_keys"]),
        user_data_sha256=None if user_data is None else hashlib.sha256(user_data).hexdigest(),
        tags=order_tags(options["tags"]),
        display_name=options["display_name"] or None,
        guest=told.settings,
    )
    check_labels(spec)
    # In check mode, too, what cannot be built is no instance.
    read_shape(spec.flavor, spec.image)
    other = {"locked": options["locked"], "contents": told.contents, "wait_for": told.wait_for}
    return WantedInstance(uuid, spec, options["vm_state"], user_data, **other)


def read_image(options: Mapping[str, Any]) -> Image:
    """Return the image that a module's option describes.

    Raises:
        OptionInvalid: A value is not as an image's must be.
    """
    properties = {str(key): str(value) for key, value in (options.get("properties") or {}).items()}
    image: Image = _record(Image, {**options, "properties": properties}, "image")
    return image


def _check_name(option: str, name: str) -> None:
    if len(name) > _MOST_LETTERS or not _NAME.fullmatch(name):
        raise OptionInvalid(
            f"{option} is '{name}', which is no host name.",
            f"Use at most {_MOST_LETTERS} letters, digits, '-' and '.'; each part begins and ends with one.",
        )


def _record(kind: Any, options: Mapping[str, Any], where: str) -> Any:
    record: Record = kind.from_dict(_given(options), where)
    return record


def _nics(wanted: WantedInstance, held: InstanceSpec) -> list[NetworkRequest]:
    """Return the NICs that it shall have. One that stays where it is keeps its addresses, and all else about it."""
    if not wanted.spec.networks:
        return held.networks
    before = {nic.mac_address: nic for nic in held.networks}
    nics = []
    for nic in keep_identities(wanted.uuid, held.networks, wanted.spec.networks):
        old = before.get(nic.mac_address)
        stays = old is not None and (old.bridge, old.libvirt_network) == (nic.bridge, nic.libvirt_network)
        nics.append(old.but(network=nic.network) if old is not None and stays else nic)
    return nics


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}
