# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, VersionNotSupported
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import (
    observe,
    read_snapshot,
    write_snapshot,
)


def test_a_snapshot_brings_back_the_same_observation(kit):
    fleet = kit.fleet(instances={"web": kit.web(count=2)})
    seen = [kit.observed(kit.find(fleet, name)) for name in ("web-1", "web-2")]
    whole = kit.observation(kit.report("kvm1", seen), kit.report("kvm2"), kvm3="timed out")
    document = json.loads(json.dumps(write_snapshot(whole, kit.when)))
    assert (document["kind"], document["version"]) == ("snapshot", "1.0")
    assert document["made_at"] == kit.when
    assert document["hosts"]["kvm1"]["kind"] == "host"
    assert read_snapshot(document) == whole


def test_hosts_are_sorted_however_they_come(kit):
    documents = {host: kit.report(host).as_document() for host in ("kvm2", "kvm1")}
    assert list(observe(documents, {}).reports) == ["kvm1", "kvm2"]


def test_a_host_that_calls_itself_something_else_is_refused(kit):
    with pytest.raises(InvalidInput, match="The document of host kvm1 says that it is of host 'node7'"):
        observe({"kvm1": kit.report("node7").as_document()}, {})


def test_a_snapshot_of_a_newer_major_version_is_refused():
    with pytest.raises(VersionNotSupported, match=r"has version 2\.0"):
        read_snapshot({"kind": "snapshot", "version": "2.0", "hosts": {}})


def test_what_a_newer_minor_version_added_is_no_error(kit):
    document = {**write_snapshot(kit.observation(kit.report("kvm1")), kit.when), "version": "1.7", "colour": "blue"}
    assert list(read_snapshot(document).reports) == ["kvm1"]
