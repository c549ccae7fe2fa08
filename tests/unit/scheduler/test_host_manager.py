# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import Destination
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.columns import HostColumns
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filtering import run_filters
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_manager import HostManager
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.registry import load_filters

OPTIONS = SchedulerOptions()


def names(hosts):
    return [state.host for state in hosts]


def instance(uuid, spec):
    return Instance(uuid, InstanceSpec(uuid, spec().flavor))


@pytest.fixture
def fleet(manager, report):
    return manager(report("kvm3"), report("kvm1", instances=["a", "b"]), report("kvm2"))


def passing(fleet, spec, filters=(), **more):
    return names(fleet.get_filtered_hosts(fleet.get_all_host_states(), spec, filters, **more))


def test_all_hosts_come_by_name_with_their_instances(fleet):
    states = list(fleet.get_all_host_states())
    assert names(states) == ["kvm1", "kvm2", "kvm3"]
    assert sorted(states[0].instances) == ["a", "b"]
    assert isinstance(states[0].instances["a"], Instance)


def test_a_host_that_is_audited_no_more_is_forgotten(fleet, report):
    fleet.update_hosts([report("kvm2")], {"kvm1": "unreachable", "kvm2": "was slow"})
    assert names(fleet.get_all_host_states()) == ["kvm2"]
    assert fleet.unavailable == {"kvm1": "unreachable"}
    fleet.update_host(report("kvm1"))
    assert fleet.unavailable == {}


def test_a_host_that_reports_twice_is_an_error(report):
    with pytest.raises(InvalidInput, match=r"There are two reports of host kvm1\. Give each host one document\."):
        HostManager().update_hosts([report("kvm1"), report("kvm1")])


def test_the_class_of_host_states_can_be_replaced(report):
    class Ours(HostState):
        pass

    fleet = HostManager(host_state_cls=Ours)
    fleet.update_hosts([report("kvm1")])
    assert isinstance(next(fleet.get_all_host_states()), Ours)


def test_a_new_audit_is_taken_and_an_older_one_is_not(manager, report, spec):
    fleet = manager(report("kvm1", updated_at="2026-01-01T00:00:00Z", instances=["a"]))
    (state,) = fleet.get_all_host_states()
    state.consume_from_instance(spec(memory_mb=1024))
    state.instances["new"] = instance("new", spec)
    fleet.update_host(report("kvm1", updated_at="2026-01-01T00:01:00Z", instances=["a"]))
    assert (state.free_ram_mb, sorted(state.instances)) == (4096 - 1024, ["a", "new"])
    fleet.update_host(report("kvm1", updated_at="2126-01-01T00:00:00Z", instances=["b"]))
    assert (state.free_ram_mb, sorted(state.instances)) == (4096, ["b"])


def test_the_requested_destination_is_exact(fleet, spec):
    assert passing(fleet, spec(requested_destination=Destination("kvm2"))) == ["kvm2"]
    assert passing(fleet, spec(requested_destination=Destination("KVM2"))) == []
    assert passing(fleet, spec(requested_destination=Destination())) == ["kvm1", "kvm2", "kvm3"]


def test_ignored_and_forced_hosts_go_by_any_case(fleet, spec):
    assert passing(fleet, spec(ignore_hosts=["KVM2"])) == ["kvm1", "kvm3"]
    assert passing(fleet, spec(force_hosts=["Kvm2", "kvm1"])) == ["kvm1", "kvm2"]
    assert passing(fleet, spec(force_hosts=["kvm2", "kvm1"], ignore_hosts=["kvm1"])) == ["kvm2"]
    assert passing(fleet, spec(requested_destination=Destination("kvm1"), force_hosts=["kvm2"])) == []


def traced(fleet, spec, filters=()):
    """Return the hosts that are left, the funnel and the refusals."""
    columns = HostColumns(fleet.get_all_host_states())
    left, trace = run_filters(columns, spec, filters)
    names = [state.host for state, is_left in zip(columns.states, left, strict=True) if is_left]
    return names, [(step.name, step.before, step.after) for step in trace.funnel], trace.refusals(columns, most=50)


def test_what_went_by_name_is_in_the_trace(fleet, spec):
    _left, funnel, refusals = traced(fleet, spec(ignore_hosts=["kvm1"], force_hosts=["kvm9"]))
    assert funnel == [
        ("ignore_hosts", 3, 2),
        ("force_hosts", 2, 0),
    ]
    assert [(item.host, item.reason) for item in refusals] == [
        ("kvm1", "is to be ignored"),
        ("kvm2", "is not kvm9, as forced"),
        ("kvm3", "is not kvm9, as forced"),
    ]


def test_a_forced_host_skips_all_filters_but_those_that_do_placements_work(manager, report, spec, group):
    fleet = manager(report("kvm1", instances=["a"]), report("kvm2", disabled=True), report("kvm3", memory_mb=600))
    filters = load_filters(OPTIONS.enabled_filters, OPTIONS)
    of = group(members=["a"])
    assert passing(fleet, spec(instance_group=of), filters) == []
    assert passing(fleet, spec(instance_group=of, force_hosts=["kvm1"]), filters) == ["kvm1"]
    assert passing(fleet, spec(force_hosts=["kvm2", "kvm3"]), filters) == []


def test_filters_run_in_order_until_no_host_is_left(manager, report, spec):
    fleet = manager(report("kvm1", disabled=True), report("kvm2", memory_mb=600))
    left, funnel, refusals = traced(fleet, spec(), load_filters(["ComputeFilter", "RamFilter", "CoreFilter"], OPTIONS))
    assert left == []
    assert funnel == [
        ("ComputeFilter", 2, 1),
        ("RamFilter", 1, 0),
    ]
    assert [(item.host, item.filter, item.reason) for item in refusals] == [
        ("kvm1", "ComputeFilter", "is disabled"),
        ("kvm2", "RamFilter", "lacks 424 MB of memory (88 of 600 MB free)"),
    ]


def test_once_per_request_filters_are_asked_for_the_first_instance_only(manager, report, spec):
    fleet = manager(report("kvm1", disabled=True), report("kvm2", memory_mb=600))
    filters = load_filters(["ComputeFilter", "RamFilter"], OPTIONS)
    assert passing(fleet, spec(), filters, index=1) == ["kvm1"]


def test_a_filter_may_judge_all_hosts_at_once(fleet, spec):
    class Last(BaseHostFilter):
        def host_passes(self, host_state, spec):
            return host_state.host == "kvm3"

        def filter_all(self, hosts, spec):
            return list(hosts)[-1:]

    left, _funnel, refusals = traced(fleet, spec(), [Last("acme.last", OPTIONS)])
    assert left == ["kvm3"]
    assert [item.reason for item in refusals] == ["is refused by acme.last"] * 2


def test_aggregates_reach_the_hosts_that_are_there_and_those_that_come(fleet, report):
    def of(host):
        return {s.host: [a.name for a in s.aggregates] for s in fleet.get_all_host_states()}[host]

    fleet.update_aggregates([Aggregate("ssd", ["kvm1", "kvm2"]), Aggregate("az", ["kvm1", "kvm4"], "az1")])
    assert (of("kvm1"), of("kvm2"), of("kvm3")) == (["az", "ssd"], ["ssd"], [])
    fleet.update_aggregates(Aggregate("ssd", ["kvm3"]))
    assert (of("kvm1"), of("kvm2"), of("kvm3")) == (["az"], [], ["ssd"])
    fleet.update_host(report("kvm4"))
    assert of("kvm4") == ["az"]
    fleet.delete_aggregate(Aggregate("az"))
    fleet.delete_aggregate(Aggregate("never was"))
    assert (of("kvm1"), of("kvm4")) == ([], [])


def test_what_a_host_returned_updates_its_instances(fleet, spec):
    state = next(fleet.get_all_host_states())
    fleet.update_instance_info("kvm1", [instance("c", spec)])
    fleet.delete_instance_info("kvm1", "a")
    fleet.delete_instance_info("kvm1", "never was")
    assert sorted(state.instances) == ["b", "c"]
    assert fleet.hosts_out_of_sync() == []


def test_a_host_is_in_sync_while_the_uuids_are_the_same(fleet, report, spec):
    fleet.sync_instance_info("kvm1", ["b", "a"])
    assert fleet.hosts_out_of_sync() == []
    fleet.sync_instance_info("kvm1", ["b"])
    assert fleet.hosts_out_of_sync() == ["kvm1"]
    # One more instance does not make up for those that are not known.
    fleet.update_instance_info("kvm1", [instance("c", spec)])
    assert fleet.hosts_out_of_sync() == ["kvm1"]
    fleet.update_host(report("kvm1", instances=["b"]))
    assert fleet.hosts_out_of_sync() == []


def test_an_unknown_host_is_trusted_with_several_instances_only(fleet, spec):
    fleet.update_instance_info("kvm7", [instance("x", spec)])
    fleet.update_instance_info("kvm8", [instance("y", spec), instance("z", spec)])
    fleet.delete_instance_info("kvm9", "w")
    fleet.sync_instance_info("kvm6", [])
    assert fleet.hosts_out_of_sync() == ["kvm6", "kvm7", "kvm9"]
    fleet.sync_instance_info("kvm7", ["x"])
    assert fleet.hosts_out_of_sync() == ["kvm6", "kvm9"]
