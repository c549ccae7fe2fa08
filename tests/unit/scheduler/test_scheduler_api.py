# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import dataclasses

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.base import Record, parse_version
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    InvalidInput,
    NotSupported,
    VersionNotSupported,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import Selection
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler import arrays
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate


@pytest.mark.parametrize("cap", [None, "1.0", "0.1", "1.9"])
def test_a_cap_is_a_version_or_a_release(api, cap):
    scheduler = api(version_cap=cap)
    assert scheduler.can_send_version("1.0")
    assert scheduler.can_send_version("1.1") == (cap != "1.0")
    assert not scheduler.can_send_version("1.2")
    assert not scheduler.can_send_version("2.0")
    assert not scheduler.can_send_version("0.9")


def test_a_cap_that_cannot_be_written_is_an_error(api):
    with pytest.raises(VersionNotSupported) as failure:
        api(version_cap="0.7")
    assert str(failure.value) == (
        "The scheduler cannot answer at version 0.7; this release answers at 1.1. Raise the cap to 1.0 or newer."
    )
    with pytest.raises(InvalidInput, match="'kilo' is not a version"):
        api(version_cap="kilo")


def test_what_is_told_to_the_api_reaches_the_next_choice(api, report, spec, group):
    scheduler = api(report("kvm1", memory_mb=8192), report("kvm2"))
    scheduler.update_aggregates(Aggregate("one", ["kvm2"], "az1"))
    in_zone = spec("a", availability_zone="az1")
    assert scheduler.select_destinations([in_zone])[0].host == "kvm2"
    scheduler.delete_aggregate(Aggregate("one"))
    assert scheduler.select_destinations([in_zone])[0].host is None

    member = Instance("m", InstanceSpec("m", spec().flavor))
    scheduler.update_instance_info("kvm1", [member])
    web = group(members=["m"])
    assert scheduler.select_destinations([spec("b", instance_group=web)])[0].host == "kvm2"
    scheduler.delete_instance_info("kvm1", "m")
    assert scheduler.select_destinations([spec("c", instance_group=web)])[0].host == "kvm1"
    scheduler.sync_instance_info("kvm1", ["somebody"])
    assert scheduler.host_manager.hosts_out_of_sync() == ["kvm1"]


def older(record, version):
    """Return the record as the release of that version had it."""
    fields = [
        (field.name, field.type, dataclasses.field(default=field.default, default_factory=field.default_factory))
        for field in dataclasses.fields(record)
        if field.metadata.get("since", (0, 0)) <= parse_version(version)
    ]
    return dataclasses.make_dataclass(f"Older{record.__name__}", fields, bases=(Record,), frozen=True)


@pytest.mark.parametrize("cap", ["1.0", "1.1"])
def test_what_a_capped_writer_wrote_is_read_by_the_older_schema(api, report, spec, cap):
    reports = [report(f"kvm{number}") for number in range(1, 5)]
    scheduler = api(*reports, version_cap=cap, explained_refusals=2)
    for selection in scheduler.select_destinations([spec(memory_mb=1024), spec("big", memory_mb=9999)]):
        told = scheduler.written(selection)
        read = older(Selection, cap).from_dict(told)
        assert (read.host, read.message) == (selection.host, selection.message)
        assert ("refusals_left_out" in told) == (cap == "1.1")


def test_an_older_schema_refuses_what_an_uncapped_writer_wrote(api, report, spec):
    scheduler = api(report())
    told = scheduler.written(scheduler.select_destinations([spec()])[0])
    with pytest.raises(InvalidInput, match="unknown key 'refusals_left_out'"):
        older(Selection, "1.0").from_dict(told)


def test_a_capped_plan_holds_nothing_that_is_younger(api, report, spec):
    scheduler = api(report(), explained_refusals=0)
    placed, unplaced = scheduler.select_destinations([spec(), spec("big", memory_mb=9999)])
    plan = Plan("default", "2026-11-21T10:00:00.000000Z", placed=[placed], unplaced=[unplaced])
    capped = plan.as_document(version_cap="1.0")
    assert (capped["version"], "placed" in capped) == ("1.0", False)
    assert "refusals_left_out" not in capped["unplaced"][0]
    assert Plan.from_document(capped) == plan.but(placed=[], unplaced=[unplaced.but(refusals_left_out=0)])
    assert Plan.from_document(plan.as_document()) == plan


def test_requests_are_placed_as_they_are_asked_for(api, report, spec):
    scheduler = api(report())
    asked = []

    def requests():
        for number in range(100):
            asked.append(number)
            yield spec(f"web-{number}", memory_mb=2048)

    hosts = []
    for selection in scheduler.select_each(requests()):
        if selection.host is None:
            break
        hosts.append(selection.host)
    assert (hosts, asked) == (["kvm1", "kvm1"], [0, 1, 2])


def test_a_controller_without_numpy_is_told_what_to_install(api, report, monkeypatch):
    monkeypatch.setattr(arrays, "np", None)
    with pytest.raises(NotSupported, match="needs the Python library numpy"):
        api(report())
