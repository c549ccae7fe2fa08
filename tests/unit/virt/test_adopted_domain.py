# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of domains that others have defined, from forty definitions as people really write them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.adoption import AdoptedDisk, AdoptedNic, Adoption
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.adopted_domain import describe_definition
from support.playbooks import ROOT

CORPUS = {path.stem: path for path in sorted((ROOT / "tests/adoption/corpus").glob("*.xml"))}
GIB = 1 << 30


def read_size(disk: ET.Element) -> tuple[str, int]:
    """Stand for the host: every file that a guest can write to has 10 GiB and a little."""
    source = disk.find("source")
    if source is None or disk.get("device", "disk") != "disk" or disk.find("readonly") is not None:
        return "", 0
    path = source.get("file") or source.get("dev") or ""
    return path, 10 * GIB + 1 if path else 0


def describe(name: str) -> Adoption:
    path: Path = CORPUS[name]
    return describe_definition(ET.parse(path).getroot(), read_size)


def test_there_are_forty_definitions_with_names_and_uuids_of_their_own() -> None:
    trees = [ET.parse(path) for path in CORPUS.values()]
    assert len(trees) == 40
    assert len({tree.findtext("name") for tree in trees}) == len({tree.findtext("uuid") for tree in trees}) == 40


@pytest.mark.parametrize("name", CORPUS)
def test_what_is_told_of_a_definition_can_be_kept_in_a_record_and_is_short(name: str) -> None:
    told, tree = describe(name), ET.parse(CORPUS[name])
    assert told.domain_name == tree.findtext("name")
    assert [disk.device_name for disk in told.disks] == [
        target.get("dev") for target in tree.findall("devices/disk/target")
    ]
    assert len(told.nics) == len(tree.findall("devices/interface"))
    record = Instance("u", InstanceSpec("web", Flavor("small", 1, 1)), adopted=told)
    written = json.dumps(record.as_document())
    assert Instance.from_document(json.loads(written)) == record
    assert len(written) < 2000


def test_disks_are_told_with_what_they_take_of_the_host() -> None:
    assert describe("01-virt-manager-debian").disks == [
        AdoptedDisk("vda", "disk", "/var/lib/libvirt/images/debian12.qcow2", 11, True),
        AdoptedDisk("sda", "cdrom", None, 0, False),
    ]
    assert describe("09-lvm-block").disks[0] == AdoptedDisk("vda", "disk", "/dev/vg0/zimbra-root", 11, False)
    assert describe("10-iscsi-network-disk").disks == [
        AdoptedDisk("vda", "disk", "iscsi:iqn.2020-01.com.example:storage/1", 0, False)
    ]
    assert describe("25-pool-volume").disks[0].source == "default/from-pool.qcow2"


def test_network_interfaces_are_told_with_what_they_hang_on() -> None:
    assert describe("14-four-nics").nics == [
        AdoptedNic("52:54:00:14:00:01", "bridge", "br-wan"),
        AdoptedNic("52:54:00:14:00:02", "bridge", "br-lan"),
        AdoptedNic("52:54:00:14:00:03", "direct", "eth1"),
        AdoptedNic("52:54:00:14:00:04", "bridge", "ovs-dmz"),
    ]
    assert describe("15-user-and-mcast-nics").nics[0] == AdoptedNic("52:54:00:15:00:01", "user", None)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (
            "01-virt-manager-debian",
            ["cpu host-passthrough", "pm", "graphics spice", "sound ich9", "video virtio", "2 redirdev usb"],
        ),
        ("02-virt-install-minimal", []),
        ("05-windows11-uefi-tpm", ["firmware efi, secure boot", "nvram", "tpm tpm-tis"]),
        ("07-numa-pinned", ["numa", "numatune", "cputune"]),
        ("19-pci-hostdev", ["cpu host-passthrough", "2 hostdev pci"]),
        ("20-qemu-commandline", ["qemu:commandline"]),
        ("21-kernel-boot", ["machine pc", "kernel"]),
    ],
)
def test_what_novella_would_not_have_built_is_told(name: str, kept: list[str]) -> None:
    assert set(kept) <= set(describe(name).kept)
    assert kept or describe(name).kept == []
