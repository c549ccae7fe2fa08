# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of volumes, pools and ephemeral disks: rounds that follow each other."""

from __future__ import annotations

from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.identity import volume_uuid
from support.felt.evidence import Look, live_xml
from support.felt.trial import Change
from support.lab_guest import Guest

GIBIBYTE = 1 << 30
NBD_PORT = 10898
# Directories of the hosts.
SHELF, DRAWER, BOX, CRATE = (f"/var/lib/libvirt/impact-{name}" for name in ("shelf", "drawer", "box", "crate"))
KEYS = {"key": "correct horse battery staple\n", "other-key": "another horse\n"}
NAMED = ("data", "limited", "shelved", "boxed", "made", "remote", "secret", "filed", "swapped")
# The instance's own ones, which are called after it and their position.
OWN = tuple(f"web/{len(NAMED) + number}" for number in range(6))


def before(nbd_host: str) -> dict[str, Any]:
    """Return the fleet.

    Args:
        nbd_host: The address of a server that has an export `data` of 1 GiB.
    """
    return {
        "version": "1.0",
        "flavors": {"tiny": {"vcpus": 1, "memory_mb": 128, "root_gb": 1, "ephemeral_gb": 4}},
        "images": {"guest": {"source": "/srv/images/tiny.qcow2"}},
        "networks": {"front": {"libvirt_network": "default"}},
        "storage_pools": {
            "shelf": {"type": "dir", "path": SHELF},
            "drawer": {"type": "dir", "path": DRAWER},
            "box": {"type": "dir", "path": BOX},
            "server": {"type": "nbd", "host": nbd_host, "port": NBD_PORT},
        },
        "volumes": {
            "data": {"size_gb": 1},
            "limited": {"size_gb": 1},
            "shelved": {"size_gb": 1, "pool": "shelf"},
            "boxed": {"size_gb": 1, "pool": "box"},
            "made": {"size_gb": 1, "image": "guest"},
            "remote": {"size_gb": 1, "pool": "server", "name_in_pool": "data"},
            "secret": {"size_gb": 1, "encrypted": True, "passphrase": "correct horse battery staple"},
            "filed": {"size_gb": 1, "encrypted": True, "passphrase_file": "key"},
            "swapped": {"size_gb": 1},
            "spare": {"size_gb": 1},
            "other": {"size_gb": 1},
        },
        "instances": {
            "web": {
                "flavor": "tiny",
                "image": "guest",
                "host": "kvm2",
                "networks": [{"network": "front"}],
                "volumes": [*({"volume": name} for name in NAMED), *({"size_gb": 1} for _name in OWN)],
                "ephemeral": [{"size_gb": 1, "format": "none"}, {"size_gb": 1, "format": "none"}],
            },
        },
    }


def volume(name: str, **keys: Any) -> dict[str, Any]:
    return {"volumes": {name: keys}}


def item(number: int, **keys: Any) -> dict[str, Any]:
    """Return a change of one of the instance's volumes, by its position."""
    return {"instances": {"web": {"volumes": {number: keys}}}}


def own(number: int, **keys: Any) -> dict[str, Any]:
    return item(len(NAMED) + number, **keys)


def ephemeral(number: int, **keys: Any) -> dict[str, Any]:
    return {"instances": {"web": {"ephemeral": {number: keys}}}}


def serial(guest: Guest, name: str) -> str:
    return volume_uuid(guest.domain.partition(".")[0], "default", name)[:20]


def size_of(name: str) -> Look:
    """The size in bytes of the disk of a volume, or nothing where the guest has no such disk."""

    def look(guest: Guest) -> int | None:
        find = f'grep -qs "^{serial(guest, name)}" $disk/serial && cat $disk/size'
        said = guest.execute(f"for disk in /sys/block/*; do {find}; done; true").strip()
        return int(said) * 512 if said else None

    return look


def disk_has(name: str, path: str) -> Look:
    """Whether the disk of a volume has such an element, as the domain runs."""

    def look(guest: Guest) -> bool:
        [disk] = [
            disk
            for disk in live_xml(guest).findall("devices/disk")
            if (disk.findtext("serial") or "").startswith(serial(guest, name))
        ]
        return disk.find(path) is not None

    return look


def goes_with_the_instance(name: str) -> Look:
    """Whether the record says so of a volume."""

    def look(guest: Guest) -> bool:
        [found] = [found for found in guest.record()["spec"]["volumes"] if found["name"] == name]
        return bool(found.get("delete_on_termination"))

    return look


ROUNDS: dict[str, tuple[Change, ...]] = {
    "what a running guest is given": (
        Change(
            "volumes.size_gb",
            volume("data", size_gb=2),
            "volumes.data.size_gb 1 -> 2",
            size_of("data"),
            2 * GIBIBYTE,
        ),
        Change(
            "volumes.limits",
            volume("limited", limits={"total_iops_sec": 500}),
            "volumes.limited.limits none -> total_iops_sec 500",
            disk_has("limited", "iotune/total_iops_sec"),
            True,
        ),
        Change(
            "instances.volumes",
            own(len(OWN), volume="spare"),
            "volumes.spare none -> 1 GiB",
            size_of("spare"),
            GIBIBYTE,
        ),
        Change(
            "instances.volumes.volume",
            item(NAMED.index("swapped"), volume="other"),
            "volumes.other none -> 1 GiB",
            lambda guest: (size_of("swapped")(guest), size_of("other")(guest)),
            (None, GIBIBYTE),
        ),
        Change(
            "instances.volumes.size_gb",
            own(0, size_gb=2),
            f"volumes.{OWN[0]}.size_gb 1 -> 2",
            size_of(OWN[0]),
            2 * GIBIBYTE,
        ),
        Change(
            "instances.volumes.bus",
            own(1, bus="scsi"),
            f"volumes.{OWN[1]}.bus virtio -> scsi",
            disk_has(OWN[1], "target[@bus='scsi']"),
            True,
        ),
        Change(
            "instances.volumes.delete_on_termination",
            own(2, delete_on_termination=True),
            f"volumes.{OWN[2]}.delete_on_termination False -> True",
            goes_with_the_instance(OWN[2]),
            True,
        ),
        Change(
            "instances.volumes.limits",
            own(3, limits={"read_bytes_sec": 1 << 20}),
            f"volumes.{OWN[3]}.limits none -> read_bytes_sec 1048576",
            disk_has(OWN[3], "iotune/read_bytes_sec"),
            True,
        ),
    ),
    "what counts when a volume is made": (
        Change("volumes.passphrase", volume("secret", passphrase="another horse")),
        Change("volumes.passphrase_file", volume("filed", passphrase_file="other-key")),
    ),
    "what a volume stays": (
        Change("volumes.pool", volume("shelved", pool="drawer"), "volumes.shelved.pool shelf -> drawer"),
        Change(
            "volumes.name_in_pool",
            volume("remote", name_in_pool="other"),
            "volumes.remote.pool server/data -> server/other",
        ),
        Change(
            "volumes.encrypted",
            volume("filed", encrypted=None, passphrase_file=None),
            "volumes.filed.encrypted True -> False",
        ),
        Change(
            "volumes.image",
            {"images": {"other": {"source": "/srv/images/other.qcow2"}}, **volume("made", image="other")},
            "volumes.made: made of",
        ),
        Change("volumes.snapshot", volume("limited", snapshot="web/first"), "volumes.limited: made of"),
        Change("volumes.format", volume("data", format="raw"), "volumes.data.format qcow2 -> raw"),
        Change(
            "storage_pools",
            {"storage_pools": {"box": {"path": CRATE}}},
            "another definition of volumes.boxed.pool: a volume stays where its data are",
        ),
        Change("instances.volumes.format", own(0, format="raw"), f"volumes.{OWN[0]}.format qcow2 -> raw"),
        Change("instances.volumes.pool", own(1, pool="drawer"), f"volumes.{OWN[1]}.pool none -> drawer"),
        Change("instances.volumes.image", own(2, image="guest"), f"volumes.{OWN[2]}: made of"),
        Change("instances.volumes.snapshot", own(3, snapshot="web/first"), f"volumes.{OWN[3]}: made of"),
        Change("instances.volumes.boot_index", own(4, boot_index=1), f"volumes.{OWN[4]}.boot_index none -> 1"),
        Change("instances.ephemeral", ephemeral(2, size_gb=1, format="none"), "ephemeral[2].size_gb none -> 1"),
        Change("instances.ephemeral.size_gb", ephemeral(0, size_gb=2), "ephemeral[0].size_gb 1 -> 2"),
        Change("instances.ephemeral.format", ephemeral(1, format="ext4"), "ephemeral[1].format none -> ext4"),
    ),
}
