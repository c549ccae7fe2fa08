# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes of real guests, as the guests see them.

The tests follow each other: what one has written, the next ones find.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import volume_uuid
from support.lab_fleet import POOL, LabFleet, await_condition
from support.lab_guest import Guest, guest_of

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30
WITH_DATA: dict[str, Any] = {"volumes": [{"volume": "data"}]}


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet of two guests on one host, for all tests here."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    declare(made, 1)
    made.apply()
    for name in ("web", "peer"):
        guest_of(made, name).await_answer()
    yield made
    made.end()


@pytest.fixture
def web(fleet: LabFleet) -> Guest:
    return guest_of(fleet, "web")


@pytest.fixture
def peer(fleet: LabFleet) -> Guest:
    return guest_of(fleet, "peer")


def declare(fleet: LabFleet, size_gb: int, **bodies: Any) -> None:
    """Declare the two, and the volume."""
    instances = {name: {"host": "kvm2", **bodies.get(name, {})} for name in ("web", "peer")}
    fleet.declare({"volumes": {"data": {"size_gb": size_gb}}}, **instances)


def device(fleet: LabFleet, guest: Guest, name: str = "data") -> str:
    """What a guest calls the disk with the serial number of the volume, or nothing."""
    serial = volume_uuid(fleet.name, "default", name)[:20]
    look = f'for disk in /sys/block/*; do grep -qs "^{serial}" $disk/serial && basename $disk; done; true'
    return guest.execute(look).strip()


def size(guest: Guest, disk: str) -> int:
    return int(guest.read(f"/sys/block/{disk}/size")) * 512


def digest(guest: Guest, disk: str) -> str:
    """What a guest reads from the first mebibytes of a disk, and not from its memory of it."""
    return guest.execute(f"echo 3 > /proc/sys/vm/drop_caches; head -c {4 * MEBIBYTE} /dev/{disk} | sha256sum").split()[
        0
    ]


def volume_files(guest: Guest, fleet: LabFleet) -> list[Path]:
    return sorted((guest.home.files / POOL).glob(f"{volume_uuid(fleet.name, 'default', 'data')}.volume.*"))


def test_a_volume_goes_from_one_running_guest_to_another_with_all_that_is_on_it(
    fleet: LabFleet, web: Guest, peer: Guest
) -> None:
    lives = web.life(), peer.life()
    assert device(fleet, web) == ""
    declare(fleet, 1, web=WITH_DATA)
    fleet.apply()
    await_condition(lambda: device(fleet, web) != "", "the disk appears in the guest")
    disk = device(fleet, web)
    assert size(web, disk) == GIBIBYTE
    web.execute(f"head -c {4 * MEBIBYTE} /dev/urandom > /dev/{disk} && sync")
    written = digest(web, disk)
    assert fleet.is_converged()

    declare(fleet, 1, peer=WITH_DATA)
    fleet.apply()
    assert device(fleet, web) == ""
    await_condition(lambda: device(fleet, peer) != "", "the disk appears in the other guest")
    assert digest(peer, device(fleet, peer)) == written
    assert (web.life(), peer.life()) == lives
    assert fleet.is_converged()


def test_a_volume_grows_under_a_running_guest_and_keeps_what_is_on_it(fleet: LabFleet, peer: Guest) -> None:
    life, disk = peer.life(), device(fleet, peer)
    written = digest(peer, disk)
    declare(fleet, 2, peer=WITH_DATA)
    fleet.apply()
    await_condition(lambda: size(peer, disk) == 2 * GIBIBYTE, "the guest sees the new size")
    assert (digest(peer, disk), peer.life()) == (written, life)
    assert fleet.is_converged()
    declare(fleet, 1, peer=WITH_DATA)
    refused = fleet.run()
    assert refused.code == 2
    assert "size_gb 2 -> 1: a volume never shrinks" in " ".join(refused.text.split())
    assert size(peer, disk) == 2 * GIBIBYTE


def test_a_volume_that_another_guest_has_is_refused_by_name(fleet: LabFleet, web: Guest) -> None:
    volume = {"name": "data"}
    ended = fleet.run("act", instances="web", only_fleet=fleet.name, operation="attach_volume", volume=volume)
    assert ended.code == 2
    assert "The volume 'data' is attached to peer" in " ".join(ended.text.split())
    assert device(fleet, web) == ""


def test_rebuilds_and_hard_reboots_keep_the_volume_and_its_data(fleet: LabFleet, peer: Guest) -> None:
    declare(fleet, 2, peer=WITH_DATA)
    written = digest(peer, device(fleet, peer))
    for number, operation in enumerate(("rebuild", "hard_reboot"), 2):
        ended = fleet.run(operation, instances="peer", only_fleet=fleet.name)
        assert ended.code == 0, ended.text
        peer.await_boot(number)
        disk = device(fleet, peer)
        assert (size(peer, disk), digest(peer, disk)) == (2 * GIBIBYTE, written)
    assert fleet.is_converged()


def test_a_deleted_instance_leaves_its_volume_for_the_next_one(fleet: LabFleet, web: Guest, peer: Guest) -> None:
    written = digest(peer, device(fleet, peer))
    kept = {"host": "kvm2"}
    fleet.declare({"volumes": {"data": {"size_gb": 2}}}, web=kept)
    fleet.apply(prune=True, consent="delete_volume")
    assert "peer" not in fleet.homes()
    assert [path.suffix for path in volume_files(web, fleet)] == [".json", ".qcow2"]
    fleet.declare({"volumes": {"data": {"size_gb": 2}}}, web={**kept, **WITH_DATA})
    fleet.apply()
    await_condition(lambda: device(fleet, web) != "", "the disk appears in the guest")
    assert digest(web, device(fleet, web)) == written


def test_an_undeclared_volume_stays_until_its_loss_is_consented_to(fleet: LabFleet, web: Guest) -> None:
    fleet.declare({}, web={"host": "kvm2"})
    fleet.apply(prune=True)
    assert device(fleet, web) == ""
    assert len(volume_files(web, fleet)) == 2
    fleet.apply(prune=True, consent="delete_volume")
    assert volume_files(web, fleet) == []


def test_a_scsi_disk_is_plugged_into_a_running_guest_or_said_to_be_for_a_stopped_one(
    fleet: LabFleet, web: Guest
) -> None:
    fleet.declare({}, web={"host": "kvm2", "volumes": [{"size_gb": 1, "bus": "sata"}]})
    refused = fleet.run()
    assert refused.code == 2
    assert "a sata disk cannot be given to a running guest. Stop it first" in " ".join(refused.text.split())
    fleet.declare({}, web={"host": "kvm2", "volumes": [{"size_gb": 1, "bus": "scsi"}]})
    fleet.apply()
    xml = web.home.virsh("dumpxml", web.domain)
    assert xml.count("model='virtio-scsi'") == 1
    assert volume_uuid(fleet.name, "default", "web/0") in xml
    assert fleet.is_converged()
