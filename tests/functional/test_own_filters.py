# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The example of docs/own-filters.md, and what becomes of a run when a user's filter fails."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.playbooks import ROOT, Outcome, run_playbook

EXAMPLES = ROOT / "docs" / "examples" / "collections"
SIZE = {"vcpus": 8, "memory_mb": 16384, "local_gb": 200}
FILTERS = ["ComputeFilter", "RamFilter", "CoreFilter", "DiskFilter"]
FLEET = {
    "version": "1.0",
    "flavors": {
        "small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1},
        "large": {"vcpus": 4, "memory_mb": 512, "root_gb": 1},
    },
    "images": {"tiny": {"source": "/srv/images/tiny.qcow2"}},
}


def simulate(folder: Path, hosts: list[dict[str, Any]], collections: Path = EXAMPLES, **parts: Any) -> Outcome:
    (folder / "hosts.yml").write_text(yaml.safe_dump([{**SIZE, **host} for host in hosts]))
    (folder / "fleet.yml").write_text(yaml.safe_dump({**FLEET, **parts}))
    return run_playbook("simulate", folder=folder, collections=[collections], fleet="fleet.yml", hosts_from="hosts.yml")


def homes(outcome: Outcome) -> dict[str, str]:
    return {action["name"]: action["host"] for action in outcome.result("Plan")["plan"]["actions"]}


def test_the_example_filter_refuses_with_its_reason_and_leaves_the_others_to_be_placed(tmp_path: Path) -> None:
    outcome = simulate(
        tmp_path,
        [{"host": "kvm1", "labels": {"watts": "25"}}, {"host": "kvm2", "labels": {"watts": "50"}}],
        scheduler={"enabled_filters": [*FILTERS, "acme.racks.rack_power"]},
        instances={"db": {"flavor": "large", "image": "tiny"}, "web": {"flavor": "small", "image": "tiny", "count": 3}},
    )
    assert outcome.code == 2
    assert sorted(homes(outcome).values()) == ["kvm1", "kvm2", "kvm2"]
    told = (
        "No valid host for db (large): 0 of 2 hosts fit. acme.racks.rack_power refused 2. "
        "Nearest: kvm2 lacks 50 W of power."
    )
    assert told in " ".join(outcome.text.split())
    assert told in (ROOT / "docs" / "own-filters.md").read_text()


def test_the_example_weigher_counts_as_much_as_an_aggregate_says(tmp_path: Path) -> None:
    hosts = [{"host": "kvm1", "labels": {"inlet_celsius": "27.5"}}, {"host": "kvm2"}]
    parts = {
        "scheduler": {"enabled_weighers": ["acme.racks.cool_inlet"]},
        "instances": {"web": {"flavor": "small", "image": "tiny"}},
    }
    assert homes(simulate(tmp_path, hosts, **parts)) == {"web": "kvm2"}
    against = {"hot": {"hosts": ["kvm1", "kvm2"], "metadata": {"cool_inlet_weight_multiplier": "-1"}}}
    assert homes(simulate(tmp_path, hosts, aggregates=against, **parts)) == {"web": "kvm1"}


def test_a_filter_that_raises_stops_its_request_and_no_other(tmp_path: Path) -> None:
    plugin = tmp_path / "own/ansible_collections/me/mine/plugins/sub_plugins/scheduler_filter/picky.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(
        "from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter\n\n\n"
        "class Picky(BaseHostFilter):\n"
        "    def host_passes(self, host_state, spec):\n"
        "        return {'small': True}[spec.flavor.name]\n"
    )
    outcome = simulate(
        tmp_path,
        [{"host": "kvm1"}],
        tmp_path / "own",
        scheduler={"enabled_filters": [*FILTERS, "me.mine.picky"]},
        instances={"db": {"flavor": "large", "image": "tiny"}, "web": {"flavor": "small", "image": "tiny", "count": 2}},
    )
    assert outcome.code == 2
    assert homes(outcome) == {"web-1": "kvm1", "web-2": "kvm1"}
    assert "db was not placed: me.mine.picky raised KeyError('large') on host kvm1." in " ".join(outcome.text.split())
    assert "Traceback" not in outcome.text


@pytest.mark.parametrize("name", ["acme.racks.rack_pover", "acme.shelves.rack_power"])
def test_a_filter_that_does_not_exist_is_told_with_the_file_it_should_be(tmp_path: Path, name: str) -> None:
    outcome = simulate(
        tmp_path,
        [{"host": "kvm1"}],
        scheduler={"enabled_filters": [name]},
        instances={"web": {"flavor": "small", "image": "tiny"}},
    )
    assert outcome.code == 2
    collection, _dot, file = name.rpartition(".")
    wanted = f"the file plugins/sub_plugins/scheduler_filter/{file}.py of the collection {collection}."
    assert wanted in " ".join(outcome.text.split())
    assert "Traceback" not in outcome.text
