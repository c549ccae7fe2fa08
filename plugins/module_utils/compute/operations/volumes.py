# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Giving instances volumes, and taking them away (Nova's attach_volume, detach_volume and extend_volume).

Moving one's data to another is in `volume_swapping`.
"""

from __future__ import annotations

from typing import Optional

from ...objects.errors import DeviceDetachFailed, InvalidVolume
from ...objects.instance import Instance
from ...objects.volume import VolumeRequest
from ..block_devices import find_volume, with_volume, without_volume
from ..host import Host
from ..journal import Entry
from ..operation import Run, operation
from ..records import check_writable, read_record
from ..states import ACTIVE, DELETED, DELETING, ERROR, PAUSED, STOPPED, UPDATING
from ..volume_claims import keep_passphrases, make_volume, take_free_volume, take_volumes
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
        passphrases: Those of encrypted volumes, by uuid.

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
    run.step("passphrase", keep_passphrases, run, [request])
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


def finish_limit(host: Host, entry: Entry) -> None:
    """Have the guest limited as its record says, which is what it was before."""
    record = _record(host, entry.uuid)
    held = None if "volume" not in entry.notes or record is None else find_volume(record, _noted(entry).uuid)
    if held is not None:
        host.driver.limit_volume(entry.uuid, held.uuid, held.limits)


@operation(
    "limit_volume",
    vm_states=(ACTIVE, PAUSED, STOPPED),
    task_state=UPDATING,
    ends_in=None,
    recover=finish_limit,
)
def limit_volume(run: Run) -> Optional[Instance]:
    """Limit the input and output of a volume of the instance, at once, or have them unlimited again.

    Arguments:
        volume: A VolumeRequest, or a VolumeWish, with the new limits.

    Raises:
        InvalidVolume: It has none such.
    """
    asked = run.arguments["volume"]
    limited = held_volume(run.instance, asked).but(limits=dict(asked.limits or {}))
    after = with_volume(run.instance, limited)
    check_writable(after, run.host.options.record_version_cap)
    run.note(volume=limited.as_dict())
    run.step("limit", run.driver.limit_volume, run.instance.uuid, limited.uuid, limited.limits)
    return after


def finish_disconnect(host: Host, entry: Entry) -> None:
    """Go on to the end. A guest that does not let go keeps its volume, and the record says so."""
    if "volume" not in entry.notes:
        return
    uuid, record = entry.notes["volume"], _record(host, entry.uuid)
    try:
        host.driver.detach_volume(entry.uuid, uuid)
    except DeviceDetachFailed:
        return
    if record is not None and find_volume(record, uuid) is not None:
        _save(host, without_volume(record, uuid))


@operation(
    "remove_volume_connection",
    vm_states=(ACTIVE, ERROR, PAUSED, STOPPED),
    task_state=UPDATING,
    ends_in=None,
    recover=finish_disconnect,
)
def remove_volume_connection(run: Run) -> Optional[Instance]:
    """Take away what this host has of a volume's attachment, whether the record tells of it or not.

    Arguments:
        volume: A VolumeRequest, or a VolumeWish. It need not be there any more.

    Raises:
        DeviceDetachFailed: The running guest does not let go of it.
    """
    asked = run.arguments["volume"]
    uuid = asked.uuid if isinstance(asked, VolumeRequest) else asked.uuid_for(run.instance)
    run.note(volume=uuid)
    run.step("disconnect", run.driver.detach_volume, run.instance.uuid, uuid)
    return without_volume(run.instance, uuid)


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
