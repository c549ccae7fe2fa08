# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that do one operation to instances, wherever they live."""

from __future__ import annotations

from typing import Any


def powers(site: Any) -> dict[str, str]:
    return {name.removeprefix("test."): power for domains in site.domains().values() for name, power in domains.items()}


def test_instances_are_acted_on_wherever_they_are_by_one_module_run_per_host(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {"count": 4, "vm_state": "any"}, "db": {"vm_state": "any"}})
    assert site.run("apply").code == 0
    checked = site.run("pause", "--check", "--diff", instances="web-*")
    assert (checked.code, checked.changed) == (0, 2), checked.text
    assert "-vm_state: active" in checked.text
    assert set(powers(site).values()) == {"running"}
    paused = site.run("pause", instances="web-*")
    assert (paused.code, paused.changed, len(paused.results["Act"])) == (0, 2, 2), paused.text
    assert powers(site) == {**{f"web-{number}": "paused" for number in range(1, 5)}, "db": "running"}
    assert "active -> paused" in paused.text
    again = site.run("pause", instances="web-*")
    assert (again.code, again.changed) == (0, 0), again.text
    assert site.run("unpause", instances="web-1,web-2").code == 0
    assert sorted(name for name, power in powers(site).items() if power == "paused") == ["web-3", "web-4"]


def test_what_is_nowhere_and_what_cannot_be_done_is_named_and_the_rest_is_done(make_site) -> None:
    site = make_site(2)
    site.write_fleet({"web": {}, "db": {"vm_state": "stopped"}})
    assert site.run("apply").code == 0
    run = site.run("pause", instances="web,db,nobody-*")
    assert run.code == 2
    said = " ".join(run.text.split())
    assert "db cannot pause: it is stopped. It must be active." in said
    assert "No instance that any host has is called nobody-*." in said
    assert powers(site) == {"web": "paused", "db": "shutdown"}


def test_nobody_stops_everything_by_leaving_out_what(make_site) -> None:
    site = make_site(1)
    site.write_fleet({"web": {}})
    assert site.run("apply").code == 0
    run = site.run("stop")
    assert run.code == 2
    assert "Nothing says which instances to stop. Give names (such as '*')" in " ".join(run.text.split())
    assert powers(site) == {"web": "running"}
