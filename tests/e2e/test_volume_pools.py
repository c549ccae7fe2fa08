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
IQN = "iqn.2026-11.org.example:novella"
# Run on a host: kills whoever works there, as soon as QEMU copies a disk of a domain.
KILLER = """
import os, sqlite3, sys, time
import libvirt
domain = libvirt.openReadOnly("qemu:///system").lookupByName(sys.argv[1])
end = time.monotonic() + 120
while "<mirror" not in domain.XMLDesc():
    if time.monotonic() > end:
        sys.exit("nothing was copied")
    time.sleep(0.002)
[[owner]] = sqlite3.connect("file:/var/lib/novella/tracker.db?mode=ro", uri=True).execute("SELECT owner FROM journal")
os.kill(int(owner.split(":")[1]), 9)
"""
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
def iscsi(lab: Any) -> Iterator[Path]:
    """A file of 1 GiB on kvm3, which has none of the guests, that is LUN 1 of an iSCSI target there."""
    host = lab.host("kvm3")
    served, pid = "/var/tmp/lun.raw", "/run/tgtd/pid"
    host.run(["truncate", "-s", "1G", served])
    host.run(["mkdir", "-p", "/run/tgtd"])
    host.run(["tgtd", "--iscsi", f"portal={host.address}:3260", "--pid-file", pid])

    def admin(mode: str, operation: str, *arguments: str) -> bool:
        order = ["tgtadm", "--lld", "iscsi", "--mode", mode, "--op", operation, "--tid", "1", *arguments]
        return "done" in host.run(["sh", "-c", '"$@" && echo done', "sh", *order], check=False)

    # It listens a moment after it has gone to the background.
    await_condition(lambda: admin("target", "new", "--targetname", IQN), "the target is made")
    assert admin("logicalunit", "new", "--lun", "1", "--backing-store", served)
    assert admin("target", "bind", "--initiator-address", "ALL")
    yield host.files / served.lstrip("/")
    # It leaves no target by itself.
    host.run(["sh", "-c", f"kill -KILL $(cat {pid}); rm -rf /run/tgtd {served}"])


@pytest.fixture(scope="module")
def fleet(
    lab: Any, shared: Path, nbd: Path, iscsi: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LabFleet]:
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


def declare(fleet: Any, size_gb: int = 1, limits: Any = None, pool: str = "", **volumes: str) -> None:
    """Declare the two, which volumes each has, and in which pool the plain one is."""
    pools = {
        "shared": {"type": "shared_dir", "path": str(fleet.shared)},
        "server": {"type": "nbd", "host": fleet.lab.host("kvm1").address, "port": NBD_PORT},
        "san": {"type": "iscsi", "host": fleet.lab.host("kvm3").address, "iqn": IQN},
    }
    declared: dict[str, Any] = {
        "data": {"size_gb": size_gb, "pool": "shared"},
        "remote": {"size_gb": 1, "pool": "server", "name_in_pool": "data"},
        "unit": {"size_gb": 1, "pool": "san", "name_in_pool": "1"},
        "secret": {"size_gb": size_gb, "encrypted": True, "passphrase_file": "key"},
        "plain": {"size_gb": 1, **({"limits": limits} if limits else {}), **({"pool": pool} if pool else {})},
        "spare": {"size_gb": 1},
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


def turned(fleet: LabFleet, playbook: str) -> int:
    """Do something with the power of web, and return how often it has booted until then."""
    boots = guest(fleet, "web").console.count("READY hostname")
    ended = fleet.run(playbook, instances="web", only_fleet=fleet.name)
    assert ended.code == 0, ended.text
    return boots


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


def test_a_guest_writes_to_what_a_server_has_and_one_of_another_host_reads_it(
    fleet: Any, nbd: Path, iscsi: Path
) -> None:
    lives = guest(fleet, "web").life(), guest(fleet, "peer").life()
    declare(fleet, size_gb=2, web="remote unit")
    fleet.apply()
    written = {name: write(fleet, "web", attached(fleet, "web", name)) for name in ("remote", "unit")}
    assert written["remote"] != written["unit"]
    assert fleet.is_converged()
    # Nothing is deleted on the server.
    declare(fleet, size_gb=2)
    fleet.apply(prune=True, consent="delete_volume")
    assert [device(fleet, "web", name) for name in written] == ["", ""]
    assert has_marker(nbd)
    assert has_marker(iscsi)
    declare(fleet, size_gb=2, peer="remote unit")
    fleet.apply()
    assert {name: digest(fleet, "peer", attached(fleet, "peer", name)) for name in written} == written
    declare(fleet, size_gb=2)
    fleet.apply()
    assert (guest(fleet, "web").life(), guest(fleet, "peer").life()) == lives


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

    declare(fleet, size_gb=2)
    fleet.apply()
    assert uuid(fleet, "secret") not in host.virsh("secret-list")
    # It has let go of it, and grows with nobody there.
    declare(fleet, size_gb=2, web="secret")
    fleet.apply()
    assert digest(fleet, "web", attached(fleet, "web", "secret")) == written


def test_an_encrypted_volume_outlives_its_hosts_libvirtd_and_a_power_cut(fleet: Any) -> None:
    """It is the one of the test before this."""
    web, host = guest(fleet, "web"), fleet.lab.host("kvm2")
    declare(fleet, size_gb=2, web="secret")
    fleet.apply()
    disk, life = attached(fleet, "web", "secret"), web.life()
    written = write(fleet, "web", disk)
    host.run(["bash", "-c", "kill -KILL $(cat /run/libvirtd.pid)"])
    host.run(["libvirtd", "-d", "-l", "-p", "/run/libvirtd.pid"])
    await_condition(lambda: web.answers, "libvirtd knows the guest again", 120)
    assert (digest(fleet, "web", disk), web.life()) == (written, life)
    assert fleet.is_converged()

    # What libvirt has forgotten, it is told again.
    boots = turned(fleet, "stop")
    host.virsh("secret-undefine", uuid(fleet, "secret"))
    turned(fleet, "start")
    web.await_boot(boots + 1)
    assert digest(fleet, "web", attached(fleet, "web", "secret")) == written
    turned(fleet, "hard_reboot")
    web.await_boot(boots + 2)
    assert digest(fleet, "web", attached(fleet, "web", "secret")) == written
    assert fleet.is_converged()

    boots = web.console.count("READY hostname")
    host.power_off()
    host.power_on()
    fleet.apply()
    web.await_boot(boots + 1)
    assert digest(fleet, "web", attached(fleet, "web", "secret")) == written
    assert fleet.is_converged()
    declare(fleet, size_gb=2)
    fleet.apply()
    assert uuid(fleet, "secret") not in host.virsh("secret-list")


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


def test_a_volume_stays_where_its_data_are_whatever_pool_is_declared_for_it(fleet: Any) -> None:
    declare(fleet, size_gb=2, web="plain")
    fleet.apply()
    disk, life = attached(fleet, "web", "plain"), guest(fleet, "web").life()
    written = write(fleet, "web", disk)
    declare(fleet, size_gb=2, web="plain", pool="shared")
    refused = fleet.run(consent="restart,rebuild,drift")
    assert refused.code == 2
    assert "volumes.plain.pool none -> shared: a volume stays where its data are" in words(refused.text)
    assert (digest(fleet, "web", disk), guest(fleet, "web").life()) == (written, life)
    # Whoever asked for the one that nobody has would get an empty one of the same name.
    declare(fleet, size_gb=2)
    fleet.apply()
    declare(fleet, size_gb=2, web="plain", pool="shared")
    refused = fleet.run(consent="restart,rebuild,drift")
    assert refused.code == 2
    where = "is in the directory of its host on kvm2, and is declared in the storage pool 'shared'"
    assert f"its volume 'plain' {where}" in words(refused.text)
    assert list(fleet.shared.glob(f"{uuid(fleet, 'plain')}*")) == []
    declare(fleet, size_gb=2, web="plain")
    fleet.apply()
    assert digest(fleet, "web", attached(fleet, "web", "plain")) == written
    assert guest(fleet, "web").life() == life
    declare(fleet, size_gb=2)
    fleet.apply()


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
    web.await_boot(turned(fleet, "hard_reboot") + 1)
    assert digest(fleet, "web", attached(fleet, "web", "moved")) == written
    declare(fleet, size_gb=2)
    fleet.apply()
    assert device(fleet, "web", "moved") == ""


def test_a_move_that_dies_while_the_data_are_copied_loses_none_of_them(fleet: Any) -> None:
    web, host = guest(fleet, "web"), fleet.lab.host("kvm2")
    declare(fleet, size_gb=2, web="plain")
    fleet.apply()
    disk, life = attached(fleet, "web", "plain"), web.life()
    # Enough that the copy is not whole before anybody has looked.
    web.execute(f"dd if=/dev/zero of=/dev/{disk} bs=1M seek=8 count=96 2>/dev/null && sync")
    asked = {"operation": "swap_volume", "volume": {"name": "plain"}, "new_volume": {"name": "spare"}}
    controller = fleet.start("act", instances="web", only_fleet=fleet.name, **asked)
    host.run(["python3", "-c", KILLER, web.domain], timeout=150)
    ended = controller.wait()
    assert ended.code != 0, ended.text
    # QEMU goes on copying, and the guest writing.
    written = write(fleet, "web", disk)
    new = host.files / POOL / f"{uuid(fleet, 'spare')}.volume.qcow2"
    assert new.exists()
    fleet.apply()
    assert (digest(fleet, "web", disk), web.life()) == (written, life)
    assert "<mirror" not in host.virsh("dumpxml", web.domain)
    assert not new.exists()
    assert fleet.is_converged()
    again = fleet.run("act", instances="web", only_fleet=fleet.name, **asked)
    assert again.code == 0, again.text
    assert (digest(fleet, "web", disk), web.life()) == (written, life)
    assert has_marker(new)
    declare(fleet, size_gb=2, web="spare")
    assert fleet.is_converged()
    declare(fleet, size_gb=2)
    fleet.apply()


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
    }
    for (pool, word), target in zip(pools.values(), ("vdw", "vdx")):
        request = VolumeRequest(secrets.token_hex(16), pool.name, 1, "raw", pool=pool, name_in_pool=word)
        tree.find("devices").append(volume_element(VolumeDisk(request, "", target)))  # type: ignore[union-attr]
    file = host.files / "var/tmp/never-started.xml"
    file.write_text(ET.tostring(tree, encoding="unicode"))
    host.virsh("define", "--validate", "/var/tmp/never-started.xml")
    host.virsh("undefine", name.text)
    file.unlink()
