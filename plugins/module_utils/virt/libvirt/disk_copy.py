# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of a guest's root disk as it is at one moment, complete in themselves, whether it runs or not.

QEMU copies the disk of a running guest (libvirt's backup job), into the pool; qemu-img copies that of one that is off.
"""

from __future__ import annotations

import contextlib
import errno
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Optional

from ...objects.errors import (
    ComputeResourcesUnavailable,
    DeadlineExceeded,
    HypervisorError,
    InstanceNotFound,
    NovellaError,
)
from ..hypervisor import CachedImage, Copying
from ..image_format import inspect
from .binding import libvirt
from .connection import Connection
from .qemu_img import COPY_DEADLINE, convert, measure
from .storage import DiskStore

POLL_INTERVAL = 0.2
# How long a job that is to end may take to do so.
ABORT_SECONDS = 30.0
# How long libvirt may take to know what it has begun.
SETTLING_SECONDS = 10.0


class DiskCopies:
    """Copies of the root disks of the guests of one libvirt.

    Args:
        connection: For quick calls; those of a running guest's job are quick, too.
        disks: Where the disks are, and where copies of those of running guests are made.
    """

    def __init__(self, connection: Connection, disks: DiskStore) -> None:
        self._connection = connection
        self._disks = disks
        # The guests that QEMU copies the disk of. libvirt removes the copy of one that fails, so that does not tell.
        self._begun: set[str] = set()

    def measure(self, uuid: str) -> int:
        """Return how many bytes a copy takes of what is on the disk now."""
        return measure(self._disks.root_disk(uuid))

    def begin(self, uuid: str) -> None:
        """Have the disk of a running guest copied, as it is now; what the guest writes from now on is not in it.

        Raises:
            ComputeResourcesUnavailable: The pool has too little room.
            HypervisorError: libvirt cannot, or there is another job for the guest.
        """
        copy = self._disks.copy(uuid)
        copy.unlink(missing_ok=True)
        domain = self._domain(uuid)
        if not domain.isActive():
            return
        needed, free = self.measure(uuid), self._disks.free_bytes()
        if needed > free:
            raise _full(self._disks.directory, f"the copy takes {needed} bytes, and {free} are free")
        domain.backupBegin(_backup_xml(domain, self._disks.root_disk(uuid), copy), None, 0)
        self._begun.add(uuid)

    def finish(self, uuid: str, target: str, progress: Copying) -> CachedImage:
        """Wait for the copy, and have it at `target`.

        Raises:
            ComputeResourcesUnavailable: A disk is full.
            DeadlineExceeded: It takes too long.
            HypervisorError: The copy came to no end, such as that of a guest that is switched off meanwhile.
            ImageUnacceptable: The copy is no whole image.
        """
        copy = self._disks.copy(uuid)
        if uuid in self._begun:
            self._await(self._domain(uuid), progress)
            self._begun.discard(uuid)
            _move(copy, Path(target), progress)
        else:
            convert(self._disks.root_disk(uuid), Path(target), progress)
        form = inspect(target, Path(target).name)
        return CachedImage(target, form.disk_format, form.virtual_size)

    def drop(self, uuid: str) -> None:
        """End a copy, whoever has begun it, and delete what there is of it in the pool."""
        copy = self._disks.copy(uuid)
        self._begun.discard(uuid)
        with contextlib.suppress(InstanceNotFound):
            domain = self._domain(uuid)
            if domain.isActive():
                if _copies_to(domain, copy):
                    _abort(domain)
                copy.unlink(missing_ok=True)
                _revive(domain)
        copy.unlink(missing_ok=True)

    def _await(self, domain: Any, progress: Copying) -> None:
        end = time.monotonic() + COPY_DEADLINE
        while (job := _job(domain)) is not None:
            progress(job.get("disk_processed", 0), job.get("disk_total", 0))
            if time.monotonic() > end:
                raise DeadlineExceeded(f"The disk of {domain.name()} was not copied within {COPY_DEADLINE:g} s.")
            time.sleep(POLL_INTERVAL)
        ended = domain.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)
        if ended.get("type") != libvirt.VIR_DOMAIN_JOB_COMPLETED:
            said = str(ended.get("errmsg") or "the guest was switched off, or somebody has ended the job")
            if "No space left" in said:
                raise _full(self._disks.directory, said)
            raise HypervisorError(f"The disk of {domain.name()} was not copied: {said}.", "Run again.")

    def _domain(self, uuid: str) -> Any:
        return self._connection.host().lookupByUUIDString(uuid)


def _job(domain: Any) -> Optional[dict[str, Any]]:
    """Return the job that goes on with a guest, if there is one."""
    end = time.monotonic() + SETTLING_SECONDS
    while True:
        try:
            stats: dict[str, Any] = domain.jobStats()
            break
        except HypervisorError:
            # libvirt cannot tell of a backup that only just begins ("backup job data missing").
            if not domain.isActive() or time.monotonic() > end:
                raise
            time.sleep(POLL_INTERVAL)
    return None if stats.get("type", libvirt.VIR_DOMAIN_JOB_NONE) == libvirt.VIR_DOMAIN_JOB_NONE else stats


def _copies_to(domain: Any, copy: Path) -> bool:
    """Return whether the job that goes on with a guest is the copy. Somebody else's backup is theirs."""
    job = _job(domain)
    if job is None or job.get("operation") != libvirt.VIR_DOMAIN_JOB_OPERATION_BACKUP:
        return False
    try:
        tree = ET.fromstring(domain.backupGetXMLDesc())  # noqa: S314 - libvirtd is trusted
    except NovellaError:
        # It has come to its end meanwhile.
        return False
    return any(target.get("file") == str(copy) for target in tree.iter("target"))


def _abort(domain: Any) -> None:
    """End the job, and wait until QEMU has let go of the copy."""
    with contextlib.suppress(HypervisorError):
        domain.abortJob()
    end = time.monotonic() + ABORT_SECONDS
    while domain.isActive() and _job(domain) is not None:
        if time.monotonic() > end:
            raise DeadlineExceeded(
                f"The copying of the disk of {domain.name()} did not end within {ABORT_SECONDS:g} s."
            )
        time.sleep(POLL_INTERVAL)


def _revive(domain: Any) -> None:
    """Have a guest go on that QEMU has stopped because the copy had filled the disk."""
    if list(domain.state()) == [libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_IOERROR]:
        domain.resume()


def _backup_xml(domain: Any, root: Path, copy: Path) -> str:
    tree = ET.fromstring(domain.XMLDesc())  # noqa: S314 - libvirtd is trusted
    backup = ET.Element("domainbackup", mode="push")
    disks = ET.SubElement(backup, "disks")
    for device in tree.findall("devices/disk"):
        target, source = device.find("target"), device.find("source")
        name = "" if target is None else target.get("dev", "")
        if source is None or source.get("file") != str(root):
            ET.SubElement(disks, "disk", name=name, backup="no")
            continue
        disk = ET.SubElement(disks, "disk", name=name, type="file", backup="yes")
        ET.SubElement(disk, "target", file=str(copy))
        ET.SubElement(disk, "driver", type="qcow2")
    return ET.tostring(backup, encoding="unicode")


def _move(copy: Path, target: Path, progress: Copying) -> None:
    try:
        copy.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise HypervisorError(f"{copy} could not be moved to {target}: {error.strerror}.") from error
        convert(copy, target, progress)
        copy.unlink()


def _full(place: Path, said: str) -> ComputeResourcesUnavailable:
    return ComputeResourcesUnavailable(f"{place} has no room for a copy: {said}.", "Free some space in the pool.")
