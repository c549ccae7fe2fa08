# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole playbooks on the fake driver: how far hosts are filled, and what their own measure refuses."""

from collections import Counter
from typing import Any

import yaml

FILTERS = ["ComputeFilter", "AggregateRamFilter", "CoreFilter", "DiskFilter"]


def homes(site: Any) -> Counter[str]:
    return Counter({host: len(domains) for host, domains in site.domains().items()})


def test_an_aggregate_fills_a_host_further_unless_its_ratio_is_fixed(make_site) -> None:
    site = make_site(2, novella_reserved_host_memory_mb=0, novella_instance_overhead_memory_mb=12)
    inventory = yaml.safe_load(site.inventory.read_text())
    inventory["compute"]["hosts"]["kvm1"]["novella_ram_allocation_ratio"] = 1.0
    site.inventory.write_text(yaml.safe_dump(inventory))
    for host in site.names:
        # Two of 512 MB, and QEMU's own.
        site.settings(host, resources={"memory_mb": 2 * 524})
    dense = {"dense": {"hosts": site.names, "metadata": {"ram_allocation_ratio": "1.5"}}}
    site.write_fleet({"web": {"count": 6}}, aggregates=dense, scheduler={"enabled_filters": FILTERS})
    outcome = site.run("apply")
    assert outcome.code == 2
    assert homes(site) == {"kvm1": 2, "kvm2": 3}
    assert "lacks 524 MB of memory" in outcome.text
    site.write_fleet({"web": {"count": 5}}, aggregates=dense, scheduler={"enabled_filters": FILTERS})
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text


def test_a_host_whose_pool_is_fuller_than_it_seems_leaves_the_instance_to_another(make_site) -> None:
    site = make_site(2, novella_minimum_free_disk_mb=2048)
    # The one has more memory, so it is chosen first.
    site.settings("kvm1", resources={"memory_mb": 16384}, free_disk_mb=3000)
    site.settings("kvm2", free_disk_mb=3100)
    site.write_fleet({"web": {}})
    outcome = site.run("apply")
    assert outcome.code == 0, outcome.text
    assert homes(site) == {"kvm1": 0, "kvm2": 1}
    assert "could not be created on kvm1" in outcome.text
