# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import Destination
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate


def message(scheduler, request):
    (selection,) = scheduler.select_destinations([request])
    assert selection.host is None
    return selection.message


def test_no_valid_host_tells_which_filter_refused_how_many_and_the_nearest_miss(api, report, spec):
    scheduler = api(
        report("kvm1", memory_mb_used=4000),
        report("kvm2", memory_mb_used=3072),
        report("kvm3"),
        aggregates=[Aggregate("one", ["kvm1", "kvm2"], "az1"), Aggregate("two", ["kvm3"], "az2")],
    )
    assert message(scheduler, spec("web-3", memory_mb=2048, availability_zone="az1")) == (
        "No valid host for web-3 (small): 0 of 3 hosts fit. RamFilter refused 2, AvailabilityZoneFilter refused 1. "
        "Nearest: kvm2 lacks 512 MB of memory."
    )


def test_the_nearest_miss_is_the_host_that_the_fewest_filters_refuse(api, report, spec):
    scheduler = api(
        # Lacks 1 MB, but is disabled too: two changes.
        report("kvm1", disabled=True, disabled_reason="broken fan", memory_mb=2559),
        report("kvm2", memory_mb=3072, memory_mb_used=2048),
    )
    selection = scheduler.select_destinations([spec(memory_mb=2048)])[0]
    assert selection.nearest_miss == "kvm2 lacks 1024 MB of memory"


def test_margins_are_compared_as_shares_of_what_was_asked_for(api, report, spec):
    scheduler = api(
        report("kvm1", memory_mb_used=4000),
        report("kvm2", vcpus_used=15),
        report("kvm3", local_gb_used=46),
        report("kvm4", disabled=True),
    )
    selection = scheduler.select_destinations([spec(memory_mb=2048, vcpus=2, root_gb=5)])[0]
    assert selection.nearest_miss == "kvm3 lacks 1 GB of disk"


def test_where_each_host_needs_several_changes_all_of_the_nearest_are_named(api, report, spec):
    scheduler = api(report("kvm1", memory_mb_used=4096, vcpus_used=16))
    assert message(scheduler, spec(memory_mb=1024)) == (
        "No valid host for web-1 (small): 0 of 1 host fit. RamFilter refused 1. "
        "Nearest: kvm1 lacks 512 MB of memory and lacks 1 vCPU."
    )


def test_hosts_that_are_not_available_are_named(api, report, spec):
    scheduler = api(report("kvm1", disabled=True), unavailable={"kvm3": "unreachable", "kvm2": "never audited"})
    assert message(scheduler, spec()) == (
        "No valid host for web-1 (small): 0 of 1 host fit. ComputeFilter refused 1. Nearest: kvm1 is disabled. "
        "Not available: kvm2 (never audited), kvm3 (unreachable)."
    )


def test_a_fleet_without_hosts_says_so(api, spec):
    assert message(api(), spec()) == "No valid host for web-1 (small): 0 of 0 hosts fit."


def test_hosts_that_were_left_out_by_name_are_counted_and_are_no_near_miss(api, report, spec):
    scheduler = api(report("kvm1"), report("kvm2", memory_mb=600))
    assert message(scheduler, spec(ignore_hosts=["kvm1"])) == (
        "No valid host for web-1 (small): 0 of 2 hosts fit. ignore_hosts refused 1, RamFilter refused 1. "
        "Nearest: kvm2 lacks 424 MB of memory."
    )


def test_a_host_that_was_asked_for_and_does_not_exist_is_named(api, report, spec):
    scheduler = api(report("kvm1"), report("kvm2"))
    assert message(scheduler, spec(force_hosts=["kvm8", "kvm9"])) == (
        "No valid host for web-1 (small): 0 of 2 hosts fit. force_hosts refused 2. Only kvm8 or kvm9 would do."
    )
    assert message(scheduler, spec(requested_destination=Destination("kvm9"))) == (
        "No valid host for web-1 (small): 0 of 2 hosts fit. requested_destination refused 2. Only kvm9 would do."
    )


def test_a_users_filter_that_breaks_on_a_host_it_never_saw_spoils_no_explanation(api, report, spec, collection):
    name = collection(
        "scheduler_filter",
        "enabled_only",
        "from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter\n\n\n"
        "class EnabledOnly(BaseHostFilter):\n"
        "    def host_passes(self, host_state, spec):\n"
        "        return 1 / (not host_state.service['disabled']) == 1\n",
    )
    scheduler = api(report("kvm1", disabled=True), enabled_filters=["ComputeFilter", name])
    assert message(scheduler, spec()) == ("No valid host for web-1 (small): 0 of 1 host fit. ComputeFilter refused 1.")


def test_a_large_fleets_unplaced_request_tells_some_refusals_of_each_filter(api, report, spec):
    disabled = [report(f"off{number}", disabled=True) for number in range(40)]
    small = [report(f"small{number}", memory_mb=600) for number in range(3)]
    scheduler = api(*disabled, *small, explained_refusals=10)
    selection = scheduler.select_destinations([spec(memory_mb=1024)])[0]
    counts = [refusal.filter for refusal in selection.refusals]
    assert {name: counts.count(name) for name in counts} == {"ComputeFilter": 7, "RamFilter": 3}
    assert selection.refusals_left_out == 33


def test_a_large_fleets_placed_request_tells_only_how_many_fell(api, report, spec):
    disabled = [report(f"off{number}", disabled=True) for number in range(4)]
    scheduler = api(*disabled, report("kvm1"), explained_refusals=3)
    selection = scheduler.select_destinations([spec()])[0]
    assert (selection.host, selection.refusals, selection.refusals_left_out) == ("kvm1", [], 4)


def test_a_group_that_is_full_is_told_what_would_help(api, report, spec, group):
    scheduler = api(report("kvm1", instances=["m"]))
    selection = scheduler.select_destinations([spec(instance_group=group(members=["m"], hosts=["kvm1"]))])[0]
    assert selection.nearest_miss == (
        "kvm1 already has 1 of at most 1 members of group web, unless anti-affinity of group web allows 2 per host"
    )
    # It is no lie.
    roomier = group(members=["m"], hosts=["kvm1"], max_server_per_host=2)
    assert scheduler.select_destinations([spec("again", instance_group=roomier)])[0].host == "kvm1"


def test_the_margins_of_a_users_filter_find_the_nearest_miss_too(api, report, spec, collection):
    name = collection(
        "scheduler_filter",
        "power",
        "from ansible_collections.novella.compute.plugins.plugin_utils.scheduler import filters\n\n\n"
        "class Power(filters.BaseHostFilter):\n"
        "    def refusal(self, host_state, spec):\n"
        "        missing = 100 - int(host_state.labels['watts'])\n"
        "        return filters.Reason(f'lacks {missing} W', margin=missing / 100)\n",
    )
    reports = [report(f"kvm{watts}", labels={"watts": str(watts)}) for watts in (10, 60, 30)]
    scheduler = api(*reports, enabled_filters=[name])
    assert message(scheduler, spec()) == (
        "No valid host for web-1 (small): 0 of 3 hosts fit. acme.sched.power refused 3. Nearest: kvm60 lacks 40 W."
    )
