# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moving the data of a running guest's volume to another volume (Nova's swap_volume)."""

from __future__ import annotations

from typing import Optional

from ...objects.instance import Instance
from ...objects.volume import VolumeRequest
from ..block_devices import find_volume, swapped
from ..host import Host
from ..journal import Entry
from ..operation import Run, operation
from ..records import check_writable, read_record
from ..states import ACTIVE, PAUSED, UPDATING
from ..volume_claims import keep_passphrases, make_volume, take_volumes
from ..volume_wish import check_swap


def finish_or_undo_swap(host: Host, entry: Entry) -> None:
    """Have the record tell of the new volume if the guest has got it, else of the old one, and drop the copy."""
    if "new" not in entry.notes:
        return
    old_uuid, new = entry.notes["old"], VolumeRequest.from_dict(entry.notes["new"], "new")
    has_new: Optional[bool] = True
    if not entry.steps.get("pivot"):
        has_new = host.driver.drop_volume_copy(entry.uuid, old_uuid, new.uuid)
        if has_new:
            host.driver.pivot_volume(entry.uuid, old_uuid, new, entry.notes["device_name"])
    if has_new:
        domain = host.driver.get_domain(entry.uuid)
        record = None if domain is None else read_record(domain)
        if record is not None and find_volume(record, old_uuid) is not None:
            after = swapped(record, old_uuid, new)
            host.driver.save_record(after.but(task_state=None, generation=record.generation + 1))
    elif entry.notes["is_made"] and ("pivot" not in entry.steps or has_new is False):
        # Of a guest that was switched off just then nothing tells what it wrote where: both volumes stay.
        host.driver.delete_volume(new.uuid)


@operation(
    "swap_volume",
    vm_states=(ACTIVE, PAUSED),
    task_state=UPDATING,
    ends_in=None,
    recover=finish_or_undo_swap,
)
def swap_volume(run: Run) -> Optional[Instance]:
    """Have a running guest's volume copied to another one, and the guest go on with that. The old one is free then.

    Arguments:
        volume: The old one, a VolumeRequest or a VolumeWish.
        new_volume: The other one, likewise. One that is not on the host is made.
        passphrases: Those of encrypted volumes, by uuid.

    Raises:
        InvalidVolume: It has no such volume, or cannot have the other one.
        NotSupported: The other one is no file.
    """
    driver, before = run.driver, run.instance
    old, new = check_swap(run.host, before, run.arguments["volume"], run.arguments["new_volume"])
    after = swapped(before, old.uuid, new)
    check_writable(after, run.host.options.record_version_cap)
    device_name = before.device_names[old.uuid]
    present = run.step("claim", take_volumes, run.host, before, [new])
    run.note(old=old.uuid, new=new.as_dict(), device_name=device_name, is_made=new.uuid not in present)
    run.step("passphrase", keep_passphrases, run, [new])
    if new.uuid not in present:
        run.step("volume", driver.create_volume, make_volume(before.spec, new), None)
    run.step("extend", driver.resize_volume, new.uuid, new.size_gb, None)
    run.step("copy", driver.copy_volume, before.uuid, old.uuid, new, device_name, lambda done, total: None)
    run.step("pivot", driver.pivot_volume, before.uuid, old.uuid, new, device_name)
    return after
