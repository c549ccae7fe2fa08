# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes in pools, encrypted, limited and moved, as real guests see them."""

from __future__ import annotations

import secrets
import shutil
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import volume_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.pool import StoragePool
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_xml import (
    VolumeDisk,
    volume_element,
)
from support.lab_fleet import POOL, LabFleet, await_condition
from support.lab_guest import Guest

MEBIBYTE = 1 << 20
MARKER = "the guest wrote this in plain words"
PASSPHRASE = "correct horse battery staple"
NBD_PORT = 10899
HOMES = {"web": "kvm2", "peer": "kvm1"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Path]:
    """A directory that all hosts of the lab see as the same one: none of them has its own there."""
    path = Path(f"/opt/novella-{secrets.token_hex(4)}")
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def nbd(lab: Any) -> Iterator[Path]:
    """A file of 1 GiB on kvm1 that an NBD server there offers."""
    host = lab.host("kvm1")
    served, pid = "/var/tmp/nbd.raw", "/var/tmp/nbd.pid"
    host.run(["qemu-img", "create", "-q", "-f", "raw", served, "1G"])
    listens = ["-b", host.address, "-p", str(NBD_PORT), "-x", "data", "-e", "4", "--pid-file", pid]
    host.run(["qemu-nbd", "--fork", "--persistent", "-f", "raw", *listens, served])
    yield host.files / served.lstrip("/")
    host.run(["sh", "-c", f"kill $(cat {pid}); rm -f {served}"])


@pytest.fixture(scope="module")
def fleet(lab: Any, shared: Path, nbd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFleet]:
    """One fleet of two guests on two hosts, for all tests here."""
    made = LabFleet(lab, tmp_path_factory.mktemp("fleet"))
    (made.folder / "key").write_text(PASSPHRASE + "\n")
    made.shared = shared  # type: ignore[attr-defined]
    declare(made)
    made.apply()
    for name in HOMES:
        guest(made, name).await_answer()
    yield made
    # No guest needs the passphrase to be let go of.
    made.end()


def declare(fleet: Any, size_gb: int = 1, limits: Any = None, **volumes: str) -> None:
    """Declare the two, and which volumes each has."""
    pools = {
        "shared": {"type": "shared_dir", "path": str(fleet.shared)},
        "server": {"type": "nbd", "host": fleet.lab.host("kvm1").address, "port": NBD_PORT},
    }
    declared: dict[str, Any] = {
        "data": {"size_gb": size_gb, "pool": "shared"},
        "remote": {"size_gb": 1, "pool": "server", "name_in_pool": "data"},
        "secret": {"size_gb": size_gb, "encrypted": True, "passphrase_file": "key"},
        "plain": {"size_gb": 1, **({"limits": limits} if limits else {})},
        "moved": {"size_gb": 1, "format": "raw", **({"limits": limits} if limits else {})},
    }
    bodies = {
        name: {"host": host, "volumes": [{"volume": item} for item in volumes.get(name, "").split()]}
        for name, host in HOMES.items()
    }
    fleet.declare({"storage_pools": pools, "volumes": declared}, **bodies)


def guest(fleet: LabFleet, name: str) -> Guest:
    return Guest(fleet.lab.host(HOMES[name]), f"{fleet.name}.{name}")


def uuid(fleet: LabFleet, name: str) -> str:
    return volume_uuid(fleet.name, "default", name)


def device(fleet: LabFleet, name: str, volume: str) -> str:
    """What a guest calls the disk with the serial number of a volume, or nothing."""
    serial = uuid(fleet, volume)[:20]
    look = f'for disk in /sys/block/*; do grep -qs "^{serial}" $disk/serial && basename $disk; done; true'
    return guest(fleet, name).execute(look).strip()


def attached(fleet: LabFleet, name: str, volume: str) -> str:
    await_condition(lambda: device(fleet, name, volume) != "", f"{volume} appears in {name}")
    return device(fleet, name, volume)


def write(fleet: LabFleet, name: str, disk: str) -> str:
    """Have a guest write at random behind a marker, and return the digest of it all."""
    script = f"(echo {MARKER}; head -c {4 * MEBIBYTE} /dev/urandom) > /dev/{disk} && sync"
    guest(fleet, name).execute(script)
    return digest(fleet, name, disk)


def digest(fleet: LabFleet, name: str, disk: str) -> str:
    """What a guest reads from the disk, and not from its memory of it."""
    script = f"echo 3 > /proc/sys/vm/drop_caches; head -c {4 * MEBIBYTE} /dev/{disk} | sha256sum"
    return guest(fleet, name).execute(script).split()[0]


def has_marker(path: Path) -> bool:
    return MARKER.encode() in path.read_bytes()[: 64 * MEBIBYTE]


def words(text: str) -> str:
    return " ".join(text.split())


def test_a_volume_of_a_shared_directory_goes_from_a_guest_of_one_host_to_one_of_another(fleet: Any) -> None:
    lives = guest(fleet, "web").life(), guest(fleet, "peer").life()
    declare(fleet, web="data")
    fleet.apply()
    written = write(fleet, "web", attached(fleet, "web", "data"))
    assert fleet.is_converged()
    owner = fleet.shared / f"{uuid(fleet, 'data')}.volume.owner"
    assert "kvm2" in owner.read_text()
    asked = {"only_fleet": fleet.name, "operation": "attach_volume", "volume": {"name": "data"}}

    declare(fleet, web="", peer="data")
    fleet.apply()
    assert device(fleet, "web", "data") == ""
    assert digest(fleet, "peer", attached(fleet, "peer", "data")) == written
    assert "kvm1" in owner.read_text()
    assert fleet.is_converged()
    refused = fleet.run("act", instances="web", **asked)
    assert refused.code == 2
    assert "on kvm1, and one guest at a time can have it" in words(refused.text)
    assert (guest(fleet, "web").life(), guest(fleet, "peer").life()) == lives

    declare(fleet, size_gb=2, peer="data")
    fleet.apply()
    disk = attached(fleet, "peer", "data")
    size = f"/sys/block/{disk}/size"
    await_condition(lambda: int(guest(fleet, "peer").read(size)) * 512 == 2 << 30, "the guest sees the new size")
    assert digest(fleet, "peer", disk) == written


def test_a_guest_writes_to_what_an_nbd_server_has_and_nothing_is_deleted_there(fleet: Any, nbd: Path) -> None:
    declare(fleet, size_gb=2, web="remote")
    fleet.apply()
    written = write(fleet, "web", attached(fleet, "web", "remote"))
    assert fleet.is_converged()
    declare(fleet, size_gb=2)
    fleet.apply(prune=True, consent="delete_volume")
    assert device(fleet, "web", "remote") == ""
    assert has_marker(nbd)
    declare(fleet, size_gb=2, peer="remote")
    fleet.apply()
    assert digest(fleet, "peer", attached(fleet, "peer", "remote")) == written
    declare(fleet, size_gb=2)
    fleet.apply()


def test_an_encrypted_volume_is_plain_to_its_guest_alone(fleet: Any) -> None:
    host = fleet.lab.host("kvm2")
    declare(fleet, web="secret")
    fleet.apply()
    written = write(fleet, "web", attached(fleet, "web", "secret"))
    assert fleet.is_converged()
    file = host.files / POOL / f"{uuid(fleet, 'secret')}.volume.qcow2"
    assert not has_marker(file)
    assert "encrypted: yes" in host.run(["qemu-img", "info", "-U", str(Path("/", POOL, file.name))])
    web = guest(fleet, "web")
    seen = [host.virsh("dumpxml", "--security-info", web.domain), host.run(["ps", "axww", "-o", "args"])]
    seen += [str(web.record()), (fleet.folder / "key").name]
    assert not any(PASSPHRASE in text for text in seen)
    kept = host.files / "var/lib/novella/passphrases" / uuid(fleet, "secret")
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == (PASSPHRASE, 0o600)
    assert all(PASSPHRASE.encode() not in path.read_bytes() for path in kept.parents[1].glob("tracker.db*"))

    boots = web.console.count("READY hostname")
    rebooted = fleet.run("hard_reboot", instances="web", only_fleet=fleet.name)
    assert rebooted.code == 0, rebooted.text
    web.await_boot(boots + 1)
    assert digest(fleet, "web", attached(fleet, "web", "secret")) == written
    declare(fleet, size_gb=2)
    fleet.apply()
    assert uuid(fleet, "secret") not in host.virsh("secret-list")
    # It has let go of it, and grows with nobody there.
    declare(fleet, size_gb=2, web="secret")
    fleet.apply()
    assert digest(fleet, "web", attached(fleet, "web", "secret")) == written
    declare(fleet, size_gb=2)
    fleet.apply()


def test_limits_hold_at_once_and_go_again(fleet: Any) -> None:
    declare(fleet, size_gb=2, web="plain")
    fleet.apply()
    disk, life = attached(fleet, "web", "plain"), guest(fleet, "web").life()
    declare(fleet, size_gb=2, web="plain", limits={"write_bytes_sec": MEBIBYTE, "read_iops_sec": 500})
    told = fleet.run("plan")
    assert "volumes.plain.limits none -> read_iops_sec 500, write_bytes_sec 1048576 (live)" in words(told.text)
    fleet.apply()
    began = time.monotonic()
    guest(fleet, "web").execute(f"dd if=/dev/zero of=/dev/{disk} bs=64k count=64 conv=fsync 2>/dev/null")
    assert time.monotonic() - began > 2
    xml = guest(fleet, "web").home.virsh("dumpxml", "--inactive", guest(fleet, "web").domain)
    assert "<write_bytes_sec>1048576</write_bytes_sec>" in xml
    assert fleet.is_converged()
    declare(fleet, size_gb=2, web="plain")
    fleet.apply()
    assert "write_bytes_sec" not in guest(fleet, "web").home.virsh("dumpxml", guest(fleet, "web").domain)
    assert guest(fleet, "web").life() == life
    assert fleet.is_converged()


def test_a_running_guest_is_moved_to_another_volume_and_keeps_its_data(fleet: Any) -> None:
    web, host = guest(fleet, "web"), fleet.lab.host("kvm2")
    declare(fleet, size_gb=2, web="plain")
    fleet.apply()
    disk, life = attached(fleet, "web", "plain"), web.life()
    written = write(fleet, "web", disk)
    asked = {"volume": {"name": "plain"}, "new_volume": {"name": "moved", "format": "raw"}}
    swapped = fleet.run("act", instances="web", only_fleet=fleet.name, operation="swap_volume", **asked)
    assert swapped.code == 0, swapped.text
    assert (digest(fleet, "web", disk), web.life()) == (written, life)
    old, new = (host.files / POOL / f"{uuid(fleet, name)}.volume" for name in ("plain", "moved"))
    assert has_marker(new.with_suffix(".volume.raw"))
    assert old.with_suffix(".volume.qcow2").exists()
    for view in ([], ["--inactive"]):
        xml = host.virsh("dumpxml", *view, web.domain)
        assert (new.name in xml, old.name in xml) == (True, False)
    assert [item["name"] for item in web.record()["spec"]["volumes"]] == ["moved"]
    # What the guest writes from now on goes to the new one.
    written = write(fleet, "web", disk)
    declare(fleet, size_gb=2, web="moved")
    assert fleet.is_converged()
    boots = web.console.count("READY hostname")
    rebooted = fleet.run("hard_reboot", instances="web", only_fleet=fleet.name)
    assert rebooted.code == 0, rebooted.text
    web.await_boot(boots + 1)
    assert digest(fleet, "web", attached(fleet, "web", "moved")) == written
    declare(fleet, size_gb=2)
    fleet.apply()
    assert device(fleet, "web", "moved") == ""


def test_libvirt_takes_the_disks_of_pools_that_the_lab_cannot_run(fleet: Any) -> None:
    host = fleet.lab.host("kvm2")
    tree = ET.fromstring(host.virsh("dumpxml", "--inactive", guest(fleet, "web").domain))
    for element in tree.findall("uuid") + tree.findall("metadata"):
        tree.remove(element)
    name = tree.find("name")
    assert name is not None
    name.text = f"{fleet.name}.never-started"
    pools = {
        "lvm": (StoragePool("lvm", "lvm", vg="vg0"), "data"),
        "rbd": (StoragePool("rbd", "rbd", host="mon1", rbd_pool="volumes"), "data"),
        "iscsi": (StoragePool("iscsi", "iscsi", host="san1", iqn="iqn.2026-01.org.example:store"), "1"),
        "nbd": (StoragePool("nbd", "nbd", host="store1"), "data"),
    }
    for (pool, word), target in zip(pools.values(), ("vdw", "vdx", "vdy", "vdz")):
        request = VolumeRequest(secrets.token_hex(16), pool.name, 1, "raw", pool=pool, name_in_pool=word)
        tree.find("devices").append(volume_element(VolumeDisk(request, "", target)))  # type: ignore[union-attr]
    file = host.files / "var/tmp/never-started.xml"
    file.write_text(ET.tostring(tree, encoding="unicode"))
    host.virsh("define", "--validate", "/var/tmp/never-started.xml")
    host.virsh("undefine", name.text)
    file.unlink()
