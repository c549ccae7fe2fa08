# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making an instance (Nova's run_instance, build_and_run_instance)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from ...objects.ingredients import NetworkRequest
from ...objects.instance import Instance
from ...objects.volume import VolumeRequest
from ...virt.local_disks import local_disks
from ..address_claims import check_addresses
from ..block_devices import with_volumes
from ..clock import now
from ..config_drive import config_drive_files
from ..host import Host
from ..journal import Entry
from ..locking import DECLARED
from ..operation import Run, operation
from ..records import read_record
from ..states import ACTIVE, PAUSED, SHELVED, SPAWNING, STOPPED, SUSPENDED
from ..volume_claims import keep_passphrases, make_volume, take_volumes
from ..volume_content import find_content
from .interfaces import release_all, reserve_all

# What ends a create, by the state that the instance is to be in.
LAST_STEPS = {ACTIVE: "start", STOPPED: "define", PAUSED: "pause", SUSPENDED: "suspend", SHELVED: "define"}
OFF = (STOPPED, SHELVED)
# The steps that make disks of the instance's own.
MAKING = frozenset(("root disk", "local disks", "config drive"))


def undo_create(host: Host, entry: Entry) -> None:
    """Remove what a create has made, unless it had come to its end. A root disk that it found there is kept."""
    if entry.steps.get(entry.notes.get("last_step", "")):
        return
    domain = host.driver.get_domain(entry.uuid)
    if domain is not None:
        if read_record(domain) is None:
            return
        host.driver.power_off(entry.uuid)
    if "define" in entry.steps:
        host.driver.undefine(entry.uuid)
    if "addresses" in entry.steps:
        release_all(host, [NetworkRequest.from_dict(nic, "addresses") for nic in entry.notes.get("addresses", ())])
    if "volumes" in entry.steps:
        for uuid in entry.notes.get("volumes_made", ()):
            host.driver.delete_volume(uuid)
    if MAKING.intersection(entry.steps) and not entry.notes.get("root_disk_kept", False):
        host.driver.delete_disks(entry.uuid)


@operation("create", vm_states=None, task_state=SPAWNING, ends_in=None, recover=undo_create)
def create(run: Run) -> Optional[Instance]:
    """Build the disks, define the domain and start it.

    Arguments:
        vm_state: active, stopped, paused, suspended or shelved.
        locked: It is locked from the beginning.
        user_data: bytes for the guest.
        contents: Those of its files and vendor data, by digest.
        passphrases: Those of encrypted volumes, by uuid.
        root_disk_exists: An earlier life of the instance left disks of its own here; they are used again.
    """
    driver = run.driver
    vm_state = run.arguments.get("vm_state", ACTIVE)
    hardware = run.host.tracker.claimed_hardware(run.instance.uuid)
    instance = run.instance.but(
        host=run.host.options.host,
        locked_reason=DECLARED if run.instance.locked else None,
        created_at=now(),
        numa_topology=hardware.numa_topology,
        pci_devices=hardware.pci_devices,
    )
    addressed = [nic for nic in instance.spec.networks if nic.addresses]
    if addressed:
        check_addresses(instance.uuid, instance.spec.networks, driver.list_domains())
    image = None if instance.spec.boots_from_volume else run.step("image", driver.ensure_image, instance)
    # Noted beforehand: a crash right after the disk was found must not make an undo delete it.
    last_step = LAST_STEPS[vm_state]
    run.note(root_disk_kept=bool(run.arguments.get("root_disk_exists")), last_step=last_step)
    if instance.spec.volumes:
        instance = _with_volumes(run, instance)
    if image is not None:
        run.step("root disk", driver.create_root_disk, instance, image)
    if local_disks(instance.spec):
        run.step("local disks", driver.create_local_disks, instance)
    files = config_drive_files(instance, run.arguments.get("user_data"), run.arguments.get("contents"))
    run.step("config drive", driver.write_config_drive, instance, files)
    # The record is written once, as it will be: writing it again would wait behind other guests' starts.
    instance = instance.but(vm_state=vm_state, launched_at=None if vm_state in OFF else now(), generation=1)
    if addressed:
        run.note(addresses=[nic.as_dict() for nic in addressed])
        run.step("addresses", reserve_all, run.host, instance.spec.name, addressed)
    run.step("define", driver.define, instance)
    if vm_state not in OFF:
        run.step("start", driver.power_on, instance.uuid)
    if vm_state == PAUSED:
        run.step("pause", driver.pause, instance.uuid)
    if vm_state == SUSPENDED:
        run.step("suspend", driver.suspend, instance.uuid)
    return instance


def _with_volumes(run: Run, instance: Instance) -> Instance:
    """Have the volumes on the host that the instance is to have: new ones are made, smaller ones grow."""
    requests = instance.spec.volumes
    present = run.step("claim volumes", take_volumes, run.host, instance, requests, True)
    # Noted beforehand, like the root disk: an undo deletes what was made, and never what was there.
    run.note(volumes_made=[request.uuid for request in requests if request.uuid not in present])
    run.step("volumes", _make_volumes, run, [request for request in requests if request.is_made])
    return with_volumes(instance)


def _make_volumes(run: Run, requests: Sequence[VolumeRequest]) -> None:
    keep_passphrases(run, requests)
    for request in requests:
        run.driver.create_volume(make_volume(run.instance.spec, request), find_content(run.host, request))
        run.driver.resize_volume(request.uuid, request.size_gb, None)
