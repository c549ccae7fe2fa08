# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making an instance anew from an image (Nova's rebuild_instance). It stays itself: uuid, addresses, size, host.

The old disks are set aside, and go only when the new guest has been started.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...objects.errors import ImageUnacceptable
from ...objects.ingredients import Flavor, Image
from ...objects.instance import Instance
from ...virt.local_disks import local_disks
from ..block_devices import relabel
from ..clock import now
from ..config_drive import config_drive_files
from ..host import Host
from ..journal import Entry
from ..nic_changes import relabel_nics
from ..operation import Run, operation
from ..states import ACTIVE, ERROR, REBUILDING, STOPPED
from .power import switch_off

# What ends a rebuild, by the state that the instance is in afterwards.
LAST_STEPS = {ACTIVE: "start", STOPPED: "define"}
# What an image may ask of the host; an instance has got it by its claim, for good.
HARDWARE = "hw_"


def state_rebuilt(instance: Instance, arguments: Mapping[str, Any]) -> str:
    """Return what a rebuilt instance becomes: it stays off if it was, and one in error is given a new start."""
    return STOPPED if instance.vm_state == STOPPED else ACTIVE


def finish_or_undo_rebuild(host: Host, entry: Entry) -> None:
    """Put the old disk back, unless the new guest had come up: then drop it."""
    if entry.steps.get(entry.notes.get("last_step", "")):
        host.driver.drop_disks_aside(entry.uuid)
        return
    if "before" not in entry.notes:
        return
    before = Instance.from_document(entry.notes["before"], "instance")
    if "set the disks aside" in entry.steps:
        host.driver.power_off(entry.uuid)
        host.driver.take_disks_back(entry.uuid)
        host.driver.define(before)
    if before.vm_state == ACTIVE:
        host.driver.power_on(entry.uuid)


@operation(
    "rebuild",
    vm_states=(ACTIVE, STOPPED, ERROR),
    task_state=REBUILDING,
    ends_in=None,
    ends_as=state_rebuilt,
    recover=finish_or_undo_rebuild,
    repeats=True,
)
def rebuild(run: Run) -> Optional[Instance]:
    """Replace the root disk and the ephemeral ones by new ones. It keeps its volumes, with what is on them.

    Arguments:
        image: The new image; without it, and without `spec`, the instance's own.
        spec: All of the new intent, where it comes from a fleet.
        user_data: bytes for the guest. Without `spec` the config drive stays as it is.
        contents: Those of its files and vendor data, by digest.
        preserve_ephemeral: Ephemeral disks and swap stay as they are.

    Raises:
        ImageUnacceptable: The image cannot be used, or asks for other hardware than the instance has.
    """
    driver, before = run.driver, run.instance
    after = _new_record(before, run.arguments)
    image = None if after.spec.boots_from_volume else run.step("image", driver.ensure_image, after)
    preserves = bool(run.arguments.get("preserve_ephemeral"))
    run.note(before=before.but(task_state=None).as_document(), last_step=LAST_STEPS[after.vm_state])
    switch_off(run)
    run.step("set the disks aside", driver.set_disks_aside, before.uuid, preserves)
    if image is not None:
        run.step("root disk", driver.create_root_disk, after, image)
    if local_disks(after.spec):
        run.step("local disks", driver.create_local_disks, after)
    if run.arguments.get("spec") is not None:
        files = config_drive_files(after, run.arguments.get("user_data"), run.arguments.get("contents"))
        run.step("config drive", driver.write_config_drive, after, files)
    run.step("define", driver.define, after)
    if after.vm_state == ACTIVE:
        run.step("start", driver.power_on, after.uuid)
    run.step("drop the old disks", driver.drop_disks_aside, after.uuid)
    return after


def _new_record(instance: Instance, arguments: Mapping[str, Any]) -> Instance:
    spec = arguments.get("spec") or instance.spec.but(image=arguments.get("image") or instance.spec.image)
    nics = relabel_nics(instance.spec.networks, spec.networks)
    volumes = relabel(instance.spec.volumes, spec.volumes)
    spec = spec.but(volumes=volumes, networks=nics, firewall=instance.spec.firewall)
    if spec.image is not None:
        _check_image(instance.spec.image, spec.image, spec.flavor)
    return instance.but(spec=spec, vm_state=state_rebuilt(instance, arguments), launched_at=now())


def _check_image(before: Optional[Image], after: Image, flavor: Flavor) -> None:
    for needed, has, unit in (
        (after.min_ram_mb, flavor.memory_mb, "MB of memory"),
        (after.min_disk_gb, flavor.root_gb or after.min_disk_gb, "GB of root disk"),
    ):
        if needed > has:
            raise ImageUnacceptable(
                f"Image '{after.name}' needs {needed} {unit}, and flavor '{flavor.name}' has {has}.",
                "Use another image.",
            )
    if _hardware(before) != _hardware(after):
        raise ImageUnacceptable(
            f"Image '{after.name}' asks for other hardware than the instance has got: {_told(_hardware(after))}.",
            "Use an image with the same hw_ properties, or make a new instance from it.",
        )


def _hardware(image: Optional[Image]) -> dict[str, str]:
    properties = {} if image is None else image.properties
    return {key: value for key, value in properties.items() if key.startswith(HARDWARE)}


def _told(properties: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(properties.items())) or "none in particular"
