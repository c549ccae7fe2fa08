# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a fleet says of its guests' shapes: a key that comes to nothing is a fault with its place."""

from __future__ import annotations

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet


def faults(specs: dict[str, str], properties: dict[str, str], vcpus: int = 1) -> list[str]:
    """Return the faults of a fleet with two instances of such a flavor and such an image."""
    content = {
        "version": "1.0",
        "flavors": {"small": {"vcpus": vcpus, "memory_mb": 512, "extra_specs": specs}},
        "images": {"debian": {"source": "/srv/debian.qcow2", "properties": properties}},
        "instances": {name: {"flavor": "small", "image": "debian"} for name in ("db", "web")},
    }
    try:
        load_fleet(content)
    except FleetInvalid as error:
        return [fault.removeprefix("inventory variable novella_fleet: ") for fault in error.faults]
    return []


FLAVOR, IMAGE = "flavors.small.extra_specs", "images.debian.properties"
CASES = {
    "unknown": ({"hw:watchdog_acton": "reset"}, {}, f"{FLAVOR}[", "Did you mean 'hw:watchdog_action'?"),
    "no number": (
        {"quota:cpu_shares": "many"},
        {},
        f"{FLAVOR}['quota:cpu_shares']: ",
        "a whole number from 2 to 262144",
    ),
    "not built": ({"hw:cpu_realtime": "yes"}, {}, f"{FLAVOR}[", "scheduling is not built yet"),
    "no bus": ({}, {"hw_disk_bus": "floppy"}, f"{IMAGE}.hw_disk_bus: ", "It is one of virtio, scsi, sata, ide, usb."),
    "refused": ({}, {"img_signature": "x"}, f"{IMAGE}.img_signature: ", "signatures are not checked"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_key_that_comes_to_nothing_is_a_fault_at_its_place(case: str) -> None:
    specs, properties, place, words = CASES[case]
    [fault] = faults(specs, properties)
    assert fault.startswith(place)
    assert words in fault


def test_instances_of_two_that_contradict_each_other_are_faults_each() -> None:
    said = "'hw:pmu' of flavor 'small' is 'yes', and 'hw_pmu' of image 'debian' is 'no'."
    found = faults({"hw:pmu": "yes"}, {"hw_pmu": "no"})
    assert len(found) == 2
    for name, fault in zip(("db", "web"), found, strict=True):
        assert fault.startswith(f"instances.{name}.image: {said}")


def test_limits_that_exclude_each_other_are_a_fault_of_the_instances() -> None:
    specs = {"quota:disk_total_iops_sec": "9", "quota:disk_read_iops_sec": "5"}
    assert all("exclude each other" in fault for fault in faults(specs, {}))
    assert len(faults(specs, {})) == 2


def test_what_makes_sense_is_taken() -> None:
    specs = {"hw:cpu_max_sockets": "1", "quota:vif_inbound_average": "1000", "plain": "yes"}
    assert faults(specs, {"hw_disk_bus": "scsi", "os_type": "linux", "os_distro": "debian", "own_key": "x"}, 2) == []
