# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each field of a fleet changed under a running guest, which tells what it has felt: nothing, a restart, a new disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.impacts import (
    DATA_LOST,
    LIVE,
    NEXT_BOOT,
    RESTART,
    impact_of_key,
)
from support.lab_fleet import LabFleet, await_condition
from support.lab_guest import Guest, guest_of

GIBIBYTE = 1 << 30
BEFORE: dict[str, Any] = {
    "flavors": {"tiny": {"vcpus": 1, "memory_mb": 128, "root_gb": 1}},
    "volumes": {"data": {"size_gb": 1}},
}


@dataclass(frozen=True)
class Change:
    """One field.

    Args:
        parts, body: What is declared then, of the fleet and of the instance.
        shows: Tells whether the guest has it.
    """

    parts: dict[str, Any]
    body: dict[str, Any]
    shows: Callable[[Guest], bool]


def flavor(**changes: Any) -> dict[str, Any]:
    return {"flavors": {"tiny": {**BEFORE["flavors"]["tiny"], **changes}}}


def recorded(*path: str, value: Any) -> Callable[[Guest], bool]:
    def shows(guest: Guest) -> bool:
        found: Any = guest.record()
        for key in path:
            found = found.get(key)
        return bool(found == value)

    return shows


def has_disks(number: int) -> Callable[[Guest], bool]:
    return lambda guest: len(guest.execute("ls -d /sys/block/vd*").split()) == number


# In this order, each upon what the one before has left.
CHANGES = {
    "flavors.root_gb": Change(flavor(root_gb=2), {}, lambda guest: size_of(guest, "vda") == 2 * GIBIBYTE),
    "flavors.vcpus": Change(flavor(root_gb=2, vcpus=2), {}, lambda guest: guest.execute("nproc").strip() == "2"),
    "flavors.memory_mb": Change(
        flavor(root_gb=2, vcpus=2, memory_mb=256), {}, lambda guest: memory_kb(guest) > 160 << 10
    ),
    "flavors.extra_specs": Change(
        flavor(root_gb=2, vcpus=2, memory_mb=256, extra_specs={"rack": "a"}),
        {},
        recorded("spec", "flavor", "extra_specs", value={"rack": "a"}),
    ),
    "instances.metadata": Change(
        {}, {"metadata": {"role": "web"}}, lambda guest: "NOVELLA-GUEST meta role=web" in guest.console
    ),
    "instances.tags": Change({}, {"tags": ["public"]}, recorded("spec", "tags", value=["public"])),
    "instances.display_name": Change({}, {"display_name": "Shop"}, lambda guest: guest.title() == "Shop"),
    "instances.volumes": Change({}, {"volumes": [{"volume": "data"}]}, has_disks(3)),
    "volumes.size_gb": Change(
        {"volumes": {"data": {"size_gb": 2}}},
        {"volumes": [{"volume": "data"}]},
        lambda guest: size_of(guest, "vdc") == 2 * GIBIBYTE,
    ),
    "instances.user_data": Change(
        {"volumes": {"data": {"size_gb": 2}}},
        {"volumes": [{"volume": "data"}], "user_data": "#!/bin/sh\n"},
        lambda guest: "user_data sha256=" in guest.console,
    ),
}


def size_of(guest: Guest, disk: str) -> int:
    return int(guest.read(f"/sys/block/{disk}/size")) * 512


def memory_kb(guest: Guest) -> int:
    return int(guest.read("/proc/meminfo").split()[1])


def boots(guest: Guest) -> list[str]:
    """What each boot found on the disk that it booted from: how often that one was booted, itself included."""
    return re.findall(r"NOVELLA-GUEST boots=(\w+)", guest.console)


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet for all tests here: a guest takes long to boot."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    made.declare(BEFORE, web={"host": "kvm2"})
    made.apply()
    guest_of(made, "web").await_boot(1)
    yield made
    made.end()


@pytest.fixture
def guest(fleet: LabFleet) -> Guest:
    return guest_of(fleet, "web")


def said(ended: Any) -> str:
    return " ".join(ended.text.split())


def test_each_field_has_the_impact_that_the_table_says(fleet: LabFleet, guest: Guest) -> None:
    parts: dict[str, Any] = dict(BEFORE)
    for key, change in CHANGES.items():
        parts = {**parts, **change.parts}
        before, life = boots(guest), guest.life()
        impact = impact_of_key(key)
        fleet.declare(parts, web={"host": "kvm2", **change.body})
        consent = {RESTART: "restart", DATA_LOST: "rebuild"}.get(impact)
        if consent is not None:
            asked = fleet.run()
            assert asked.code == 2, (key, asked.text)
            assert f"Say consent={consent} to have it done." in said(asked)
            assert (boots(guest), guest.life()) == (before, life), f"{key}: done without consent"
        fleet.apply(**({"consent": consent} if consent else {}))
        if impact == LIVE:
            await_condition(lambda change=change: change.shows(guest), f"{key}: the guest has it")
            assert (boots(guest), guest.life()) == (before, life), f"{key} is not live"
        else:
            if impact == NEXT_BOOT:
                assert (boots(guest), guest.life(), change.shows(guest)) == (before, life, False), f"{key}: at once"
                assert fleet.is_converged(), key
                rebooted = fleet.run("hard_reboot", instances="web", only_fleet=fleet.name)
                assert rebooted.code == 0, rebooted.text
            guest.await_boot(len(before) + 1)
            assert change.shows(guest), key
            found = "1" if impact == DATA_LOST else str(int(before[-1]) + 1)
            assert boots(guest) == [*before, found], f"{key}: not {impact}, once"
        assert fleet.is_converged(), key


def test_what_does_not_fit_is_told_and_leaves_the_guest_alone(fleet: LabFleet, guest: Guest) -> None:
    life = guest.life()
    fleet.declare(flavor(vcpus=2, memory_mb=1 << 22, root_gb=2), web={"host": "kvm2"})
    refused = fleet.run(consent="restart,rebuild")
    assert refused.code == 2
    assert "does not fit on kvm2" in said(refused)
    assert guest.record()["spec"]["flavor"]["memory_mb"] == 256
    fleet.declare(flavor(vcpus=2, memory_mb=256, root_gb=1), web={"host": "kvm2"})
    refused = fleet.run(consent="restart")
    assert "flavor.root_gb 2 -> 1 needs a new instance" in said(refused)
    assert size_of(guest, "vda") == 2 * GIBIBYTE
    assert guest.life() == life


def test_hand_edits_are_told_and_put_right_by_consent(fleet: LabFleet, guest: Guest) -> None:
    number = len(boots(guest))
    fleet.declare(flavor(vcpus=2, memory_mb=256, root_gb=2), web={"host": "kvm2"})
    fleet.apply(consent="restart,rebuild")
    guest.await_boot(number + 1)
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
    await_condition(lambda: has_disks(3)(guest), "the guest has the disk")
    told = fleet.run()
    assert f"disk {disk} none -> virtio. Say consent=drift to put it right." in said(told)
    fleet.apply(consent="drift")
    assert has_disks(2)(guest)
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
