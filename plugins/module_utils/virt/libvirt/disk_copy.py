# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of a guest's root disk as it is at one moment, complete in themselves, whether it runs or not."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any, Callable, Optional

from ...objects.errors import DeadlineExceeded, GuestAgentUnavailable, HypervisorError, NovellaError
from .binding import libvirt
from .connection import Connection
from .guest_agent import AGENT_SECONDS, REMEDY

# A whole disk is read and written.
COPY_DEADLINE = 3600.0
POLL_INTERVAL = 0.2
ROOT_DISK = "vda"

Progress = Callable[[int, int], None]


class DiskCopies:
    """Copies of the root disks of the guests of one libvirt.

    Args:
        connection: For quick calls; those of a running guest's job are quick, too.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def copy(self, uuid: str, root_disk: str, target: str, quiesce: bool, progress: Progress) -> None:
        """Copy a root disk to a new file.

        Args:
            root_disk: Its path.
            target: Of the copy; what is there is overwritten.
            quiesce: Have the guest's file systems written out first, by its agent.
            progress: Told now and then how many bytes of how many are done.

        Raises:
            GuestAgentUnavailable: Its file systems cannot be frozen.
            DeadlineExceeded: It takes longer than an hour.
        """
        domain = self._connection.host().lookupByUUIDString(uuid)
        if domain.isActive():
            self._copy_running(domain, target, quiesce, progress)
        else:
            _copy_file(root_disk, target)

    def abort(self, uuid: str) -> None:
        """End the copying of a running guest's disk that a dead run has begun."""
        domain = self._connection.host().lookupByUUIDString(uuid)
        if domain.isActive() and _job(domain) is not None:
            domain.abortJob()

    def _copy_running(self, domain: Any, target: str, quiesce: bool, progress: Progress) -> None:
        # QEMU may write to no file that is not there: libvirt gives it the right to this one.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(target)
        with _frozen(domain) if quiesce else contextlib.nullcontext():
            # The copy is of this moment; what the guest writes from now on is not in it.
            domain.backupBegin(_backup_xml(domain, target), None, 0)
        end = time.monotonic() + COPY_DEADLINE
        try:
            while (job := _job(domain)) is not None:
                progress(job.get("disk_processed", 0), job.get("disk_total", 0))
                if time.monotonic() > end:
                    raise DeadlineExceeded(f"{domain.name()} was not copied within {COPY_DEADLINE:g} s.")
                time.sleep(POLL_INTERVAL)
        except BaseException:
            with contextlib.suppress(NovellaError):
                domain.abortJob()
            raise
        done = domain.jobStats(libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED)
        if done.get("type") != libvirt.VIR_DOMAIN_JOB_COMPLETED:
            raise HypervisorError(
                f"The disk of {domain.name()} was not copied: {done.get('errmsg') or 'libvirt does not say why'}."
            )


@contextlib.contextmanager
def _frozen(domain: Any) -> Iterator[None]:
    """Have a guest's file systems written out and stand still."""
    domain.agentSetResponseTimeout(AGENT_SECONDS, 0)
    try:
        domain.fsFreeze(None, 0)
    except NovellaError as error:
        raise GuestAgentUnavailable(f"Its file systems cannot be frozen: {error.message}", REMEDY) from error
    try:
        yield
    finally:
        domain.fsThaw(None, 0)


def _job(domain: Any) -> Optional[dict[str, Any]]:
    stats: dict[str, Any] = domain.jobStats()
    return None if stats.get("type", libvirt.VIR_DOMAIN_JOB_NONE) == libvirt.VIR_DOMAIN_JOB_NONE else stats


def _backup_xml(domain: Any, target: str) -> str:
    tree = ET.fromstring(domain.XMLDesc())  # noqa: S314 - libvirtd is trusted
    backup = ET.Element("domainbackup", mode="push")
    disks = ET.SubElement(backup, "disks")
    for device in tree.findall("devices/disk/target"):
        name = device.get("dev", "")
        if name != ROOT_DISK:
            ET.SubElement(disks, "disk", name=name, backup="no")
            continue
        disk = ET.SubElement(disks, "disk", name=name, type="file", backup="yes")
        ET.SubElement(disk, "target", file=target)
        ET.SubElement(disk, "driver", type="qcow2")
    return ET.tostring(backup, encoding="unicode")


def _copy_file(root_disk: str, target: str) -> None:
    command = ["qemu-img", "convert", "-q", "-f", "qcow2", "-O", "qcow2", root_disk, target]
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=COPY_DEADLINE,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise DeadlineExceeded(f"{root_disk} was not copied within {COPY_DEADLINE:g} s.") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise HypervisorError(f"{root_disk} was not copied: {said}") from None
