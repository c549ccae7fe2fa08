# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes that do not fit are refused under a running guest, and what a person has changed by hand is put right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.felt.trial import boots
from support.lab_fleet import LabFleet, await_condition
from support.lab_guest import Guest, guest_of

GIBIBYTE = 1 << 30


def flavor(**sizes: int) -> dict[str, Any]:
    return {"flavors": {"tiny": {"vcpus": 2, "memory_mb": 256, "root_gb": 2, **sizes}}}


def disks(guest: Guest) -> int:
    return len(guest.execute("ls -d /sys/block/vd*").split())


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet for all tests here: a guest takes long to boot."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    made.declare(flavor(), web={"host": "kvm2"})
    made.apply()
    guest_of(made, "web").await_boot(1)
    yield made
    made.end()


@pytest.fixture
def guest(fleet: LabFleet) -> Guest:
    return guest_of(fleet, "web")


def said(ended: Any) -> str:
    return " ".join(ended.text.split())


def test_what_does_not_fit_is_told_and_leaves_the_guest_alone(fleet: LabFleet, guest: Guest) -> None:
    life = guest.life()
    fleet.declare(flavor(memory_mb=1 << 22), web={"host": "kvm2"})
    refused = fleet.run(consent="restart,rebuild")
    assert refused.code == 2
    assert "does not fit on kvm2" in said(refused)
    assert guest.record()["spec"]["flavor"]["memory_mb"] == 256
    fleet.declare(flavor(root_gb=1), web={"host": "kvm2"})
    refused = fleet.run(consent="restart")
    assert "flavor.root_gb 2 -> 1 needs a new instance" in said(refused)
    assert int(guest.read("/sys/block/vda/size")) * 512 == 2 * GIBIBYTE
    assert guest.life() == life


def test_hand_edits_are_told_and_put_right_by_consent(fleet: LabFleet, guest: Guest) -> None:
    fleet.declare(flavor(), web={"host": "kvm2"})
    assert fleet.is_converged()
    before, life = boots(guest), guest.life()
    # Of the definition: nothing of it has reached the guest.
    guest.home.virsh("setvcpus", guest.domain, "3", "--config", "--maximum")
    told = fleet.run()
    assert (told.code, told.changed) == (0, 0), told.text
    assert "was changed outside Novella: vcpus 2 -> 2 of 3. Say consent=drift to put it right." in said(told)
    fleet.apply(consent="drift")
    assert fleet.is_converged()
    # A disk that somebody has plugged in.
    disk = "/var/lib/libvirt/images/by-hand.img"
    guest.home.run(["qemu-img", "create", "-q", "-f", "raw", disk, "8M"])
    guest.home.virsh("attach-disk", guest.domain, disk, "vdx", "--live")
    await_condition(lambda: disks(guest) == 3, "the guest has the disk")
    told = fleet.run()
    assert f"disk {disk} none -> virtio. Say consent=drift to put it right." in said(told)
    fleet.apply(consent="drift")
    assert disks(guest) == 2
    assert fleet.is_converged()
    assert (boots(guest), guest.life()) == (before, life)
    # What a running guest has got by another boot, only another boot takes away.
    guest.home.virsh("setvcpus", guest.domain, "3", "--config", "--maximum")
    guest.home.virsh("setvcpus", guest.domain, "3", "--config")
    guest.home.virsh("destroy", guest.domain)
    guest.home.virsh("start", guest.domain)
    guest.await_boot(len(before) + 1)
    assert guest.execute("nproc").strip() == "3"
    told = fleet.run(consent="drift")
    assert "vcpus 2 -> 3" in said(told)
    assert "Say consent=drift,restart" in said(told)
    fleet.apply(consent="drift,restart")
    guest.await_boot(len(before) + 2)
    assert guest.execute("nproc").strip() == "2"
    assert fleet.is_converged()
