# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where Novella answers as Nova does though its parts are cut otherwise: random scenarios reach these cases rarely."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from conformance import our_side
from conformance.comparing import compare, is_error
from conformance.nova_process import NovaProcess
from conformance.small_scenario import make_cell, make_scenario


def agreed(nova: NovaProcess, scenario: dict[str, Any]) -> dict[str, Any]:
    """Return what both say of the request."""
    theirs, ours = nova.answer(scenario), our_side.answer(scenario)
    assert compare(scenario, theirs, ours) == []
    answer: dict[str, Any] = theirs["requests"][0]
    return answer


def test_packing_orders_the_cells_that_a_placement_takes_with_and_without_the_filter(nova: NovaProcess) -> None:
    cells = [make_cell(0, [0, 1], [], cpu_usage=0), make_cell(1, [2, 3], [], cpu_usage=1)]
    options = {"packing_host_numa_cells_allocation_strategy": True}
    for filters in ((), ("NUMATopologyFilter",)):
        scenario = make_scenario([{"cells": cells}], {"extra_specs": {"hw:numa_nodes": "1"}}, options, filters=filters)
        consumed = agreed(nova, scenario)["consumed"]["cells"]
        assert [cell["cpu_usage"] for cell in consumed] == [0, 2]


def test_no_filter_limits_the_cells_of_a_forced_host(nova: NovaProcess) -> None:
    cells = [make_cell(0, [0, 1], [], cpu_usage=8)]
    request = {"extra_specs": {"hw:numa_nodes": "1"}, "force_hosts": ["kvm1"]}
    scenario = make_scenario([{"cells": cells}], request, filters=("NUMATopologyFilter",))
    assert [cell["cpu_usage"] for cell in agreed(nova, scenario)["consumed"]["cells"]] == [9]


def test_vcpus_used_counts_dedicated_cpus_too(nova: NovaProcess) -> None:
    host = {"cells": [make_cell(0, [0, 1], [2, 3])], "vcpus": 2}
    request = {"vcpus": 2, "extra_specs": {"hw:cpu_policy": "dedicated"}}
    scenario = make_scenario([host], request, filters=("NUMATopologyFilter",))
    assert agreed(nova, scenario)["consumed"]["vcpus_used"] == 2


def test_a_disabled_host_cannot_be_forced(nova: NovaProcess) -> None:
    request = {"force_hosts": ["kvm1", "kvm2"]}
    scenario = make_scenario([{"disabled": True}, {}], request, filters=("ComputeFilter",))
    assert agreed(nova, scenario)["passing"] == ["kvm2"]


def test_options_that_nova_drops_in_silence_are_told(nova: NovaProcess) -> None:
    options = {"metrics_weight_setting": ["cpu.frequency=fast"]}
    scenario = make_scenario([{}, {}], {}, options, weighers=("MetricsWeigher",))
    assert not is_error(nova.answer(scenario)["requests"][0]["ranked"])
    with pytest.raises(OptionInvalid, match=r"cpu\.frequency=fast"):
        our_side.answer(scenario)
