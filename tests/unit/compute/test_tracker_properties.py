# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two controllers claim, build, move and delete on one host in any order. At no moment is more given out than there is,
and the account is to the last unit what is held."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.novella.compute.plugins.module_utils.compute.claims import usage_of
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware.host_hardware import Hardware
from ansible_collections.novella.compute.plugins.module_utils.compute.hardware_claims import Claimant
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.migrations import Migrations
from ansible_collections.novella.compute.plugins.module_utils.compute.move_request import MoveRequest
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_tracker import ResourceTracker
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import Usage
from ansible_collections.novella.compute.plugins.module_utils.objects.cpu_spec import parse_cpu_spec
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NovellaError
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.migration import Migration, MoveHalf
from ansible_collections.novella.compute.plugins.module_utils.objects.pci import PciRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.fake_host import FakeHost

IMAGE = Image("tiny", "/srv/tiny.qcow2")
PIN = {"hw:cpu_policy": "dedicated"}
FLAVORS = [
    Flavor("small", 1, 333, 1),
    Flavor("swapped", 2, 700, 1, swap_mb=513),
    Flavor("licensed", 1, 100, 0, extra_specs={"resources:CUSTOM_LICENCE": "2"}),
    Flavor("pinned", 1, 256, 2, extra_specs=PIN),
    Flavor("wide", 3, 512, 1, extra_specs=PIN),
    Flavor("nic", 1, 128, 1, extra_specs={"pci_passthrough:alias": "nic:1"}),
]
NIC = PciRequest(1, [{"vendor_id": "8086"}], "nic")
CELLS = [{"id": 0, "cpuset": "0-7", "memory": 4096, "mempages": [{"size_kb": 4, "total": 1048576}]}]
DEVICES = [{"address": f"0000:03:00.{number}", "vendor_id": "8086", "product_id": "1520"} for number in range(2)]
HAS = {"vcpus": 8, "memory_mb": 4096, "local_gb": 12, "numa_cells": CELLS}
OVERHEAD = 17

controllers = st.sampled_from([0, 1])
numbers = st.integers(0, 7)
flavors = st.sampled_from(FLAVORS)


@dataclass(frozen=True)
class Held:
    """What the model believes that somebody holds."""

    usage: Usage
    hardware: Hardware


class TwoControllers(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.path = Path(tempfile.mkdtemp())
        options = HostOptions(
            host="kvm1",
            driver="fake",
            state_path=str(self.path),
            reserved_host_cpus=1,
            reserved_host_memory_mb=500,
            reserved_host_disk_mb=1025,
            cpu_allocation_ratio=2.0,
            ram_allocation_ratio=1.25,
            disk_allocation_ratio=1.5,
            instance_overhead_memory_mb=OVERHEAD,
            cpu_shared_set="0-3",
            cpu_dedicated_set="4-7",
            pci_device_spec=[{"vendor_id": "8086"}],
            resources={"CUSTOM_LICENCE": {"total": 5, "reserved": 1}},
        )
        self.hosts = []
        for _number in range(2):
            db = TrackerDB(str(self.path))
            self.hosts.append(FakeHost(self.path, options, db, FakeDriver("kvm1", str(self.path), db)))
        self.hosts[0].settings(resources=HAS, pci_devices=DEVICES)
        self.count = 0
        self.claims: dict[str, tuple[int, Instance]] = {}
        self.moves: dict[str, Migration] = {}
        self.held: dict[tuple[str, str], Held] = {}

    def teardown(self) -> None:
        for host in self.hosts:
            host.db.close()
        shutil.rmtree(self.path)

    def tracker(self, controller: int) -> ResourceTracker:
        host = self.hosts[controller]
        return ResourceTracker(host.options, host.driver, host.db)

    def domain(self, uuid: str) -> Instance:
        return Instance.from_document(self.hosts[0].driver.get_domain(uuid).record)

    def is_here(self, uuid: str) -> bool:
        return ("domain", uuid) in self.held

    def define(self, controller: int, instance: Instance, hardware: Hardware) -> None:
        made = instance.but(
            vm_state="active", numa_topology=hardware.numa_topology, pci_devices=list(hardware.pci_devices)
        )
        self.hosts[controller].driver.define(made)
        self.held["domain", instance.uuid] = Held(usage_of(instance.spec), hardware)

    # -- instances -------------------------------------------------------------------------------------------

    @rule(
        controller=controllers,
        wanted=st.lists(st.tuples(numbers, flavors), min_size=1, max_size=3, unique_by=lambda item: item[0]),
        limit=st.sampled_from([None, 2000.0, 1e9]),
    )
    def claim(self, controller: int, wanted: list, limit) -> None:
        asked = [(make(number, flavor), requests_of(flavor)) for number, flavor in wanted]
        claimants = [Claimant(instance, {"memory_mb": limit}, requests) for instance, requests in asked]
        outcome = self.tracker(controller).instance_claims(claimants, run=f"r{controller}", seconds=600.0)
        for instance, _requests in asked:
            if self.is_here(instance.uuid):
                continue
            owner = self.claims.get(instance.uuid, (controller, None))[0]
            if owner != controller:
                assert outcome[instance.uuid] is not None
                continue
            self.claims.pop(instance.uuid, None)
            self.held.pop(("claim", instance.uuid), None)
            if outcome[instance.uuid] is None:
                hardware = self.tracker(controller).claimed_hardware(instance.uuid)
                self.claims[instance.uuid] = (controller, instance)
                self.held["claim", instance.uuid] = Held(usage_of(instance.spec), hardware)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def build(self, data: st.DataObject) -> None:
        uuid = data.draw(st.sampled_from(sorted(self.claims)))
        controller, instance = self.claims.pop(uuid)
        self.define(controller, instance, self.held.pop(("claim", uuid)).hardware)
        self.tracker(controller).drop_claim(uuid)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def abort(self, data: st.DataObject) -> None:
        uuid = data.draw(st.sampled_from(sorted(self.claims)))
        self.tracker(self.claims.pop(uuid)[0]).abort_instance_claim(uuid)
        del self.held["claim", uuid]

    @rule(controller=controllers, number=numbers)
    def delete(self, controller: int, number: int) -> None:
        uuid = f"u{number}"
        if self.is_here(uuid) and uuid not in self.moves:
            self.hosts[controller].driver.undefine(uuid)
            del self.held["domain", uuid]

    # -- moves -----------------------------------------------------------------------------------------------

    @rule(controller=controllers, number=numbers, flavor=flavors)
    def claim_move(self, controller: int, number: int, flavor: Flavor) -> None:
        """To another size here, or from another host to here."""
        uuid = f"u{number}"
        if uuid in self.claims:
            return
        before = self.domain(uuid) if self.is_here(uuid) else make(number, FLAVORS[0])
        source = "kvm1" if self.is_here(uuid) else "kvm2"
        wanted = MoveRequest(
            before, source, before.spec.but(flavor=flavor), pci_requests=requests_of(flavor), run="r", seconds=600.0
        )
        try:
            claimed = self.tracker(controller).resize_claim(wanted)
        except NovellaError:
            return
        self.moves[uuid] = claimed
        self.held["new", uuid] = half(claimed.new)

    @rule(controller=controllers, number=numbers)
    def leave(self, controller: int, number: int) -> None:
        """To another host, which has claimed for it."""
        uuid = f"u{number}"
        if not self.is_here(uuid) or uuid in self.moves:
            return
        tracker, name = self.tracker(controller), self.domain(uuid).spec.name
        self.count += 1
        made_there = Migration(f"m{self.count}", uuid, name, "migration", "pre-migrating", "kvm1", "kvm2", "")
        claimed = tracker.hold_move_source(made_there)
        tracker.advance_migration(claimed.uuid, "migrating")
        self.hosts[controller].driver.undefine(uuid)
        self.held["old", uuid] = self.held.pop(("domain", uuid))
        self.moves[uuid] = claimed

    @precondition(lambda self: self.moves)
    @rule(controller=controllers, is_confirmed=st.booleans(), data=st.data())
    def end_move(self, controller: int, is_confirmed: bool, data: st.DataObject) -> None:
        uuid = data.draw(st.sampled_from(sorted(self.moves)))
        move, tracker = self.moves.pop(uuid), self.tracker(controller)
        while (status := Migrations(self.hosts[0].db).get(move.uuid).status) != "finished":
            following = {"pre-migrating": "migrating", "migrating": "post-migrating", "post-migrating": "finished"}
            if following[status] == "finished" and ("new", uuid) in self.held:
                self.arrive(controller, uuid, move)
            tracker.advance_migration(move.uuid, following[status])
            self.what_is_held_is_what_is_counted()
        if is_confirmed:
            tracker.confirm_resize(move.uuid)
            self.held.pop(("old", uuid), None)
            return
        if ("old", uuid) in self.held:
            self.define(controller, make_named(uuid, move.old.flavor), self.held.pop(("old", uuid)).hardware)
        elif self.is_here(uuid):
            self.hosts[controller].driver.undefine(uuid)
            del self.held["domain", uuid]
        tracker.revert_resize(move.uuid)

    @precondition(lambda self: any(move.status == "pre-migrating" and move.new for move in self.moves.values()))
    @rule(controller=controllers, data=st.data())
    def abort_move(self, controller: int, data: st.DataObject) -> None:
        open_moves = [uuid for uuid, move in self.moves.items() if move.new]
        uuid = data.draw(st.sampled_from(sorted(open_moves)))
        self.tracker(controller).abort_resize_claim(self.moves.pop(uuid).uuid)
        del self.held["new", uuid]

    def arrive(self, controller: int, uuid: str, move: Migration) -> None:
        new = self.held.pop(("new", uuid))
        if self.is_here(uuid):
            self.held["old", uuid] = self.held.pop(("domain", uuid))
        self.define(controller, make_named(uuid, move.new.flavor), new.hardware)

    # -- what holds at every moment --------------------------------------------------------------------------

    @invariant()
    def what_is_held_is_what_is_counted(self) -> None:
        for controller in (0, 1):
            node = self.tracker(controller).update_available_resource().node
            total = Usage(1, 500, 2)
            for held in self.held.values():
                total = total.plus(held.usage.with_overhead(OVERHEAD))
            assert (node.vcpus_used, node.memory_mb_used, node.local_gb_used, node.resources_used) == (
                total.vcpus,
                total.memory_mb,
                total.disk_gb,
                total.custom,
            )
            assert node.free_ram_mb + node.memory_mb_used == node.memory_mb
            assert node.free_disk_gb + node.local_gb_used == node.local_gb
            assert node.vcpus_used <= 4 * 2.0
            assert node.memory_mb_used <= 4096 * 1.25
            assert node.local_gb_used <= 12 * 1.5
            assert node.resources_used.get("CUSTOM_LICENCE", 0) <= 4
            cpus = [cpu for held in self.held.values() for cpu in pinned_cpus(held)]
            assert len(cpus) == len(set(cpus))
            assert set(cpus) == parse_cpu_spec(node.numa_topology.cells[0].pinned_cpus)
            devices = [device.address for held in self.held.values() for device in held.hardware.pci_devices]
            assert len(devices) == len(set(devices))
            assert sum(pool.count for pool in node.pci_device_pools) == len(DEVICES) - len(devices)


def make(number: int, flavor: Flavor) -> Instance:
    return make_named(f"u{number}", flavor)


def make_named(uuid: str, flavor: Flavor) -> Instance:
    return Instance(uuid, InstanceSpec(f"i-{uuid}", flavor, IMAGE))


def requests_of(flavor: Flavor) -> list[PciRequest]:
    return [NIC] if flavor.name == "nic" else []


def half(item: MoveHalf) -> Held:
    return Held(item.usage, Hardware(item.numa_topology, list(item.pci_devices)))


def pinned_cpus(held: Held) -> list[int]:
    cells = held.hardware.numa_topology.cells if held.hardware.numa_topology else ()
    return [host_cpu for cell in cells for _vcpu, host_cpu in cell.cpu_pinning]


TestTwoControllers = TwoControllers.TestCase
TestTwoControllers.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
