# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What real guests boot from, and their other disks, as the guests see them.

The tests follow each other: what one has written, the next ones find.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid, volume_uuid
from support.lab_fleet import PARTS, POOL, LabFleet, await_condition
from support.lab_guest import Guest, guest_of

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30
PART = {
    "flavors": {
        **PARTS["flavors"],
        "roomy": {"vcpus": 1, "memory_mb": 128, "root_gb": 1, "ephemeral_gb": 2, "swap_mb": 64},
    }
}
ROOT = {"root": {"size_gb": 1, "image": "guest"}}
FROM_ROOT = {"host": "kvm2", "volumes": [{"volume": "root", "boot_index": 0}]}
DIVIDED = {"host": "kvm2", "flavor": "roomy", "ephemeral": [{"size_gb": 1}, {"size_gb": 1, "format": "none"}]}


@pytest.fixture(scope="module")
def fleet(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet on one host, for all tests here."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    yield made
    made.end()


def declare(fleet: LabFleet, volumes: dict[str, Any], **bodies: dict[str, Any]) -> None:
    """Declare instances, without an image where they boot from a volume."""
    fleet.declare({**PART, "volumes": volumes}, **bodies)
    path = fleet.folder / "fleet.yml"
    import yaml

    content = yaml.safe_load(path.read_text())
    for body in content["instances"].values():
        if any(item.get("boot_index") == 0 for item in body.get("volumes", [])):
            del body["image"]
    path.write_text(yaml.safe_dump(content))


def flat(text: str) -> str:
    return " ".join(text.split())


def disks(guest: Guest) -> dict[str, int]:
    """By name: the size in bytes of what the guest has as disks, in its order."""
    said = guest.execute('for disk in /sys/block/vd*; do echo "${disk##*/} $(cat $disk/size)"; done')
    return {name: int(size) * 512 for name, size in (line.split() for line in said.splitlines())}


def serials(guest: Guest) -> dict[str, str]:
    said = guest.execute('for disk in /sys/block/vd*; do echo "${disk##*/} $(cat $disk/serial)"; done')
    return {words[0]: words[1] for words in map(str.split, said.splitlines()) if len(words) == 2}


def digest(guest: Guest, disk: str, skip: int = 0) -> str:
    """What a guest reads of four mebibytes of a disk, and not from its memory of it."""
    read = f"dd if=/dev/{disk} bs={MEBIBYTE} skip={skip} count=4 2>/dev/null | sha256sum"
    return guest.execute(f"echo 3 > /proc/sys/vm/drop_caches; {read}").split()[0]


def files(fleet: LabFleet, name: str) -> list[str]:
    """What lies in the pool under an instance's uuid."""
    uuid = instance_uuid(fleet.name, "default", name)
    pool = fleet.lab.host("kvm2").files / POOL
    return sorted(path.name.partition(".")[2] for path in pool.glob(f"{uuid}.*"))


def volume_file(fleet: LabFleet, name: str) -> Path:
    return fleet.lab.host("kvm2").files / POOL / f"{volume_uuid(fleet.name, 'default', name)}.volume.qcow2"


def test_an_instance_boots_from_a_volume_that_is_made_of_an_image(fleet: LabFleet) -> None:
    declare(fleet, ROOT, web=FROM_ROOT)
    fleet.apply()
    web = guest_of(fleet, "web")
    web.await_boot(1)
    assert disks(web)["vda"] == GIBIBYTE
    assert serials(web)["vda"] == volume_uuid(fleet.name, "default", "root")[:20]
    assert "NOVELLA-GUEST boots=1" in web.console
    assert files(fleet, "web") == ["config.iso"], "it has no root disk of its own"
    assert fleet.is_converged()


def test_it_cannot_be_rescued_copied_rebuilt_otherwise_or_lose_the_volume(fleet: LabFleet) -> None:
    web = guest_of(fleet, "web")
    life = web.life()
    for operation, options in (
        ("rescue", {}),
        ("rebuild", {"image": {"source": "/srv/images/other.qcow2"}}),
        ("detach_volume", {"volume": {"name": "root"}}),
    ):
        ended = fleet.run("act", instances="web", only_fleet=fleet.name, operation=operation, **options)
        assert ended.code == 2, ended.text
        assert "web boots from the volume 'root'" in flat(ended.text)
    declare(fleet, {"root": {"size_gb": 1}}, web={"host": "kvm2"})
    refused = fleet.run()
    assert refused.code == 2
    assert "volumes.root cannot be taken away: the instance boots from it" in flat(refused.text)
    assert web.life() == life


def test_a_root_volume_grows_under_the_guest_and_keeps_what_is_on_it(fleet: LabFleet) -> None:
    web = guest_of(fleet, "web")
    life = web.life()
    web.execute(f"dd if=/dev/urandom of=/dev/vda bs={MEBIBYTE} seek=500 count=4 2>/dev/null && sync")
    written = digest(web, "vda", 500)
    declare(fleet, {"root": {"size_gb": 2, "image": "guest"}}, web=FROM_ROOT)
    fleet.apply()
    await_condition(lambda: disks(web)["vda"] == 2 * GIBIBYTE, "the guest sees the new size")
    assert (digest(web, "vda", 500), web.life()) == (written, life)
    assert fleet.is_converged()


def test_its_volume_outlives_it_and_is_read_by_another(fleet: LabFleet) -> None:
    web = guest_of(fleet, "web")
    written = digest(web, "vda", 500)
    volumes = {"root": {"size_gb": 2, "image": "guest"}}
    declare(fleet, volumes)
    fleet.apply(prune=True)
    assert fleet.homes() == {}
    assert volume_file(fleet, "root").exists()
    declare(fleet, volumes, heir=FROM_ROOT)
    fleet.apply()
    heir = guest_of(fleet, "heir")
    heir.await_boot(1)
    assert "NOVELLA-GUEST boots=2" in heir.console, "it goes on counting where the other had stopped"
    assert digest(heir, "vda", 500) == written


def test_another_image_for_a_volume_is_refused_and_changes_nothing(fleet: LabFleet) -> None:
    heir = guest_of(fleet, "heir")
    written = digest(heir, "vda", 500)
    other = {"guest": PARTS["images"]["guest"], "other": {"source": "/srv/images/other.qcow2"}}
    fleet.declare({**PART, "images": other, "volumes": {"root": {"size_gb": 2, "image": "other"}}})
    path = fleet.folder / "fleet.yml"
    body = "{flavor: tiny, host: kvm2, networks: [{network: front}], volumes: [{volume: root, boot_index: 0}]}"
    path.write_text(path.read_text().replace("instances: {}", f"instances: {{heir: {body}}}"))
    refused = fleet.run()
    assert refused.code == 2
    assert "made of image guest, and image other is declared: what is on it is kept" in flat(refused.text)
    assert digest(heir, "vda", 500) == written


def test_ephemeral_disks_and_swap_are_in_the_guest_in_novas_order(fleet: LabFleet) -> None:
    declare(fleet, {}, web=DIVIDED)
    fleet.apply(prune=True, consent="delete_volume")
    assert not volume_file(fleet, "root").exists()
    web = guest_of(fleet, "web")
    web.await_boot(1)
    sizes = disks(web)
    assert [sizes[name] for name in ("vda", "vdb", "vdc", "vdd")] == [GIBIBYTE, GIBIBYTE, GIBIBYTE, 64 * MEBIBYTE]
    assert web.execute("findfs LABEL=ephemeral0").strip() == "/dev/vdb"
    assert web.execute("head -c 1048576 /dev/vdc | tr -d '\\0' | wc -c").strip() == "0"
    assert web.execute("dd if=/dev/vdd bs=1 skip=4086 count=10 2>/dev/null") == "SWAPSPACE2"
    web.execute("swapon /dev/vdd")
    assert "/dev/vdd" in web.read("/proc/swaps")
    web.execute("swapoff /dev/vdd")
    assert files(fleet, "web") == ["config.iso", "ephemeral0.raw", "ephemeral1.raw", "root.qcow2", "swap.raw"]
    assert fleet.is_converged()


def test_the_file_system_on_an_ephemeral_disk_is_sound(fleet: LabFleet) -> None:
    uuid = instance_uuid(fleet.name, "default", "web")
    disk = fleet.lab.host("kvm2").files / POOL / f"{uuid}.ephemeral0.raw"
    checked = subprocess.run(["/usr/sbin/e2fsck", "-f", "-n", str(disk)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def test_a_rebuild_makes_them_anew_unless_they_are_to_be_preserved(fleet: LabFleet) -> None:
    web = guest_of(fleet, "web")
    web.execute("echo precious | dd of=/dev/vdc conv=notrunc 2>/dev/null && sync")
    ended = fleet.run("act", instances="web", only_fleet=fleet.name, operation="rebuild", preserve_ephemeral=True)
    assert ended.code == 0, ended.text
    web.await_boot(2)
    assert web.execute("head -c 8 /dev/vdc") == "precious"
    ended = fleet.run("act", instances="web", only_fleet=fleet.name, operation="rebuild")
    assert ended.code == 0, ended.text
    web.await_boot(3)
    assert web.execute("head -c 8 /dev/vdc | tr -d '\\0'") == ""
    assert files(fleet, "web") == ["config.iso", "ephemeral0.raw", "ephemeral1.raw", "root.qcow2", "swap.raw"]
    assert fleet.is_converged()


def test_a_file_system_that_the_host_cannot_make_is_refused_and_nothing_is_left(fleet: LabFleet) -> None:
    declare(fleet, {}, web=DIVIDED, other={**DIVIDED, "ephemeral": [{"size_gb": 1, "format": "vfat"}]})
    refused = fleet.run()
    if refused.code == 0:
        pytest.skip("this host can make vfat")
    assert "mkfs.vfat is missing on this host. Install the package dosfstools" in flat(refused.text)
    assert files(fleet, "other") == []


def test_they_go_with_their_instance(fleet: LabFleet) -> None:
    declare(fleet, {})
    fleet.apply(prune=True)
    assert files(fleet, "web") == []
