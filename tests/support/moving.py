# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two hosts with cells, devices and licences, between which instances move."""

import json
from collections.abc import Iterator

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.move_request import MoveRequest
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_tracker import ResourceTracker
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance
from ansible_collections.novella.compute.plugins.module_utils.objects.pci import PciRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from support.fake_host import FakeHost, create

CELLS = [{"id": 0, "cpuset": "0-7", "memory": 8192, "mempages": [{"size_kb": 4, "total": 2097152}]}]
DEVICES = [
    {"address": f"0000:03:00.{number}", "vendor_id": "8086", "product_id": "1520", "numa_node": 0}
    for number in range(3)
]
NIC = PciRequest(1, [{"vendor_id": "8086"}], "nic")
SMALL = Flavor("small", 1, 512, 1, extra_specs={"resources:CUSTOM_LICENCE": "1"})
LARGE = Flavor("large", 3, 2048, 5, extra_specs={"resources:CUSTOM_LICENCE": "2"})
PINNED = Flavor("pinned", 1, 512, 1, extra_specs={"hw:cpu_policy": "dedicated", "pci_passthrough:alias": "nic:1"})
WIDE = Flavor("wide", 2, 1024, 1, extra_specs={"hw:cpu_policy": "dedicated", "pci_passthrough:alias": "nic:1"})

FORWARD = ("migrating", "post-migrating", "finished")
LIVE_FORWARD = ("queued", "preparing", "running")


@pytest.fixture
def hosts(tmp_path) -> Iterator[dict[str, FakeHost]]:
    """Two hosts with cells, devices and licences."""
    made = {}
    for name in ("kvm1", "kvm2"):
        path = tmp_path / name
        path.mkdir()
        options = HostOptions(
            host=name,
            driver="fake",
            state_path=str(path),
            reserved_host_memory_mb=0,
            cpu_shared_set="0-3",
            cpu_dedicated_set="4-7",
            pci_device_spec=[{"vendor_id": "8086"}],
            resources={"CUSTOM_LICENCE": 4},
        )
        db = TrackerDB(str(path))
        made[name] = FakeHost(path, options, db, FakeDriver(name, str(path), db))
        made[name].settings(resources={"numa_cells": CELLS}, pci_devices=DEVICES)
    yield made
    for host in made.values():
        host.db.close()


@pytest.fixture
def here(hosts) -> FakeHost:
    return hosts["kvm1"]


@pytest.fixture
def there(hosts) -> FakeHost:
    return hosts["kvm2"]


def tracker(host: FakeHost) -> ResourceTracker:
    return ResourceTracker(host.options, host.driver, host.db)


def node(host: FakeHost) -> str:
    """The host's record, byte for byte, but for when it was made."""
    return json.dumps(tracker(host).update_available_resource().node.but(updated_at=None).as_dict())


def used(host: FakeHost) -> tuple[int, int, int, int]:
    counted = tracker(host).update_available_resource().node
    licences = counted.resources_used.get("CUSTOM_LICENCE", 0)
    return counted.vcpus_used, counted.memory_mb_used, counted.local_gb_used, licences


def pinned(host: FakeHost) -> tuple[str, int]:
    counted = tracker(host).update_available_resource().node
    return counted.numa_topology.cells[0].pinned_cpus, sum(pool.count for pool in counted.pci_device_pools)


def build(host: FakeHost, name: str, flavor: Flavor = SMALL) -> Instance:
    action = create(name)
    requests = [NIC] if "pci_passthrough:alias" in flavor.extra_specs else []
    action = action.but(host=host.options.host, spec=action.spec.but(flavor=flavor), pci_requests=requests)
    assert host.reconcile(action)[0]["status"] == "done"
    return read(host, name)


def read(host: FakeHost, name: str) -> Instance:
    return Instance.from_document(host.driver.get_domain(f"uuid-of-{name}").record)


def remove(host: FakeHost, instance: Instance) -> None:
    host.driver.power_off(instance.uuid)
    host.driver.undefine(instance.uuid)


def request(instance: Instance, source: str = "kvm1", flavor: Flavor = SMALL, **changes) -> MoveRequest:
    requests = [NIC] if "pci_passthrough:alias" in flavor.extra_specs else []
    return MoveRequest(instance, source, instance.spec.but(flavor=flavor), pci_requests=requests, **changes)


def walk(host: FakeHost, uuid: str, *statuses: str) -> None:
    for status in statuses:
        tracker(host).advance_migration(uuid, status)
