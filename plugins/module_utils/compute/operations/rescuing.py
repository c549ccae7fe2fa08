# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Booting a guest from another disk, to repair its own (Nova's rescue_instance and unrescue_instance)."""

from __future__ import annotations

from typing import Optional

from ...objects.instance import Instance
from ..clock import now
from ..config_drive import with_password
from ..host import Host
from ..journal import Entry
from ..operation import Run, operation
from ..states import ACTIVE, ERROR, RESCUED, RESCUING, STOPPED, UNRESCUING
from .power import switch_off


def undo_rescue(host: Host, entry: Entry) -> None:
    """Have it boot from its own disk again, unless the rescue had come to its end."""
    if entry.steps.get("start") or "before" not in entry.notes:
        return
    before = Instance.from_document(entry.notes["before"], "instance")
    if "rescue disk" in entry.steps:
        host.driver.power_off(entry.uuid)
        host.driver.define(before)
        host.driver.delete_rescue_disk(entry.uuid)
    if before.vm_state == ACTIVE:
        host.driver.power_on(entry.uuid)


@operation(
    "rescue",
    vm_states=(ACTIVE, STOPPED, ERROR),
    task_state=RESCUING,
    ends_in=RESCUED,
    recover=undo_rescue,
)
def rescue(run: Run) -> Optional[Instance]:
    """Boot it from a disk of its own that is made for that; its root disk is the second one then.

    Arguments:
        image: What to boot; without it, the image that it was made from.
        rescue_password: For the administrator of what is booted. Only a config drive of its own holds it, which goes
            with the disk.
    """
    driver, before = run.driver, run.instance
    rescued = before.but(rescue_image=run.arguments.get("image") or before.spec.image, launched_at=now())
    password = run.arguments.get("rescue_password")
    files = None if password is None else with_password(driver.read_config_drive(before.uuid), before, password)
    image = run.step("image", driver.ensure_image, rescued.but(spec=before.spec.but(image=rescued.rescue_image)))
    run.note(before=before.but(task_state=None).as_document())
    switch_off(run)
    run.step("rescue disk", driver.create_rescue_disk, before.uuid, image)
    if files is not None:
        run.step("rescue config drive", driver.write_rescue_config_drive, before.uuid, files)
    # From here on it is rescued: a crash of this run must not leave a guest that its record knows nothing of.
    run.step("define", driver.define, rescued.but(vm_state=RESCUED))
    run.step("start", driver.power_on, before.uuid)
    return rescued


def finish_or_undo_unrescue(host: Host, entry: Entry) -> None:
    """Have it boot from the rescue disk again, unless it has been started from its own: then delete the other."""
    if "before" not in entry.notes:
        return
    rescued = Instance.from_document(entry.notes["before"], "instance")
    if entry.steps.get("start"):
        host.driver.save_record(_unrescued(rescued))
        host.driver.delete_rescue_disk(entry.uuid)
        return
    host.driver.power_off(entry.uuid)
    host.driver.define(rescued)
    host.driver.power_on(entry.uuid)


@operation(
    "unrescue",
    vm_states=(RESCUED,),
    task_state=UNRESCUING,
    ends_in=ACTIVE,
    recover=finish_or_undo_unrescue,
)
def unrescue(run: Run) -> Optional[Instance]:
    """Boot it from its own disk again, and delete the other. It is active then, even if it was off before."""
    driver, uuid = run.driver, run.instance.uuid
    run.note(before=run.instance.but(task_state=None).as_document())
    run.step("power off", driver.power_off, uuid)
    run.step("define", driver.define, run.instance.but(rescue_image=None))
    run.step("start", driver.power_on, uuid)
    run.step("rescue disk", driver.delete_rescue_disk, uuid)
    return _unrescued(run.instance)


def _unrescued(instance: Instance) -> Instance:
    return instance.but(vm_state=ACTIVE, task_state=None, rescue_image=None, launched_at=now())
