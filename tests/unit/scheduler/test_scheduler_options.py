# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, OptionInvalid
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.options import SchedulerOptions


def test_the_defaults_are_novas():
    options = SchedulerOptions.from_mapping({}).as_dict()
    assert {key: value for key, value in options.items() if not key.startswith("enabled_")} == {
        "ram_weight_multiplier": 1.0,
        "cpu_weight_multiplier": 1.0,
        "disk_weight_multiplier": 1.0,
        "io_ops_weight_multiplier": -1.0,
        "num_instances_weight_multiplier": 0.0,
        "hypervisor_version_weight_multiplier": 1.0,
        "metrics_weight_multiplier": 1.0,
        "pci_weight_multiplier": 1.0,
        "soft_affinity_weight_multiplier": 1.0,
        "soft_anti_affinity_weight_multiplier": 1.0,
        "build_failure_weight_multiplier": 1000000.0,
        "cross_cell_move_weight_multiplier": 1000000.0,
        "image_props_weight_multiplier": 0.0,
        "image_props_weight_setting": [],
        "metrics_weight_setting": [],
        "metrics_required": True,
        "metrics_weight_of_unavailable": -10000.0,
        "host_subset_size": 1,
        "shuffle_best_same_weighed_hosts": False,
        "max_attempts": 3,
        "seed": 0,
        "default_availability_zone": "nova",
        "max_io_ops_per_host": 8,
        "max_instances_per_host": 50,
        "isolated_images": [],
        "isolated_hosts": [],
        "restrict_isolated_hosts_to_isolated_images": True,
        "aggregate_image_properties_isolation_namespace": None,
        "aggregate_image_properties_isolation_separator": ".",
        "image_properties_default_architecture": None,
        "packing_host_numa_cells_allocation_strategy": False,
        "pci_alias": [],
        "limit_tenants_to_placement_aggregate": False,
        "placement_aggregate_required_for_tenants": False,
        "enable_isolated_aggregate_filtering": False,
        "explained_refusals": 50,
    }


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (
            {"max_attempt": 3},
            OptionInvalid,
            "scheduler has the unknown option 'max_attempt'. Did you mean 'max_attempts'? Known are enabled_filters, ",
        ),
        ({"max_attempts": 0}, OptionInvalid, "scheduler.max_attempts must be at least 1, not 0."),
        ({"host_subset_size": -1}, OptionInvalid, "scheduler.host_subset_size must be at least 1, not -1."),
        ({"host_subset_size": True}, InvalidInput, "scheduler.host_subset_size must be an integer, not True."),
        ({"ram_weight_multiplier": "2"}, InvalidInput, "scheduler.ram_weight_multiplier must be a number, not '2'."),
        (
            {"cpu_weight_multiplier": float("inf")},
            OptionInvalid,
            "scheduler.cpu_weight_multiplier must be a finite number, not inf.",
        ),
        (
            {"enabled_filters": ["RamFilter", "CoreFilter", "RamFilter"]},
            OptionInvalid,
            "scheduler.enabled_filters names RamFilter twice.",
        ),
        ({"enabled_filters": "RamFilter"}, InvalidInput, "scheduler.enabled_filters must be a list, not 'RamFilter'."),
        ([], InvalidInput, "scheduler must be a mapping, not list."),
    ],
)
def test_an_option_that_cannot_be_honoured_is_an_error(data, error, message):
    with pytest.raises(error) as failure:
        SchedulerOptions.from_mapping(data)
    assert str(failure.value).startswith(message)
