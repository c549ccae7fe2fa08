# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Firewalls on a host: they come and go with their instances, and no failure leaves one behind or takes one away."""

from __future__ import annotations

import dataclasses
from typing import Any, Optional

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.commands import Command
from ansible_collections.novella.compute.plugins.module_utils.compute.instance_details import Selection
from ansible_collections.novella.compute.plugins.module_utils.objects.firewall import Firewall, FirewallRule
from ansible_collections.novella.compute.plugins.module_utils.objects.host_report import HostReport
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from support.fake_host import FakeHost, act, create

REFRESH = "refresh_instance_security_rules"
HTTP = Firewall(["web"], [FirewallRule("ingress", protocol="tcp", port_min=80, port_max=80)])
HTTPS = Firewall(["web"], [FirewallRule("ingress", protocol="tcp", port_min=443, port_max=443)])


def create_behind(name: str, firewall: Optional[Firewall], **changes: Any) -> Action:
    made = create(name, **changes)
    assert made.spec is not None
    return made.but(spec=made.spec.but(firewall=firewall))


def recorded(host: FakeHost, name: str = "web") -> Optional[Firewall]:
    [found] = [seen.instance for seen in host.manager().audit().instances if seen.instance.spec.name == name]
    return found.spec.firewall


def test_an_instance_has_its_firewall_from_its_definition_on_and_takes_it_along(host: FakeHost) -> None:
    host.reconcile(create_behind("web", HTTP))
    assert (host.driver.firewall_of("uuid-of-web"), recorded(host)) == (HTTP, HTTP)
    host.reconcile(act("delete", "web"))
    assert host.driver.firewall_of("uuid-of-web") is None


def test_other_rules_are_set_and_recorded(host: FakeHost) -> None:
    host.reconcile(create_behind("web", HTTP))
    host.reconcile(act(REFRESH, "web").but(firewall=HTTPS))
    assert (host.driver.firewall_of("uuid-of-web"), recorded(host)) == (HTTPS, HTTPS)
    host.reconcile(act(REFRESH, "web"))
    assert (host.driver.firewall_of("uuid-of-web"), recorded(host)) == (None, None)


def test_by_name_the_rules_of_the_record_are_put_back(host: FakeHost) -> None:
    host.reconcile(create_behind("web", HTTP))
    with host.db.transaction() as connection:
        connection.execute("DELETE FROM fake_firewalls")
    command = Command(REFRESH, Selection(names=("web",)))
    for _turn in range(2):
        [answer] = host.manager().obey(command, check=False)
        assert answer.status == "done"
        assert (host.driver.firewall_of("uuid-of-web"), recorded(host)) == (HTTP, HTTP)


@pytest.mark.parametrize("operation", ["update", "rebuild"])
def test_another_intent_does_not_change_the_firewall(host: FakeHost, operation: str) -> None:
    made = create_behind("web", HTTP)
    host.reconcile(made)
    assert made.spec is not None
    spec = made.spec.but(firewall=HTTPS, metadata={"role": "front"})
    [done] = host.reconcile(act(operation, "web").but(spec=spec))
    assert done["status"] == "done"
    assert (host.driver.firewall_of("uuid-of-web"), recorded(host)) == (HTTP, HTTP)


def test_a_refresh_that_fails_leaves_the_rules_that_were_there(host: FakeHost) -> None:
    host.reconcile(create_behind("web", HTTP))
    host.settings(failures={"set_firewall": {"web": "no such luck"}})
    [failed] = host.reconcile(act(REFRESH, "web").but(firewall=HTTPS))
    assert failed["status"] == "failed"
    host.settings()
    assert recorded(host) == HTTP


def test_a_record_that_cannot_hold_a_firewall_is_refused_and_nobody_is_left_unguarded(host: FakeHost) -> None:
    host.options = dataclasses.replace(host.options, record_version_cap="1.3")
    [refused] = host.reconcile(create_behind("web", HTTP))
    told = "web has security groups, and record_version_cap is 1.3: its record cannot hold that."
    assert refused["error"]["message"] == told
    host.reconcile(create("web"))
    [refused] = host.reconcile(act(REFRESH, "web").but(firewall=HTTP))
    assert refused["error"]["message"] == told
    assert host.driver.firewall_of("uuid-of-web") is None


def test_instances_of_one_group_share_its_rules_in_a_hosts_report(host: FakeHost) -> None:
    host.reconcile(*(create_behind(name, HTTP) for name in ("one", "two", "three")))
    report = host.manager().audit()
    document = report.as_document()
    assert len(document["firewalls"]) == 1
    assert {item["instance"]["spec"]["firewall"] for item in document["instances"]} == {0}
    assert HostReport.from_document(document) == report
