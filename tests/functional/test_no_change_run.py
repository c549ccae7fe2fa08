# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run over many guests with many devices that finds nothing to do."""

from typing import Any

from support.playbooks import Outcome

HOSTS, GUESTS = 5, 50
GUEST: dict[str, Any] = {
    "count": GUESTS,
    "networks": [{"network": "front"}, {"network": "back"}],
    "volumes": [{"size_gb": 1}, {"size_gb": 1}],
}
NETWORKS = {
    "front": {"libvirt_network": "default"},
    "back": {"mode": "nat", "subnets": [{"cidr": "10.77.0.0/24"}]},
}


# The tasks that run modules of Novella's on hosts.
PHASES = ("Read the host", "Claim", "Reconcile", "Remember")


def module_runs(outcome: Outcome) -> dict[str, int]:
    """By phase: how often its module ran on hosts."""
    counts: dict[str, int] = {}
    for task, results in outcome.results.items():
        phase = next((name for name in PHASES if task.startswith(name)), None)
        ran = sum(not result.get("skipped", False) for result in results)
        if phase and ran:
            counts[phase] = counts.get(phase, 0) + ran
    return counts


def test_a_second_run_over_50_guests_with_three_disks_and_two_nics_changes_nothing(make_site: Any) -> None:
    site = make_site(HOSTS)
    site.write_fleet({"web": GUEST}, networks=NETWORKS)
    facts = site.folder / "facts"
    first = site.run("apply", facts=facts)
    assert first.code == 0, first.text
    runs = module_runs(first)
    assert (runs["Read the host"], runs["Reconcile"]) == (HOSTS, HOSTS)
    assert len(site_volumes(site)) == 2 * GUESTS
    assert sum(len(site.driver(host).reservations()) for host in site.names) == GUESTS

    without_cache = site.run("apply")
    assert (without_cache.code, without_cache.changed) == (0, 0), without_cache.text
    assert module_runs(without_cache) == {"Read the host": HOSTS}
    assert "No changes." in without_cache.text
    audited = site.run("audit", facts=facts)
    assert audited.code == 0, audited.text

    second = site.run("apply", facts=facts)
    assert (second.code, second.changed) == (0, 0), second.text
    assert module_runs(second) == {"Read the host": HOSTS}
    assert all(result["in_sync"] for result in second.results["Read the host"])
    assert len(second.result("Summary")["instances"]) == GUESTS


def site_volumes(site: Any) -> list[str]:
    """The UUIDs of all volumes of all hosts."""
    return [volume.uuid for host in site.names for volume in site.driver(host).list_volumes()]
