# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet with security groups, from its first one to its last, over several hosts."""

from __future__ import annotations

from typing import Any, Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid

HTTP = {"protocol": "tcp", "ports": 80, "ethertype": "IPv4"}
FROM_WEB = {"protocol": "tcp", "ports": 5432, "remote_group": "web"}
GROUPS = {"web": {"rules": [HTTP]}, "db": {"rules": [FROM_WEB]}}
WEB = {"security_groups": ["web"], "host": "kvm1", "networks": [{"network": "front"}]}
DB = {"security_groups": ["db"], "host": "kvm2", "networks": [{"network": "front"}]}


def rules(site: Any, host: str, name: str) -> Optional[list[str]]:
    """What the packets of an instance go by on a host."""
    found = site.driver(host).firewall_of(instance_uuid("test", "default", name))
    return None if found is None else [rule.describe() for rule in found.rules]


def test_groups_come_change_and_go_on_all_hosts_and_a_second_run_changes_nothing(make_site: Any) -> None:
    site = make_site(2)
    bare = {key: value for key, value in WEB.items() if key != "security_groups"}
    site.write_fleet({"web": bare})
    assert site.run("apply").code == 0
    assert rules(site, "kvm1", "web") is None

    site.write_fleet({"web": WEB, "db": DB}, security_groups=GROUPS)
    checked = site.run("apply", "--check", "--diff")
    assert "security_groups none -> web" in " ".join(checked.text.split()), checked.text
    assert rules(site, "kvm1", "web") is None
    done = site.run("apply")
    assert done.code == 0, done.text
    assert rules(site, "kvm1", "web") == ["egress any IPv4", "egress any IPv6", "ingress tcp 80 IPv4"]
    assert "ingress tcp 5432 IPv4 from group web" in (rules(site, "kvm2", "db") or [])
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text

    site.write_fleet({"web": WEB, "db": DB}, security_groups={**GROUPS, "web": {"rules": [{**HTTP, "ports": 81}]}})
    done = site.run("apply")
    assert done.code == 0, done.text
    assert (rules(site, "kvm1", "web") or [])[-1] == "ingress tcp 81 IPv4"

    site.write_fleet({"web": bare})
    assert site.run("apply", prune=True).code == 0
    assert (rules(site, "kvm1", "web"), rules(site, "kvm2", "db")) == (None, None)
    again = site.run("apply")
    assert (again.code, again.changed) == (0, 0), again.text
