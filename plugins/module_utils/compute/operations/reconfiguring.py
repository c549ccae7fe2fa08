# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changing a guest in place: another size, other devices, or back to what its record says (Nova's resize is a move)."""

from __future__ import annotations

from typing import Optional

from ...objects.instance import Instance, InstanceSpec
from ..comparison import needs_definition
from ..hardware.host_hardware import Hardware
from ..hardware_claims import Claimant
from ..host import Host
from ..journal import Entry
from ..operation import Run, operation
from ..records import check_writable
from ..states import ACTIVE, STOPPED, UPDATING
from .power import switch_off


def finish_or_undo_reconfigure(host: Host, entry: Entry) -> None:
    """Have the record tell of a guest that has changed; one that has not come so far is again as it was."""
    if "before" not in entry.notes or host.driver.get_domain(entry.uuid) is None:
        return
    if "after" in entry.notes and entry.steps.get(entry.notes["last_step"]):
        after = Instance.from_document(entry.notes["after"], "instance")
        host.driver.save_record(after.but(task_state=None, generation=after.generation + 1))
        return
    before = Instance.from_document(entry.notes["before"], "instance")
    if "define" in entry.steps:
        host.driver.define(before)
    host.driver.save_record(before)
    if entry.notes["is_restarted"]:
        host.driver.power_on(entry.uuid)


@operation(
    "reconfigure",
    vm_states=(ACTIVE, STOPPED),
    task_state=UPDATING,
    ends_in=None,
    recover=finish_or_undo_reconfigure,
)
def reconfigure(run: Run) -> Optional[Instance]:
    """Have the guest be as a spec says. What a running one cannot change is so from its next boot on.

    Arguments:
        spec: The new intent, of which flavor and image count; without it, what was changed outside Novella is put
            right.
        restart: A running guest is shut down and started, so that this is its next boot.
        pci_requests: The devices that its flavor asks for.

    Raises:
        ComputeResourcesUnavailable: It does not fit on its host; the guest goes on as it was.
    """
    driver, before = run.driver, run.instance
    wanted: InstanceSpec = run.arguments.get("spec") or before.spec
    # All else comes and goes by operations of its own.
    spec = before.spec.but(flavor=wanted.flavor, image=wanted.image)
    check_writable(before.but(spec=spec), run.host.options.record_version_cap)
    is_restarted = bool(run.arguments.get("restart")) and before.vm_state == ACTIVE
    is_put_right = run.arguments.get("spec") is None
    is_defined = is_put_right or is_restarted or needs_definition(before.spec, spec)
    grows = spec.flavor.root_gb > before.spec.flavor.root_gb
    last_step = "start" if is_restarted else "define" if is_defined else "root disk" if grows else "claim"
    run.note(before=before.but(task_state=None).as_document(), last_step=last_step, is_restarted=is_restarted)
    hardware = run.step("claim", _claim, run, spec)
    after = before.but(spec=spec, numa_topology=hardware.numa_topology, pci_devices=hardware.pci_devices)
    run.note(after=after.as_document())
    if grows:
        run.step("root disk", driver.resize_root_disk, after.uuid, spec.flavor.root_gb)
    if is_restarted:
        switch_off(run)
    elif is_put_right:
        run.step("devices", driver.plug_devices, after)
    if is_defined:
        run.step("define", driver.define, after)
    if is_restarted:
        run.step("start", driver.power_on, after.uuid)
    return after


def _claim(run: Run, spec: InstanceSpec) -> Hardware:
    """Claim what the instance is to have. Until the guest has it, its record holds what it had, too."""
    before = run.instance
    had, flavor = before.spec.flavor, spec.flavor
    largest = flavor.but(
        vcpus=max(had.vcpus, flavor.vcpus),
        memory_mb=max(had.memory_mb, flavor.memory_mb),
        root_gb=max(had.root_gb, flavor.root_gb),
    )

    def hold(hardware: Hardware) -> None:
        held = before.but(numa_topology=hardware.numa_topology, pci_devices=hardware.pci_devices)
        run.driver.save_record(held.but(spec=spec.but(flavor=largest)))

    item = Claimant(before.but(spec=spec), {}, run.arguments.get("pci_requests") or ())
    return run.host.tracker.reconfigure_claim(before, item, hold)
