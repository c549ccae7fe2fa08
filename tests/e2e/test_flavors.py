# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shapes of guests on a real host: libvirt and QEMU take each of them, and guests see them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.host_code import copy_code
from support.lab_fleet import LabFleet, await_condition
from support.lab_guest import guest_of
from support.shapes import NEEDED, NEEDED_OF_IMAGES, PROPERTIES, SPECS, TOGETHER

CODE = Path("root/novella-shapes")
# Makes a domain of each shape, has QEMU begin with some, and leaves nothing behind.
PROGRAM = """
import json, sys, uuid
import xml.etree.ElementTree as ET
import libvirt
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NovellaError
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.driver import LibvirtDriver

driver, raw, said = LibvirtDriver(screens={"vnc": "127.0.0.1"}), libvirt.open("qemu:///system"), {}
libvirt.registerErrorHandler(lambda *_said: None, None)
for name, (specs, properties, paths, starts) in json.load(sys.stdin).items():
    uid = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    flavor = {"name": "f", "vcpus": 4, "memory_mb": 64, "root_gb": 1, "extra_specs": specs}
    image = {"name": "i", "source": "/srv/images/tiny.qcow2", "properties": properties}
    nic = {"network": "front", "mac_address": "02:00:00:00:05:01", "libvirt_network": "default"}
    spec = {"name": f"shape-{uid}", "flavor": flavor, "image": image, "networks": [nic]}
    instance = Instance.from_document({"kind": "instance", "version": "1.0", "uuid": uid, "spec": spec})
    try:
        driver.create_root_disk(instance, driver.ensure_image(instance))
        driver.write_config_drive(instance, {"a": b"a"})
        driver.define(instance)
        domain = raw.lookupByUUIDString(uid)
        if starts:
            domain.createWithFlags(libvirt.VIR_DOMAIN_START_PAUSED)
        tree = ET.fromstring(domain.XMLDesc())
        missing = [path for path in paths if tree.find(path) is None]
        said[name] = f"{missing} missing in {domain.XMLDesc()}" if missing else "shown"
    except (NovellaError, libvirt.libvirtError) as error:
        said[name] = str(error)
    finally:
        if driver.get_domain(uid):
            driver.power_off(uid)
        driver.undefine(uid)
        driver.delete_disks(uid)
print(json.dumps(said))
"""
# What depends on packages that the host may lack, and what it says then.
PACKAGED = {
    "hw:tpm_version": "cannot emulate a TPM",
    "hw:tpm_model": "cannot emulate a TPM",
    "os:secure_boot": "no UEFI firmware",
    "os_secure_boot": "no UEFI firmware",
    "hw_firmware_type": "no UEFI firmware",
}
# What libvirt shows in other words, or only on KVM.
SHOWN_AS = {"hw_machine_type": "os/type", "hw:viommu_model": "devices/iommu", "os_type": "clock[@offset='localtime']"}


@pytest.fixture(scope="module")
def host(lab: Any) -> Iterator[Any]:
    """The lab's second host, with the driver's code."""
    place = lab.host("kvm2").files / CODE
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    copy_code(place, [])
    yield lab.host("kvm2")
    shutil.rmtree(place)


def try_shapes(host: Any, shapes: dict[str, Any]) -> dict[str, str]:
    """Return what came of each shape: shown in the running domain, or what stood against it."""
    (host.files / CODE / "shapes.json").write_text(json.dumps(shapes))
    (host.files / CODE / "program.py").write_text(PROGRAM)
    script = f"cd /{CODE} && PYTHONPATH=/{CODE} /usr/bin/python3 program.py < shapes.json"
    return json.loads(host.run(["sh", "-c", script], timeout=500))


def expected(said: dict[str, str]) -> dict[str, str]:
    """Return those that are neither shown nor refused for want of a package."""
    return {
        name: words
        for name, words in said.items()
        if words != "shown" and not (name in PACKAGED and PACKAGED[name] in words)
    }


def test_libvirt_takes_every_extra_spec_and_every_image_property(host: Any) -> None:
    shapes = {}
    for key, (value, path) in SPECS.items():
        properties = {"hw_firmware_type": "uefi"} if key == "os:secure_boot" else {}
        shapes[key] = ({**NEEDED.get(key, {}), key: value}, properties, [SHOWN_AS.get(key, path)], False)
    for key, (value, path) in PROPERTIES.items():
        shapes[key] = ({}, {**NEEDED_OF_IMAGES.get(key, {}), key: value}, [SHOWN_AS.get(key, path)], False)
    assert expected(try_shapes(host, shapes)) == {}


# For these, the lab's hosts lack what others have: packets that are scheduled (SFQ), cgroups for CPUs, locked memory.
NOT_IN_THE_LAB = ("quota:vif_", "quota:cpu_", "hw:locked_memory")


def test_qemu_begins_with_guests_of_them(host: Any) -> None:
    shapes = {}
    for name, (asked, properties) in TOGETHER.items():
        specs = [spec for spec in asked if not spec.startswith(NOT_IN_THE_LAB)]
        wanted = {key: value for spec in specs for key, value in NEEDED.get(spec, {}).items()}
        wanted.update({spec: SPECS[spec][0] for spec in specs})
        paths = [SHOWN_AS.get(key, SPECS[key][1]) for key in specs]
        paths += [SHOWN_AS.get(key, PROPERTIES[key][1]) for key in properties]
        shapes[name] = (wanted, {key: PROPERTIES[key][0] for key in properties}, paths, True)
    assert try_shapes(host, shapes) == dict.fromkeys(TOGETHER, "shown")


@pytest.fixture
def fleet(lab: Any, tmp_path: Path) -> Iterator[LabFleet]:
    made = LabFleet(lab, tmp_path)
    yield made
    made.end()


PCI = 'for device in /sys/bus/pci/devices/*; do echo "$(cat $device/vendor):$(cat $device/device)"; done'
WATCHDOG, SCSI, RNG, DISK = "0x8086:0x25ab", "0x1af4:0x1048", "0x1af4:0x1044", "0x1af4:0x1042"


def test_a_guest_shows_the_shape_that_its_flavor_and_its_image_ask_for(fleet: LabFleet) -> None:
    shaped = {
        "vcpus": 2,
        "memory_mb": 128,
        "root_gb": 1,
        "extra_specs": {
            "hw:cpu_max_sockets": "1",
            "hw:watchdog_action": "reset",
            "hw_rng:allowed": "no",
            "hw:serial_port_count": "2",
            "quota:cpu_shares": "512",
            "quota:disk_total_iops_sec": "5000",
            "hw:vif_multiqueue_enabled": "yes",
        },
    }
    image = {"source": "/srv/images/tiny.qcow2", "properties": {"hw_disk_bus": "scsi"}}
    parts = {"flavors": {"shaped": shaped}, "images": {"scsi": image}}
    fleet.declare(parts, web={"host": "kvm2", "flavor": "shaped", "image": "scsi"})
    fleet.apply()
    guest = guest_of(fleet, "web")
    guest.await_answer()
    topology = "/sys/devices/system/cpu/cpu1/topology"
    assert guest.read(f"{topology}/physical_package_id").strip() == "0"
    assert guest.read(f"{topology}/core_cpus_list").strip() == "1"
    devices = guest.execute(PCI).split()
    # It has booted from the only disk that there is: one of SCSI.
    assert {WATCHDOG, SCSI} <= set(devices)
    assert {RNG, DISK}.isdisjoint(devices)
    assert guest.execute("ls -d /sys/class/net/eth0/queues/rx-*").split()[-1].endswith("rx-1")
    assert guest.execute("echo two > /dev/ttyS1 && cat /sys/class/tty/ttyS1/type").strip() != "0"
    assert fleet.is_converged()


def test_an_unknown_key_is_an_error_of_the_fleet_that_names_the_nearest_one(fleet: LabFleet) -> None:
    flavor = {"vcpus": 1, "memory_mb": 128, "extra_specs": {"hw:watchdog_acton": "reset"}}
    fleet.declare({"flavors": {"tiny": flavor}}, web={"host": "kvm2"})
    ended = fleet.run()
    assert ended.code == 2
    text = " ".join(ended.text.split())
    assert "flavors.tiny.extra_specs['hw:watchdog_acton']" in text
    assert "Did you mean 'hw:watchdog_action'?" in text
    assert fleet.homes() == {}
    fleet.declare()


UEFI = {"source": "/srv/images/tiny.qcow2", "properties": {"hw_firmware_type": "uefi"}}


def test_a_guest_with_uefi_keeps_its_variables(fleet: LabFleet) -> None:
    host = fleet.lab.host("kvm2")
    fleet.declare({"images": {"guest": UEFI}}, web={"host": "kvm2"})
    fleet.apply()
    [variables] = (host.files / "var/lib/libvirt/qemu/nvram").glob(f"{fleet.name}*")
    inode, made = variables.stat().st_ino, variables.read_bytes()
    await_condition(lambda: variables.read_bytes() != made, "the firmware has written its variables", 240)
    for operation in ("stop", "start", "hard_reboot"):
        ended = fleet.run("act", operation=operation, instances=["web"])
        assert ended.code == 0, ended.text
        assert variables.stat().st_ino == inode
    fleet.declare({"images": {"guest": UEFI}})
    fleet.apply(prune=True)
    assert not variables.exists()
