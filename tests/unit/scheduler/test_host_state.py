# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from datetime import datetime, timezone

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.compute_node import ComputeNode, Service
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import (
    HostState,
    set_update_time_on_success,
)
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.read_only_dict import ReadOnlyDict


def node(**figures):
    return ComputeNode(**{"uuid": "n1", "host": "kvm1", "hypervisor_hostname": "kvm1.lab", **BASE, **figures})


BASE = {"vcpus": 8, "memory_mb": 16384, "local_gb": 100}


def test_a_state_is_made_of_the_compute_nodes_figures():
    state = HostState("kvm1", "kvm1.lab")
    taken = state.update_from_compute_node(
        node(
            vcpus_used=3,
            memory_mb_used=1536,
            local_gb_used=20,
            ram_allocation_ratio=1.5,
            hypervisor_type="QEMU",
            hypervisor_version=10000000,
            host_ip="192.0.2.1",
            stats={"num_instances": "2", "io_workload": 1, "failed_builds": 4},
            supported_instances=[["x86_64", "kvm", "hvm"]],
        )
    )
    assert taken
    assert (state.total_usable_ram_mb, state.free_ram_mb) == (16384, 14848)
    assert (state.total_usable_disk_gb, state.disk_mb_used, state.free_disk_mb) == (100, 20480, 81920)
    assert (state.vcpus_total, state.vcpus_used) == (8, 3)
    assert (state.cpu_allocation_ratio, state.ram_allocation_ratio, state.disk_allocation_ratio) == (4.0, 1.5, 1.0)
    assert (state.num_instances, state.num_io_ops, state.failed_builds) == (2, 1, 4)
    assert (state.uuid, state.nodename, state.hypervisor_hostname) == ("n1", "kvm1.lab", "kvm1.lab")
    assert (state.host_ip, state.hypervisor_type, state.hypervisor_version) == ("192.0.2.1", "QEMU", 10000000)
    assert state.supported_instances == [["x86_64", "kvm", "hvm"]]


@pytest.mark.parametrize(("least", "free_mb"), [(None, 81920), (10, 10240), (90, 81920), (-3, -3072)])
def test_free_disk_is_the_lower_of_unclaimed_and_really_left(least, free_mb):
    state = HostState("kvm1", "kvm1")
    state.update_from_compute_node(node(local_gb_used=20, disk_available_least=least))
    assert state.free_disk_mb == free_mb


def test_consuming_takes_what_nova_takes(host, spec):
    state = host(memory_mb=4608, local_gb=50, stats={"num_instances": 1})
    state.consume_from_instance(spec(vcpus=2, memory_mb=1024, root_gb=5, ephemeral_gb=1, swap_mb=512))
    assert state.free_ram_mb == 4096 - 1024
    assert state.free_disk_mb == (50 - 6) * 1024
    assert state.vcpus_used == 2
    assert (state.num_instances, state.num_io_ops) == (2, 1)
    assert datetime.now(timezone.utc) >= state.updated


def test_an_older_record_never_overwrites_a_newer_consume(spec):
    state = HostState("kvm1", "kvm1")
    state.update_from_compute_node(node(updated_at="2026-01-01T00:00:00Z"))
    state.consume_from_instance(spec(memory_mb=1024))
    assert not state.update_from_compute_node(node(updated_at="2026-01-01T00:00:01Z"))
    assert state.free_ram_mb == 16384 - 1024
    assert state.update_from_compute_node(node(updated_at="2126-01-01T00:00:00", memory_mb_used=512))
    assert state.free_ram_mb == 16384 - 512


def test_a_record_without_a_time_is_taken(spec):
    state = HostState("kvm1", "kvm1")
    state.consume_from_instance(spec())
    assert state.update_from_compute_node(node())
    assert state.num_instances == 0


def test_a_consume_that_fails_leaves_the_time_alone_and_stops_nothing(caplog, spec):
    class Fragile(HostState):
        @set_update_time_on_success
        def consume_from_instance(self, spec):
            raise RuntimeError("no such socket")

    state = Fragile("kvm1", "kvm1")
    assert state.consume_from_instance(spec()) is None
    assert state.updated is None
    assert "Host kvm1 could not be charged for a placement: RuntimeError('no such socket')" in caplog.text


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"stats": {"num_instances": "many"}}, "Host kvm1 reports num_instances as 'many', which is no integer."),
        ({"stats": {"io_workload": None}}, "Host kvm1 reports io_workload as None, which is no integer."),
        ({"updated_at": "today"}, "Host kvm1 reports updated_at as 'today', which is no ISO-8601 time."),
    ],
)
def test_figures_that_cannot_be_read_are_named(figures, message):
    with pytest.raises(InvalidInput) as failure:
        HostState("kvm1", "kvm1").update_from_compute_node(node(**figures))
    assert str(failure.value) == message


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.clear(),
        lambda d: d.pop("disabled"),
        lambda d: d.popitem(),
        lambda d: d.update(disabled=False),
        lambda d: d.setdefault("more", 1),
        lambda d: d.__setitem__("disabled", False),
        lambda d: d.__delitem__("disabled"),
        lambda d: d.__ior__({"disabled": False}),
    ],
)
def test_a_filter_cannot_change_the_service_record(host, change):
    service = host(disabled=True).service
    with pytest.raises(TypeError, match="read-only"):
        change(service)
    assert service == Service(disabled=True).as_dict()


def test_a_read_only_dict_is_a_copy():
    source = {"a": 1}
    copy = ReadOnlyDict(source)
    source["a"] = 2
    assert copy["a"] == 1
    assert ReadOnlyDict() == {}
