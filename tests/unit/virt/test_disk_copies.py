# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of root disks: those that qemu-img makes, for real, and those that QEMU makes, as libvirt tells of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    ComputeResourcesUnavailable,
    DeadlineExceeded,
    HypervisorError,
    InstanceNotFound,
)
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import CachedImage
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import disk_copy, qemu_img
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.disk_copy import DiskCopies
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.storage import DiskStore

pytestmark = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
MIB = 1 << 20
NONE, BOUNDED, COMPLETED, FAILED = 0, 1, 3, 4
BACKUP, SAVE = 9, 2
RUNNING, PAUSED, IO_ERROR, USER = 1, 3, 5, 1
CONSTANTS = SimpleNamespace(
    VIR_DOMAIN_JOB_NONE=NONE,
    VIR_DOMAIN_JOB_COMPLETED=COMPLETED,
    VIR_DOMAIN_JOB_OPERATION_BACKUP=BACKUP,
    VIR_DOMAIN_JOB_STATS_COMPLETED=1,
    VIR_DOMAIN_PAUSED=PAUSED,
    VIR_DOMAIN_PAUSED_IOERROR=IO_ERROR,
)


class Guest:
    """A domain whose disk is copied, as libvirt shows it.

    Args:
        copy: Where the copy is made.
        jobs: What goes on, one look after the other; then nothing does.
        ended: What is told of the job when it is over.
    """

    def __init__(self, copy: Path, *jobs: dict[str, Any], ended: dict[str, Any] | None = None) -> None:
        self.copy = copy
        self.jobs = list(jobs)
        self.ended = ended or {"type": COMPLETED}
        self.is_active = True
        self.now = [RUNNING, 1]
        self.did: list[str] = []
        self.asked = ""

    def isActive(self) -> bool:
        return self.is_active

    def XMLDesc(self) -> str:
        root = f"<disk><source file='{self.copy.parent}/{UUID}.root.qcow2'/><target dev='sda'/></disk>"
        return f"<domain><devices>{root}<disk><target dev='vdb'/></disk></devices></domain>"

    def backupBegin(self, backup: str, checkpoint: None, flags: int) -> None:
        self.asked = backup
        self.did.append("begin")

    def backupGetXMLDesc(self) -> str:
        return f"<domainbackup><disks><disk><target file='{self.copy}'/></disk></disks></domainbackup>"

    def jobStats(self, flags: int = 0) -> dict[str, Any]:
        if flags:
            return self.ended
        if not self.is_active:
            raise HypervisorError("domain is not running")
        job = self.jobs.pop(0) if self.jobs else {"type": NONE}
        if "fault" in job:
            raise HypervisorError(job["fault"])
        return job

    def abortJob(self) -> None:
        self.did.append("abort")
        self.jobs.clear()

    def state(self) -> list[int]:
        return self.now

    def resume(self) -> None:
        self.did.append("resume")

    def name(self) -> str:
        return "web"


@pytest.fixture
def disks(tmp_path: Path) -> DiskStore:
    """A pool with a root disk of 1 GiB on an image, each with a MiB of its own."""
    (tmp_path / "pool").mkdir()
    store = DiskStore(str(tmp_path / "pool"), deadline=20)
    base = tmp_path / "pool" / "novella-base-1.qcow2"
    run("qemu-img", "create", "-q", "-f", "qcow2", str(base), "512M")
    run("qemu-io", "-c", "write -P 1 0 1M", str(base))
    store.create_root_disk(UUID, CachedImage(str(base), "qcow2", 512 * MIB), root_gb=1)
    run("qemu-io", "-c", "write -P 2 1M 1M", str(store.root_disk(UUID)))
    return store


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def make(disks: DiskStore, guest: Guest | None, monkeypatch: pytest.MonkeyPatch) -> DiskCopies:
    """Return the copies of a libvirt that has this guest, or none."""

    def lookup(uuid: str) -> Guest:
        if guest is None:
            raise InstanceNotFound("gone")
        return guest

    monkeypatch.setattr(disk_copy, "libvirt", CONSTANTS)
    monkeypatch.setattr(disk_copy, "POLL_INTERVAL", 0.001)
    host = SimpleNamespace(lookupByUUIDString=lookup)
    return DiskCopies(SimpleNamespace(host=lambda: host), disks)  # type: ignore[arg-type]


def off(disks: DiskStore) -> Guest:
    guest = Guest(disks.copy(UUID))
    guest.is_active = False
    return guest


def test_the_disk_of_a_guest_that_is_off_is_copied_with_the_image_beneath_it(
    disks: DiskStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies, target = make(disks, off(disks), monkeypatch), tmp_path / "copy.part"
    assert 2 * MIB < copies.measure(UUID) < 3 * MIB
    copies.begin(UUID)
    assert copies.finish(UUID, str(target), lambda *_told: None) == CachedImage(str(target), "qcow2", 1024 * MIB)
    # Nothing is needed of what it was copied from.
    shutil.rmtree(disks.directory)
    run("qemu-io", "-r", "-f", "qcow2", "-c", "read -P 1 0 1M", "-c", "read -P 2 1M 1M", str(target))
    assert target.stat().st_blocks * 512 < 3 * MIB


def test_the_disk_of_a_guest_that_runs_is_copied_by_qemu_and_its_others_are_not(
    disks: DiskStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, target = disks.copy(UUID), tmp_path / "copy.part"
    copy.write_text("what a dead run left")
    guest = Guest(copy, {"type": BOUNDED, "disk_processed": 1, "disk_total": 4}, {"type": BOUNDED})
    copies = make(disks, guest, monkeypatch)
    copies.begin(UUID)
    assert not copy.exists()
    assert f'<target file="{copy}" />' in guest.asked
    assert '<disk name="vdb" backup="no" />' in guest.asked
    run("qemu-img", "create", "-q", "-f", "qcow2", str(copy), "1G")
    told: list[tuple[int, int]] = []
    made = copies.finish(UUID, str(target), lambda *what: told.append(what))
    assert (made.path, told) == (str(target), [(1, 4), (0, 0)])
    assert not copy.exists()


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        ("Job failed due to error: No space left on device", ComputeResourcesUnavailable, "has no room for a copy"),
        ("Input/output error", HypervisorError, "Input/output error"),
        (None, HypervisorError, "the guest was switched off, or somebody has ended the job"),
    ],
)
def test_a_job_that_fails_is_told_of(
    disks: DiskStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str | None,
    error: type[Exception],
    words: str,
) -> None:
    copy = disks.copy(UUID)
    copies = make(disks, Guest(copy, ended={"type": FAILED, "errmsg": said}), monkeypatch)
    copies.begin(UUID)
    with pytest.raises(error, match=words):
        copies.finish(UUID, str(tmp_path / "copy.part"), lambda *_told: None)


def test_a_copy_that_never_ends_is_not_waited_for(
    disks: DiskStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = disks.copy(UUID)
    copies = make(disks, Guest(copy, *[{"type": BOUNDED}] * 3), monkeypatch)
    copies.begin(UUID)
    monkeypatch.setattr(disk_copy, "COPY_DEADLINE", -1.0)
    with pytest.raises(DeadlineExceeded, match="The disk of web was not copied within"):
        copies.finish(UUID, str(tmp_path / "copy.part"), lambda *_told: None)


def test_a_pool_without_room_is_not_filled(disks: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(disks.copy(UUID))
    copies = make(disks, guest, monkeypatch)
    monkeypatch.setattr(disks, "free_bytes", lambda: MIB)
    with pytest.raises(ComputeResourcesUnavailable, match="and 1048576 are free"):
        copies.begin(UUID)
    assert guest.did == []


def test_what_a_dead_run_has_begun_is_ended_and_a_guest_that_stopped_for_a_full_disk_goes_on(
    disks: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = disks.copy(UUID)
    guest = Guest(copy, {"type": BOUNDED, "operation": BACKUP})
    guest.now = [PAUSED, IO_ERROR]
    copy.write_text("half")
    make(disks, guest, monkeypatch).drop(UUID)
    assert guest.did == ["abort", "resume"]
    assert not copy.exists()


def test_a_copy_that_libvirt_does_not_know_yet_is_ended_too(disks: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(disks.copy(UUID), {"fault": "backup job data missing"}, {"type": BOUNDED, "operation": BACKUP})
    make(disks, guest, monkeypatch).drop(UUID)
    assert guest.did == ["abort"]


def test_the_copy_of_a_guest_that_is_switched_off_meanwhile_is_none(
    disks: DiskStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = Guest(disks.copy(UUID))
    copies = make(disks, guest, monkeypatch)
    copies.begin(UUID)
    guest.is_active = False
    with pytest.raises(HypervisorError, match="domain is not running"):
        copies.finish(UUID, str(tmp_path / "copy.part"), lambda *_told: None)


@pytest.mark.parametrize(
    ("operation", "target"), [(BACKUP, "another.qcow2"), (SAVE, f"{UUID}.snapshot.qcow2")], ids=["backup", "save"]
)
def test_what_somebody_else_has_begun_goes_on_and_who_paused_a_guest_keeps_it_so(
    disks: DiskStore, monkeypatch: pytest.MonkeyPatch, operation: int, target: str
) -> None:
    guest = Guest(disks.directory / target, {"type": BOUNDED, "operation": operation})
    guest.now = [PAUSED, USER]
    make(disks, guest, monkeypatch).drop(UUID)
    assert guest.did == []


def test_what_is_left_of_a_guest_that_is_gone_is_removed(disks: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    disks.copy(UUID).write_text("half")
    make(disks, None, monkeypatch).drop(UUID)
    assert not disks.copy(UUID).exists()
    disks.copy(UUID).write_text("half")
    disks.delete(UUID)
    assert not disks.copy(UUID).exists()


# -- a qemu-img that has no luck -----------------------------------------------------------------------------


def put_in_the_way(folder: Path, convert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have another qemu-img found, which measures anything and copies nothing."""
    folder.mkdir()
    program = folder / "qemu-img"
    program.write_text(f"#!/bin/sh\n[ $1 = measure ] && echo '{{\"required\": 1000}}' && exit\n{convert}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_disk_that_fills_up_meanwhile_is_told_of_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_the_way(tmp_path / "bin", "echo 'qemu-img: error: No space left on device' >&2; exit 1", monkeypatch)
    with pytest.raises(ComputeResourcesUnavailable, match="The disk has no room for a copy"):
        qemu_img.convert(tmp_path / "disk", tmp_path / "copy", lambda *_told: None)


def test_a_copy_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_the_way(tmp_path / "bin", f"echo $$ >{tmp_path}/pid; exec sleep 60", monkeypatch)
    monkeypatch.setattr(qemu_img, "COPY_DEADLINE", 0.5)
    with pytest.raises(DeadlineExceeded):
        qemu_img.convert(tmp_path / "disk", tmp_path / "copy", lambda *_told: None)
    assert is_gone(tmp_path / "pid")


def test_what_is_no_disk_cannot_be_measured(tmp_path: Path) -> None:
    (tmp_path / "disk").write_text("no disk")
    with pytest.raises(HypervisorError, match="qemu-img measure"):
        qemu_img.measure(tmp_path / "disk")


def test_qemu_img_dies_with_the_run_that_started_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would hold the disk, and the guest could not be started until it has copied all of it."""
    put_in_the_way(tmp_path / "bin", f"echo $$ >{tmp_path}/pid; exec sleep 60", monkeypatch)
    program = (
        f"from pathlib import Path; from {qemu_img.__name__} import convert\n"
        f"convert(Path('{tmp_path}/disk'), Path('{tmp_path}/copy'), print)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
    end = time.monotonic() + 20
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert is_gone(tmp_path / "pid")


def is_gone(file: Path) -> bool:
    """Wait until the process whose number is in a file has ended, and return whether it has in time."""
    stat, end = Path(f"/proc/{file.read_text().strip()}/stat"), time.monotonic() + 5
    while time.monotonic() < end:
        try:
            if stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.01)
    return False
