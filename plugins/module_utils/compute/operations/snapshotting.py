# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making an image of an instance's root disk (Nova's snapshot_instance), as the disk is at one moment.

The guest goes on meanwhile, and nothing of it is changed. Of an operation that does not come to its end nothing stays,
unless the image was whole by then.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Callable, Optional

from ...objects.errors import GuestAgentUnavailable, InstanceInvalidState
from ...objects.instance import Instance
from ...objects.snapshot import BACKUP, SNAPSHOT, Snapshot
from ...virt.hypervisor import CachedImage
from ..clock import now
from ..host import Host
from ..journal import Entry
from ..operation import Run, operation
from ..snapshot_order import SnapshotOrder
from ..snapshots import SnapshotStore, digest
from ..states import ACTIVE, IMAGE_BACKUP, IMAGE_SNAPSHOT, PAUSED, STOPPED, SUSPENDED

GIB = 1 << 30
MB = 1_000_000
TRUE = ("true", "yes", "1", "on")
# Nova's non_inheritable_image_properties: what is true of one file only.
NOT_INHERITED = (
    "cache_in_nova",
    "bittorrent",
    "img_signature_hash_method",
    "img_signature",
    "img_signature_key_type",
    "img_signature_certificate_uuid",
)
STATES = (ACTIVE, STOPPED, PAUSED, SUSPENDED)


def finish_or_undo_snapshot(host: Host, entry: Entry) -> None:
    """Let the guest go on, and remove what there is of the image, unless that was whole: then rotate."""
    notes = entry.notes
    if "freeze" in entry.steps and not entry.steps.get("thaw"):
        _thaw_again(host, entry)
    if "begin" in entry.steps:
        host.driver.drop_copy(entry.uuid)
    if "snapshot" not in notes:
        return
    # That run's place, should this one have been told another.
    place = dataclasses.replace(host.options, snapshots_dir=notes["snapshots_dir"]).snapshots_path
    store, made = SnapshotStore(place), Snapshot.from_document(notes["snapshot"], "snapshot")
    if not store.has(entry.uuid, made.name):
        store.remove(entry.uuid, made.name)
    elif notes["rotation"] is not None:
        store.rotate(made, notes["rotation"])


@operation(
    "snapshot",
    vm_states=STATES,
    task_state=IMAGE_SNAPSHOT,
    ends_in=None,
    recover=finish_or_undo_snapshot,
    action="createImage",
    repeats=True,
)
def snapshot(run: Run) -> Optional[Instance]:
    """Make an image of the root disk; see `_make`."""
    _make(run)
    return None


@operation(
    "backup",
    vm_states=STATES,
    task_state=IMAGE_BACKUP,
    ends_in=None,
    recover=finish_or_undo_snapshot,
    action="createBackup",
    repeats=True,
)
def backup(run: Run) -> Optional[Instance]:
    """Make an image of the root disk, and remove the oldest of its type beyond `rotation`; see `_make`."""
    made = _make(run)
    if made is not None:
        store = SnapshotStore(run.host.options.snapshots_path)
        stuck = run.step("rotate", store.rotate, made, run.arguments["order"].rotation)
        if stuck:
            run.remark(f"These older backups could not be removed: {', '.join(stuck)}.")
    return None


def _make(run: Run) -> Optional[Snapshot]:
    """Make the image, and return its record; None where there is one of that name.

    Arguments:
        order: SnapshotOrder.
        copying: Told of each instance, by name, how many bytes of how many are copied.

    Raises:
        ComputeResourcesUnavailable: There is no room for it.
        GuestAgentUnavailable: The guest was to write out its file systems, and cannot be asked to.
    """
    driver, instance, options = run.driver, run.instance, run.host.options
    order: SnapshotOrder = run.arguments["order"]
    store = SnapshotStore(options.snapshots_path)
    if store.has(instance.uuid, order.name):
        return None
    needs_quiesce, tries_quiesce = _quiescence(instance, order)
    expected = driver.get_copy_size(instance.uuid)
    store.make_room(instance.uuid, expected, options.minimum_free_disk_mb)
    part = store.part(instance.uuid, order.name)
    draft = _draft(run, order, store)
    run.note(snapshot=draft.as_document(), snapshots_dir=options.snapshots_dir, rotation=order.rotation)
    refusal = _begin(run, needs_quiesce, tries_quiesce)
    if refusal:
        run.remark(f"Its file systems were not written out first: {refusal}")
    image = run.step("copy", driver.finish_copy, instance.uuid, str(part), _watch(run, order))
    draft = draft.but(quiesced=_is_off(instance) or (tries_quiesce and not refusal))
    made = run.step("checksum", _complete, draft, image)
    run.step("publish", store.publish, made)
    run.remark(f"The image is {made.file} ({-(-made.size_bytes // MB)} MB).")
    return made


def _thaw_again(host: Host, entry: Entry) -> None:
    try:
        host.driver.thaw_guest(entry.uuid)
    except GuestAgentUnavailable:
        # An agent that never said that it froze anything has nothing to thaw. One that did must not be forgotten.
        if entry.steps["freeze"]:
            raise


def _begin(run: Run, needs_quiesce: bool, tries_quiesce: bool) -> str:
    """Begin the copy, of file systems that stand still where that is asked for.

    Returns:
        Why they do not stand still though that was tried; else nothing.
    """
    driver, uuid = run.driver, run.instance.uuid
    refusal, is_frozen = "", False
    if tries_quiesce:
        try:
            run.step("freeze", driver.freeze_guest, uuid)
            is_frozen = True
        except GuestAgentUnavailable as error:
            if needs_quiesce:
                raise
            refusal = str(error)
    try:
        run.step("begin", driver.begin_copy, uuid)
    finally:
        if is_frozen:
            run.step("thaw", driver.thaw_guest, uuid)
    return refusal


def _quiescence(instance: Instance, order: SnapshotOrder) -> tuple[bool, bool]:
    """Return whether the guest's file systems must be written out first, and whether that is tried.

    Nova tries it where the image says hw_qemu_guest_agent, and must where it says os_require_quiesce.
    """
    properties = {} if instance.spec.image is None else instance.spec.image.properties
    is_needed = bool(order.quiesce) or _is_true(properties, "os_require_quiesce")
    if _is_off(instance):
        return False, False
    if instance.vm_state == ACTIVE:
        wishes = order.quiesce is None and _is_true(properties, "hw_qemu_guest_agent")
        return is_needed, is_needed or wishes
    if is_needed:
        raise InstanceInvalidState(
            f"{instance.spec.name} cannot write out its file systems: it is {instance.vm_state}.",
            "Let it go on first, or take the snapshot without quiesce.",
        )
    return False, False


def _is_off(instance: Instance) -> bool:
    return instance.vm_state == STOPPED


def _is_true(properties: Mapping[str, str], name: str) -> bool:
    return str(properties.get(name, "")).lower() in TRUE


def _draft(run: Run, order: SnapshotOrder, store: SnapshotStore) -> Snapshot:
    """Return the record as far as it is known before there is an image."""
    instance = run.instance
    spec, image = instance.spec, instance.spec.image
    inherited = {} if image is None else image.properties
    return Snapshot(
        name=order.name,
        file=str(store.path(instance.uuid, order.name)),
        checksum="",
        size_bytes=0,
        instance_uuid=instance.uuid,
        instance_name=spec.name,
        fleet=spec.fleet,
        project_id=spec.project_id,
        host=run.host.options.host,
        vm_state=instance.vm_state,
        created_at=now(),
        min_disk_gb=0 if image is None else image.min_disk_gb,
        min_ram_mb=0 if image is None else image.min_ram_mb,
        image_type=SNAPSHOT if order.backup_type is None else BACKUP,
        backup_type=order.backup_type,
        base_image=None if image is None else image.source,
        properties={
            **{key: value for key, value in inherited.items() if key not in NOT_INHERITED},
            **order.metadata,
        },
    )


def _complete(draft: Snapshot, image: CachedImage) -> Snapshot:
    path = Path(image.path)
    return draft.but(
        checksum=digest(path),
        size_bytes=path.stat().st_size,
        min_disk_gb=max(draft.min_disk_gb, -(-image.virtual_size // GIB)),
    )


def _watch(run: Run, order: SnapshotOrder) -> Callable[[int, int], None]:
    """Return what tells of the copy of this instance."""
    copying: Optional[Callable[[str, int, int], None]] = run.arguments.get("copying")

    def tell(done: int, total: int) -> None:
        if copying is not None:
            copying(f"{order.operation} {run.instance.spec.name}", done, total)

    return tell
