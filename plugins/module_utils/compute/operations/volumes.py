# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Giving instances volumes, and taking them away (Nova's attach_volume, detach_volume and extend_volume)."""

from __future__ import annotations

from typing import Optional

from ...objects.errors import InvalidVolume
from ...objects.instance import Instance
from ...objects.volume import VolumeRequest
from ..block_devices import find_volume, with_volume, without_volume
from ..host import Host
from ..journal import Entry
from ..operation import Run, operation
from ..records import check_writable, read_record
from ..states import ACTIVE, DELETED, DELETING, PAUSED, STOPPED, UPDATING
from ..volume_claims import make_volume, take_free_volume, take_volumes
from ..volume_content import find_content
from ..volume_wish import held_volume, wanted_volume


def finish_or_undo_attach(host: Host, entry: Entry) -> None:
    """Have it attached if the guest has got it, else take away what was made for it."""
    if "volume" not in entry.notes:
        return
    request = _noted(entry)
    if entry.steps.get("attach"):
        record = _record(host, entry.uuid)
        if record is not None and find_volume(record, request.uuid) is None:
            _save(host, with_volume(record, request, entry.notes["device_name"]))
        return
    if "attach" in entry.steps:
        host.driver.detach_volume(entry.uuid, request.uuid)
    if entry.notes["is_made"]:
        host.driver.delete_volume(request.uuid)


@operation(
    "attach_volume",
    vm_states=(ACTIVE, PAUSED, STOPPED),
    task_state=UPDATING,
    ends_in=None,
    recover=finish_or_undo_attach,
)
def attach_volume(run: Run) -> Optional[Instance]:
    """Give the guest a volume, at once if it runs. One that is not on the host is made.

    Arguments:
        volume: A VolumeRequest, or a VolumeWish.

    Raises:
        InvalidVolume: It cannot have that.
    """
    driver, before = run.driver, run.instance
    request = wanted_volume(before, run.arguments["volume"], driver.list_volumes())
    if find_volume(before, request.uuid) is not None:
        raise InvalidVolume(f"{before.spec.name} has the volume '{request.name}' already.", "To grow it, extend it.")
    after = with_volume(before, request)
    check_writable(after, run.host.options.record_version_cap)
    present = run.step("claim", take_volumes, run.host, before, [request])
    device_name = after.device_names[request.uuid]
    run.note(volume=request.as_dict(), device_name=device_name, is_made=request.uuid not in present)
    if request.uuid not in present:
        content = find_content(run.host, request)
        run.step("volume", driver.create_volume, make_volume(before.spec, request), content)
    run.step("extend", driver.resize_volume, request.uuid, request.size_gb, None)
    run.step("attach", driver.attach_volume, before.uuid, request, device_name)
    return after


def finish_or_undo_detach(host: Host, entry: Entry) -> None:
    """Have it detached if the guest has let go of it, else give it back wherever it is gone."""
    if "volume" not in entry.notes:
        return
    request, record = _noted(entry), _record(host, entry.uuid)
    if record is None:
        return
    if not entry.steps.get("detach"):
        host.driver.attach_volume(entry.uuid, request, entry.notes["device_name"])
    elif find_volume(record, request.uuid) is not None:
        _save(host, without_volume(record, request.uuid))


@operation(
    "detach_volume",
    vm_states=(ACTIVE, PAUSED, STOPPED),
    task_state=UPDATING,
    ends_in=None,
    recover=finish_or_undo_detach,
)
def detach_volume(run: Run) -> Optional[Instance]:
    """Take a volume from the guest; a running one must let go of it. The volume stays, with its data.

    Arguments:
        volume: A VolumeRequest, or a VolumeWish.

    Raises:
        InvalidVolume: It has none such.
        DeviceDetachFailed: It does not let go.
    """
    held = held_volume(run.instance, run.arguments["volume"])
    run.note(volume=held.as_dict(), device_name=run.instance.device_names[held.uuid])
    run.step("detach", run.driver.detach_volume, run.instance.uuid, held.uuid)
    return without_volume(run.instance, held.uuid)


def finish_extend(host: Host, entry: Entry) -> None:
    """Have the record tell of a volume that has grown."""
    record = _record(host, entry.uuid)
    if "volume" not in entry.notes or record is None:
        return
    grown = _noted(entry)
    sizes = {volume.uuid: volume.size_gb for volume in host.driver.list_volumes()}
    if sizes.get(grown.uuid, 0) >= grown.size_gb and find_volume(record, grown.uuid) not in (None, grown):
        _save(host, with_volume(record, grown))


@operation(
    "extend_volume",
    vm_states=(ACTIVE, PAUSED, STOPPED),
    task_state=UPDATING,
    ends_in=None,
    recover=finish_extend,
)
def extend_volume(run: Run) -> Optional[Instance]:
    """Have a volume of the instance grow. A running guest sees the new size at once; its file systems are its own.

    Arguments:
        volume: A VolumeRequest, or a VolumeWish, with the new size.

    Raises:
        InvalidVolume: It has none such, or it is larger already.
    """
    asked = run.arguments["volume"]
    grown = held_volume(run.instance, asked).but(size_gb=asked.size_gb)
    run.step("claim", take_volumes, run.host, run.instance, [grown])
    run.note(volume=grown.as_dict())
    run.step("extend", run.driver.resize_volume, grown.uuid, grown.size_gb, run.instance.uuid)
    return with_volume(run.instance, grown)


def finish_delete_volume(host: Host, entry: Entry) -> None:
    """Go on to the end: a volume that is half there is of no use."""
    if "volume" in entry.steps:
        host.driver.delete_volume(entry.uuid)


@operation(
    "delete_volume",
    vm_states=(),
    task_state=DELETING,
    ends_in=DELETED,
    recover=finish_delete_volume,
    absent_too=True,
)
def delete_volume(run: Run) -> Optional[Instance]:
    """Delete a volume that no instance has. It is the volume itself that this is done to, and its uuid that counts."""
    uuid, name = run.instance.uuid, run.instance.spec.name
    run.step("claim", take_free_volume, run.host, uuid, name)
    run.step("volume", run.driver.delete_volume, uuid)
    return run.instance


def _noted(entry: Entry) -> VolumeRequest:
    return VolumeRequest.from_dict(entry.notes["volume"], "volume")


def _record(host: Host, uuid: str) -> Optional[Instance]:
    domain = host.driver.get_domain(uuid)
    return None if domain is None else read_record(domain)


def _save(host: Host, instance: Instance) -> None:
    host.driver.save_record(instance.but(task_state=None, generation=instance.generation + 1))
