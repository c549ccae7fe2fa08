# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, VersionNotSupported
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate


@pytest.mark.parametrize("cap", [None, "1.0", "0.1", "1.9"])
def test_a_cap_is_a_version_or_a_release(api, cap):
    scheduler = api(version_cap=cap)
    assert scheduler.can_send_version("1.0")
    assert not scheduler.can_send_version("1.1")
    assert not scheduler.can_send_version("2.0")
    assert not scheduler.can_send_version("0.9")


def test_a_cap_that_cannot_be_written_is_an_error(api):
    with pytest.raises(VersionNotSupported) as failure:
        api(version_cap="0.7")
    assert str(failure.value) == (
        "The scheduler cannot answer at version 0.7; this release answers at 1.0. Raise the cap to 1.0 or newer."
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
