# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wishes that make no sense: one clear message each, and nothing placed wrongly."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.playbooks import Outcome, run_playbook

HOSTS = [{"host": "kvm", "count": 2, "vcpus": 4, "memory_mb": 4096, "local_gb": 50}]


def simulate(folder: Path, instances: dict[str, Any], **more: Any) -> Outcome:
    fleet = {
        "version": "1.0",
        "flavors": {
            "small": {"vcpus": 1, "memory_mb": 512},
            "odd": {"vcpus": 1, "memory_mb": 512, "extra_specs": {"capabilities:vcpus_total": ">= many"}},
        },
        "images": {"tiny": {"source": "/srv/tiny.qcow2"}},
        "instances": {name: {"flavor": "small", "image": "tiny", **body} for name, body in instances.items()},
        **more,
    }
    (folder / "fleet.yml").write_text(yaml.safe_dump(fleet, sort_keys=False))
    return run_playbook("simulate", fleet=str(folder / "fleet.yml"), hosts_from=HOSTS)


# What is wrong with the whole fleet: the instances, the rest of the fleet, and what the message must say.
FLEETS: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "unknown filter": (
        {"web": {}},
        {"scheduler": {"enabled_filters": ["ComputeCapabilitiesFilter", "RamFiltre"]}},
        ["RamFiltre", "Did you mean 'RamFilter'?"],
    ),
    "impossible option": ({"web": {}}, {"scheduler": {"host_subset_size": 0}}, ["scheduler.host_subset_size", "1"]),
    "instances that each want to be where the other is": (
        {"a": {"scheduler_hints": {"same_host": "b"}}, "b": {"scheduler_hints": {"same_host": "a"}}},
        {},
        ["fleet.yml:", "same_host"],
    ),
    "limit per host in a group that is kept together": (
        {"web": {"server_group": "g"}},
        {"server_groups": {"g": {"policy": "affinity", "max_server_per_host": 2}}},
        ["server_groups.g", "max_server_per_host"],
    ),
    "group of an unknown policy": (
        {"web": {"server_group": "g"}},
        {"server_groups": {"g": {"policy": "anti-afinity"}}},
        ["server_groups.g.policy", "anti-affinity"],
    ),
}


@pytest.mark.parametrize("kind", FLEETS)
def test_a_fleet_that_asks_for_the_impossible_is_refused_as_a_whole(tmp_path: Path, kind: str) -> None:
    instances, more, words = FLEETS[kind]
    outcome = simulate(tmp_path, instances, **more)
    assert outcome.code == 2, outcome.text
    message = outcome.result("Plan")["msg"]
    assert all(word in message for word in words), message
    assert "plan" not in outcome.result("Plan")
    assert "Traceback" not in outcome.text


def test_a_requirement_with_a_broken_operator_stops_its_own_request_only(tmp_path: Path) -> None:
    outcome = simulate(tmp_path, {"web": {}, "strange": {"flavor": "odd"}})
    assert outcome.code == 2, outcome.text
    plan = outcome.result("Plan")["plan"]
    assert [action["name"] for action in plan["actions"]] == ["web"]
    [unplaced] = plan["unplaced"]
    assert unplaced["name"] == "strange"
    assert "capabilities:vcpus_total" in unplaced["message"]
    assert "'many', which is no number" in unplaced["message"]
    assert "Traceback" not in outcome.text
