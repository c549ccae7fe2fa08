# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locked instances and what hangs on them, by whole playbooks on the fake driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance

REFUSAL = "web is locked: an audit. Unlock it first (novella.compute.instance_action action=unlock)."


def names(site: Any) -> list[str]:
    return sorted(name.removeprefix("test.") for found in site.domains().values() for name in found)


def record(site: Any, name: str) -> Instance:
    domains = [domain for host in site.names for domain in site.driver(host).list_domains()]
    [found] = [domain.record for domain in domains if domain.name == f"test.{name}"]
    return Instance.from_document(found)


def test_a_locked_instance_survives_prune_and_goes_when_it_is_unlocked(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {}, "old": {}})
    assert site.run("apply").code == 0
    locked = site.run("lock", instances="web", reason="an audit")
    assert (locked.code, locked.changed) == (0, 1), locked.text
    assert site.run("lock", instances="web", reason="an audit").changed == 0
    assert site.run("apply").changed == 0

    refused = site.run("stop", "--check", instances="web")
    assert refused.code == 2
    assert REFUSAL in " ".join(refused.text.split())

    site.write_fleet({"new": {}})
    pruned = site.run("apply", prune=True)
    assert pruned.code == 2
    assert REFUSAL in " ".join(pruned.text.split())
    assert names(site) == ["new", "web"]

    assert site.run("unlock", instances="web").code == 0
    assert site.run("apply", prune=True).code == 0
    assert names(site) == ["new"]


def test_what_hangs_on_instances_is_changed_by_one_run_on_each_host_until_the_fleet_says_otherwise(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 2, "metadata": {"role": "front"}, "tags": ["b"]}, "db": {}})
    assert site.run("apply").code == 0
    play = write_play(site.folder, names=["web-*"], metadata={"owner": "shop"}, tags=["a"], display_name="Till")
    checked = site.run(play, "--check", "--diff")
    assert (checked.code, checked.changed) == (0, 2), checked.text
    assert "+  owner: shop" in checked.text
    assert record(site, "web-1").spec.tags == ["b"]
    done = site.run(play)
    assert (done.code, done.changed) == (0, 2), done.text
    spec = record(site, "web-2").spec
    assert (spec.metadata, spec.tags, spec.display_name) == ({"role": "front", "owner": "shop"}, ["a", "b"], "Till")
    assert record(site, "db").spec.metadata == {}
    assert site.run(play).changed == 0

    back = site.run("apply")
    assert "metadata.owner shop -> none" in " ".join(back.text.split())
    assert (record(site, "web-1").spec.metadata, record(site, "web-1").spec.tags) == ({"role": "front"}, ["b"])


def test_a_value_that_is_too_long_changes_nothing(make_site) -> None:
    site = make_site(1)
    site.write_fleet({"web": {}})
    assert site.run("apply").code == 0
    failed = site.run(write_play(site.folder, names=["*"], metadata={"note": "x" * 256}, tags=["a"]))
    assert failed.code == 2
    assert "metadata.note has 256 characters. It may have 0 to 255." in " ".join(failed.text.split())
    assert record(site, "web").spec.tags == []


def write_play(folder: Path, **options: Any) -> str:
    task = {"name": "Describe", "novella.compute.instance_metadata": options}
    (folder / "describe.yml").write_text(yaml.safe_dump([{"hosts": "compute", "gather_facts": False, "tasks": [task]}]))
    return str(folder / "describe.yml")
