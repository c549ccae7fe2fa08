# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import re

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, VersionNotSupported
from ansible_collections.novella.compute.plugins.plugin_utils.planner.hosts_document import read_hosts
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import write_snapshot

KVM1 = {"host": "kvm1", "vcpus": 8, "memory_mb": 16384, "local_gb": 200}


def test_a_snapshot_is_read_from_its_file_or_as_it_is(kit, tmp_path):
    seen = kit.observation(kit.report("kvm1"), kit.report("kvm2"), kvm3="timed out")
    document = write_snapshot(seen, kit.when)
    (tmp_path / "snapshot.json").write_text(json.dumps(document))
    assert read_hosts(document) == read_hosts(str(tmp_path / "snapshot.json")) == seen


def test_a_hand_written_host_is_like_a_real_one_with_nothing_on_it():
    node = read_hosts([{**KVM1, "labels": {"rack": "r1"}}]).reports["kvm1"].compute_node
    assert (node.free_ram_mb, node.free_disk_gb, node.vcpus_used) == (16384 - 512, 200, 0)
    assert (node.cpu_allocation_ratio, node.hypervisor_hostname, node.labels) == (4.0, "kvm1", {"rack": "r1"})


def test_what_is_reserved_counts_as_used_unless_it_is_said_what_is_used():
    reserved = {"reserved_host_cpus": 1, "reserved_host_memory_mb": 2048, "reserved_host_disk_mb": 1025}
    node = read_hosts([{**KVM1, **reserved, "local_gb_used": 7}]).reports["kvm1"].compute_node
    assert (node.vcpus_used, node.memory_mb_used, node.local_gb_used) == (1, 2048, 7)


def test_a_host_may_be_disabled():
    service = read_hosts([{**KVM1, "disabled": True, "disabled_reason": "broken fan"}]).reports["kvm1"].service
    assert (service.disabled, service.disabled_reason) == (True, "broken fan")


def test_a_count_stands_for_so_many_numbered_hosts(kit):
    whole = kit.report("old").as_document()
    read = read_hosts([{**KVM1, "host": "new", "count": 3}, whole, {**KVM1, "count": 0}])
    assert list(read.reports) == ["new-1", "new-2", "new-3", "old"]


BAD = {
    "a mapping without a kind": ({"hosts": []}, "should hold a snapshot or a list of hosts, but holds a mapping with"),
    "another kind": ({"kind": "plan"}, "holds a document of kind 'plan'."),
    "nothing": (None, "but holds nothing."),
    "no mapping": ([KVM1, "kvm2"], "[1] must be a mapping, not str."),
    "an unknown key": ([{**KVM1, "memory": 1}], "[0] has the unknown key 'memory'. Did you mean 'memory_mb'?"),
    "a missing key": ([{"host": "kvm1", "vcpus": 8}], "[0] lacks 'memory_mb'."),
    "no name": ([{**KVM1, "host": 7}], "[0].host must be a name, not 7."),
    "a wrong type": ([KVM1, {**KVM1, "vcpus": "8"}], "[1].vcpus must be an integer, not '8'."),
    "a negative size": ([{**KVM1, "memory_mb": -1}], "[0].memory_mb must be at least 0, not -1."),
    "a wrong count": ([{**KVM1, "count": -1}], "[0].count must be a whole number from 0 to 100000, not -1."),
    "twice the same": ([KVM1, KVM1], "[1] describes host kvm1 again, which hosts.yml[0] does."),
    "another document": ([{"kind": "plan"}], "[0] should be of kind 'host', but is 'plan'."),
    "a broken document": (
        [{"kind": "host", "version": "1.0", "compute_node": {**KVM1, "uuid": "u"}}],
        "[0].compute_node lacks 'hypervisor_hostname'.",
    ),
    "a broken snapshot": (
        {"kind": "snapshot", "version": "1.0", "hosts": {"kvm1": {"kind": "plan"}}},
        "hosts.yml: hosts.kvm1 should be of kind 'host', but is 'plan'.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_document_is_one_message_that_names_file_place_and_key(case, tmp_path, monkeypatch):
    content, message = BAD[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(content))
    with pytest.raises(InvalidInput, match=re.escape(message)) as failure:
        read_hosts("hosts.yml")
    assert failure.value.message.startswith("hosts.yml")


def test_a_file_that_is_no_yaml_or_is_not_there_is_one_message_too(tmp_path):
    (tmp_path / "hosts.yml").write_text("[}")
    with pytest.raises(InvalidInput, match=r"hosts\.yml:1 is not YAML"):
        read_hosts(str(tmp_path / "hosts.yml"))
    with pytest.raises(InvalidInput, match="cannot be read: No such file or directory"):
        read_hosts(str(tmp_path / "none.yml"))
    with pytest.raises(InvalidInput, match="names no format"):
        read_hosts("hosts")


def test_a_document_of_a_newer_major_version_is_refused():
    with pytest.raises(VersionNotSupported, match=r"hosts_from\[0\] has version 2\.0"):
        read_hosts([{"kind": "host", "version": "2.0"}])
