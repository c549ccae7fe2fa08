# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad fleets: each gets one clear line, with its place."""

from __future__ import annotations

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet

NO_SOURCE = "is neither an absolute path, nor one on another host (HOST:/path), nor an http:// or https:// address."
FLAVOR_KEYS = "vcpus, memory_mb, root_gb, ephemeral_gb, swap_mb, extra_specs"
INSTANCE_KEYS = (
    "count, flavor, image, networks, volumes, ephemeral, server_group, availability_zone, vm_state, metadata, tags, "
    "display_name, locked, ssh_keys, user_data, user_data_file, where, scheduler_hints, host"
)
NOT_TEXT = "YAML reads unquoted on, off, yes, no, true and false as booleans: quote it."
BAD_NAME = "is not a valid name: use at most 63 letters, digits, '.', '_' and '-', and start with a letter or digit."
BAD_INSTANCE_NAME = (
    "is not a valid instance name, for it is the guest's host name too: use at most 63 letters, digits, '-' and '.', "
    "and start and end each part with a letter or digit."
)

# What follows line 4 of a sound file, and the one fault it has.
BAD = {
    "unknown_key": (
        "instances:\n  web:\n    flavour: small\n    image: debian\n",
        "7: instances.web.flavour: unknown key. Did you mean 'flavor'?",
    ),
    "unknown_section": (
        "disks: {}\n",
        (
            "5: disks: unknown key. Allowed: version, name, project_id, allow, flavors, images, networks, volumes, "
            "storage_pools, security_groups, provider_rules, server_groups, aggregates, instances, guest, scheduler."
        ),
    ),
    "pool_that_is_not_declared": (
        "volumes:\n  data: {size_gb: 1, pool: big}\n",
        "6: volumes.data.pool: there is no storage pool 'big'. None is declared.",
    ),
    "pool_without_what_its_type_needs": (
        "storage_pools:\n  san: {type: iscsi, host: san1}\n",
        "6: storage_pools.san.iqn: a pool of type iscsi needs it.",
    ),
    "pools_at_one_place": (
        "storage_pools:\n  one: {type: dir, path: /srv/big}\n  two: {type: dir, path: /srv/big/}\n",
        "7: storage_pools.two.path: is where storage_pools.one is.",
    ),
    "pool_with_what_its_type_has_not": (
        "storage_pools:\n  big: {type: dir, path: /srv/big, port: 1}\n",
        "6: storage_pools.big.port: is nothing that a pool of type dir has. It has: path.",
    ),
    "volume_of_a_pool_that_does_not_say_which": (
        "storage_pools:\n  s: {type: nbd, host: store1}\nvolumes:\n  data: {size_gb: 1, pool: s}\n",
        "8: volumes.data.name_in_pool: a pool of type nbd has its volumes, and this says which one it is.",
    ),
    "limits_in_all_and_of_a_part": (
        "volumes:\n  data: {size_gb: 1, limits: {total_iops_sec: 5, read_iops_sec: 5}}\n",
        "6: volumes.data.limits.total_iops_sec: stands beside read_iops_sec; QEMU takes one or the other.",
    ),
    "encrypted_volume_without_a_passphrase": (
        "volumes:\n  data: {size_gb: 1, encrypted: true}\n",
        "6: volumes.data.encrypted: needs passphrase or passphrase_file.",
    ),
    "passphrase_that_is_short": (
        "volumes:\n  data: {size_gb: 1, encrypted: true, passphrase: short}\n",
        "6: volumes.data.passphrase: must be one line of at least 8 characters.",
    ),
    "volume_without_a_size": ("volumes:\n  data: {}\n", "6: volumes.data.size_gb: required, but missing."),
    "volume_of_no_size": (
        "volumes:\n  data: {size_gb: 0}\n",
        "6: volumes.data.size_gb: must be at least 1, not 0.",
    ),
    "volume_that_is_not_declared": (
        "instances:\n  db: {flavor: small, image: debian,\n    volumes: [{volume: data}]}\n",
        "7: instances.db.volumes[0].volume: there is no volume 'data'. None is declared.",
    ),
    "volume_of_two_instances": (
        (
            "volumes:\n  data: {size_gb: 1}\ninstances:\n"
            "  one: {flavor: small, image: debian, volumes: [{volume: data}]}\n"
            "  two: {flavor: small, image: debian, volumes: [{volume: data}]}\n"
        ),
        (
            "9: instances.two.volumes[0].volume: instances.one (fleet.yml:8) has 'data', and one instance at a time "
            "can have a volume."
        ),
    ),
    "volume_of_an_entry_with_a_count": (
        (
            "volumes:\n  data: {size_gb: 1}\ninstances:\n"
            "  web: {flavor: small, image: debian, count: 2, volumes: [{volume: data}]}\n"
        ),
        (
            "8: instances.web.volumes[0].volume: 'data' would be had by 2 instances, and one at a time can have a "
            "volume. With size_gb in its place, each has one of its own."
        ),
    ),
    "volume_twice_in_a_list": (
        (
            "volumes:\n  data: {size_gb: 1}\ninstances:\n"
            "  web: {flavor: small, image: debian, volumes: [{volume: data}, {volume: data}]}\n"
        ),
        "8: instances.web.volumes[1].volume: 'data' stands in the list twice.",
    ),
    "volume_by_name_and_size": (
        (
            "volumes:\n  data: {size_gb: 1}\ninstances:\n"
            "  web: {flavor: small, image: debian, volumes: [{volume: data, size_gb: 2}]}\n"
        ),
        "8: instances.web.volumes[0] needs exactly one of volume and size_gb.",
    ),
    "volume_with_a_format_of_the_instance": (
        (
            "volumes:\n  data: {size_gb: 1}\ninstances:\n"
            "  web: {flavor: small, image: debian, volumes: [{volume: data, format: raw}]}\n"
        ),
        "8: instances.web.volumes[0].format is said of the volume, under volumes.",
    ),
    "missing_key": (
        "instances:\n  web:\n    flavor: small\n",
        "6: instances.web.image: required, but missing.",
    ),
    "text_for_a_number": (
        "instances:\n  web: {flavor: small, image: debian,\n    count: two}\n",
        "7: instances.web.count: must be a whole number, not the text 'two'.",
    ),
    "quoted_number": (
        "instances:\n  web: {flavor: small, image: debian, count: '2'}\n",
        "6: instances.web.count: must be a whole number, not the text '2'. Remove the quotes.",
    ),
    "list_for_a_mapping": ("instances: [web]\n", "5: instances: must be a mapping, not a list."),
    "empty_section": ("instances:\n", "5: instances: must be a mapping, not empty."),
    "off_for_stopped": (
        "instances:\n  web: {flavor: small, image: debian, vm_state: off}\n",
        f"6: instances.web.vm_state: must be text, not the boolean false. {NOT_TEXT}",
    ),
    "unknown_vm_state": (
        "instances:\n  web: {flavor: small, image: debian, vm_state: stoped}\n",
        (
            "6: instances.web.vm_state: 'stoped' is none of active, stopped, paused, suspended, shelved, any. "
            "Did you mean 'stopped'?"
        ),
    ),
    "number_in_metadata": (
        "instances:\n  web: {flavor: small, image: debian, metadata: {tier: 1}}\n",
        '6: instances.web.metadata.tier: must be text, not the number 1. Quote it: "1".',
    ),
    "tag_with_a_comma": (
        "instances:\n  web: {flavor: small, image: debian, tags: ['a,b']}\n",
        "6: instances.web.tags[0]: 'a,b' must be one line without '/' and ','.",
    ),
    "tag_twice": (
        "instances:\n  web: {flavor: small, image: debian, tags: [a, a]}\n",
        "6: instances.web.tags[1]: the text 'a' stands in the list twice.",
    ),
    "long_display_name": (
        f"instances:\n  web: {{flavor: small, image: debian, display_name: {'x' * 256}}}\n",
        "6: instances.web.display_name: must have at most 255 characters, not 256.",
    ),
    "display_name_on_two_lines": (
        'instances:\n  web: {flavor: small, image: debian, display_name: "a\\nb"}\n',
        "6: instances.web.display_name: 'a\\nb' must be one line, without spaces around it.",
    ),
    "lock_with_a_reason": (
        "instances:\n  web: {flavor: small, image: debian, locked: an audit}\n",
        "6: instances.web.locked: must be true or false, not the text 'an audit'.",
    ),
    "dangling_flavor": (
        "instances:\n  web:\n    image: debian\n    flavor: smal\n",
        "8: instances.web.flavor: there is no flavor 'smal'. Did you mean 'small'?",
    ),
    "dangling_image": (
        "instances:\n  web: {flavor: small, image: windows}\n",
        "6: instances.web.image: there is no image 'windows'. Known: debian.",
    ),
    "dangling_network": (
        (
            "instances:\n  web:\n    flavor: small\n    image: debian\n    networks:\n      - network: front\n"
            "      - network: fromt\n"
        ),
        "11: instances.web.networks[1].network: there is no network 'fromt'. Did you mean 'front'?",
    ),
    "dangling_server_group": (
        "instances:\n  web: {flavor: small, image: debian, server_group: web}\n",
        "6: instances.web.server_group: there is no server group 'web'. None is declared.",
    ),
    "dangling_zone": (
        (
            "aggregates: {a: {hosts: [kvm1], availability_zone: az1}}\n"
            "instances:\n  web: {flavor: small, image: debian, availability_zone: az2}\n"
        ),
        "7: instances.web.availability_zone: there is no availability zone 'az2'. Did you mean 'az1'?",
    ),
    "duplicate_name": (
        "instances:\n  web: {flavor: small, image: debian}\n  web: {flavor: small, image: debian}\n",
        "7: instances.web is defined twice; first at fleet.yml:6",
    ),
    "duplicate_of_a_counted_name": (
        "instances:\n  web: {count: 2, flavor: small, image: debian}\n  web-2: {flavor: small, image: debian}\n",
        "7: instances.web-2 is defined twice; first as one of the 2 of instances.web at fleet.yml:6",
    ),
    "instance_name_that_climbs": (
        "instances:\n  ../web: {flavor: small, image: debian}\n",
        f"6: instances['../web'] {BAD_INSTANCE_NAME}",
    ),
    "instance_name_that_is_no_host_name": (
        "instances:\n  web_1: {flavor: small, image: debian}\n",
        f"6: instances.web_1 {BAD_INSTANCE_NAME}",
    ),
    "name_with_a_line_end": (
        'instances:\n  "web\\n": {flavor: small, image: debian}\n',
        f"6: instances['web\\n'] {BAD_INSTANCE_NAME}",
    ),
    "flavor_name_that_climbs": (
        "server_groups:\n  ../x: {policy: affinity}\n",
        f"6: server_groups['../x'] {BAD_NAME}",
    ),
    "project_that_climbs": ("project_id: ../x\n", f"5: project_id: '../x' {BAD_NAME}"),
    "counted_name_too_long": (
        f"instances:\n  {'w' * 62}: {{count: 10, flavor: small, image: debian}}\n",
        f"6: instances.{'w' * 62}.count: the name '{'w' * 60}…' would be longer than 63 characters.",
    ),
    "count_out_of_range": (
        "instances:\n  web: {flavor: small, image: debian, count: 10001}\n",
        "6: instances.web.count: must be at most 10000, not 10001.",
    ),
    "two_ways_for_user_data": (
        "instances:\n  web: {flavor: small, image: debian, user_data: x, user_data_file: /dev/null}\n",
        "6: instances.web.user_data_file cannot go together with user_data.",
    ),
    "missing_user_data_file": (
        "instances:\n  web:\n    flavor: small\n    image: debian\n    user_data_file: web.yml\n",
        "9: instances.web.user_data_file: web.yml: there is no such file.",
    ),
    "user_data_file_that_never_ends": (
        "instances:\n  web: {flavor: small, image: debian, user_data_file: /dev/zero}\n",
        "6: instances.web.user_data_file: /dev/zero: is not a regular file.",
    ),
    "group_without_policy": ("server_groups: {web: {}}\n", "5: server_groups.web.policy: required, but missing."),
    "policy_not_built": (
        "server_groups: {web: {policy: spread}}\n",
        (
            "5: server_groups.web.policy: 'spread' is none of affinity, anti-affinity, soft-affinity, "
            "soft-anti-affinity, none."
        ),
    ),
    "limit_of_an_affinity_group": (
        "server_groups:\n  web:\n    policy: affinity\n    max_server_per_host: 2\n",
        "8: server_groups.web.max_server_per_host goes with policy anti-affinity only.",
    ),
    "host_in_two_zones": (
        (
            "aggregates:\n  a: {hosts: [kvm1, kvm2], availability_zone: az1}\n"
            "  b: {hosts: [kvm3, kvm2], availability_zone: az2}\n"
        ),
        (
            "7: aggregates.b.hosts[1]: kvm2 is in availability zone az1 by aggregate a (fleet.yml:6), so not in az2. "
            "A host is in one zone at most."
        ),
    ),
    "zone_in_metadata": (
        "aggregates: {a: {hosts: [], metadata: {availability_zone: az1}}}\n",
        "5: aggregates.a.metadata.availability_zone: stands beside metadata, not in it.",
    ),
    "host_named_twice": (
        "aggregates:\n  a:\n    hosts:\n      - kvm1\n      - kvm1\n",
        "9: aggregates.a.hosts[1]: the text 'kvm1' stands in the list twice.",
    ),
    "attempts_out_of_range": (
        "scheduler: {max_attempts: 0}\n",
        "5: scheduler.max_attempts: must be at least 1, not 0.",
    ),
    "unknown_option": (
        "scheduler: {ram_weight_multiplyer: 2}\n",
        "5: scheduler.ram_weight_multiplyer: unknown key. Did you mean 'ram_weight_multiplier'?",
    ),
    "infinite_multiplier": (
        "scheduler: {ram_weight_multiplier: .inf}\n",
        "5: scheduler.ram_weight_multiplier: must be a finite decimal number; if it is text, quote it.",
    ),
    "wrong_metadata_key": (
        "aggregates: {a: {hosts: [], metadata: {'a/b': x}}}\n",
        (
            "5: aggregates.a.metadata['a/b'] is not a valid metadata key: use at most 255 letters, digits, spaces, "
            "'-', '_', ':' and '.'."
        ),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_fleet_has_one_fault_with_its_line(case, faults_after_head):
    text, fault = BAD[case]
    assert faults_after_head(text) == [f"fleet.yml:{fault}"]


NETWORK_KEYS = "bridge, libvirt_network, mode, virtualport, vlan, vxlan, mtu, dns_domain, subnets"
INGREDIENTS = {
    "negative_memory": (
        "flavors: {tiny: {vcpus: 1, memory_mb: -512}}",
        "flavors.tiny.memory_mb: must be at least 1, not -512.",
    ),
    "octal_memory": (
        "flavors: {tiny: {vcpus: 1, memory_mb: 0512}}",
        "flavors.tiny.memory_mb: YAML reads this as a number that is not decimal: write it so, or quote it.",
    ),
    "not_built_yet": (
        "flavors: {tiny: {vcpus: 1, memory_mb: 512, rxtx_factor: 1}}",
        f"flavors.tiny.rxtx_factor: unknown key. Allowed: {FLAVOR_KEYS}.",
    ),
    "relative_image": (
        "images: {debian: {source: debian.qcow2}}",
        f"images.debian.source: 'debian.qcow2' {NO_SOURCE}",
    ),
    "path_of_another_system": (
        'images: {debian: {source: "C:\\\\images\\\\d.qcow2"}}',
        f"images.debian.source: 'C:\\images\\d.qcow2' {NO_SOURCE}",
    ),
    "relative_image_of_another_host": (
        "images: {debian: {source: 'kvm1:debian.qcow2'}}",
        f"images.debian.source: 'kvm1:debian.qcow2' {NO_SOURCE}",
    ),
    "unchecked_download_in_disguise": (
        "images: {debian: {source: 'https:/images.example.org/d.qcow2'}}",
        f"images.debian.source: 'https:/images.example.org/d.qcow2' {NO_SOURCE}",
    ),
    "unchecked_download": (
        "images: {debian: {source: 'https://images.example.org/d.qcow2'}}",
        "images.debian.checksum: required, but missing. An image that comes over the network needs its sha256.",
    ),
    "wrong_checksum": (
        "images: {debian: {source: /d.qcow2, checksum: 'md5:00'}}",
        "images.debian.checksum: 'md5:00' must be 'sha256:' and 64 hexadecimal digits in lower case.",
    ),
    "network_without_anything": (
        "networks: {front: {}}",
        "networks.front needs exactly one of bridge, libvirt_network and mode.",
    ),
    "network_with_both": (
        "networks: {front: {bridge: br0, libvirt_network: default}}",
        "networks.front needs exactly one of bridge, libvirt_network and mode.",
    ),
    "misspelt_bridge": (
        "networks: {front: {brigde: br0}}",
        f"networks.front.brigde: unknown key. Did you mean 'bridge'? Allowed: {NETWORK_KEYS}.",
    ),
    "long_bridge": (
        "networks: {front: {bridge: a-bridge-too-far}}",
        (
            "networks.front.bridge: 'a-bridge-too-far' is not an interface name: at most 15 characters, without "
            "spaces, '/' and ':'."
        ),
    ),
}


@pytest.mark.parametrize("case", INGREDIENTS)
def test_a_bad_ingredient_has_one_fault(case, faults):
    text, fault = INGREDIENTS[case]
    assert faults(f'version: "1.0"\n{text}\n') == [f"fleet.yml:2: {fault}"]


@pytest.mark.parametrize(
    ("flavor", "sentence"),
    [
        ("{vcpus: 1, memory_mb: 512, root_gb: 9}", "flavor f has 512 MB of memory, but image i needs 1024."),
        ("{vcpus: 1, memory_mb: 2048, root_gb: 2}", "flavor f has 2 GB of root disk, but image i needs 3."),
    ],
)
def test_a_flavor_that_is_too_small_for_the_image_is_refused(faults, flavor, sentence):
    image = "{source: /i.qcow2, min_ram_mb: 1024, min_disk_gb: 3}"
    ingredients = f"flavors: {{f: {flavor}}}\nimages: {{i: {image}}}\n"
    text = f'version: "1.0"\n{ingredients}instances: {{web: {{flavor: f, image: i}}}}\n'
    assert faults(text) == [f"fleet.yml:4: instances.web.flavor: {sentence}"]


def test_all_faults_are_shown_at_once_in_the_order_of_the_file(faults_after_head):
    text = "instances:\n  web: {flavor: smal, image: debian, color: red}\n  web: {}\nserver_groups: {a: {policy: b}}\n"
    assert [fault.partition(": ")[0] for fault in faults_after_head(text)] == [
        "fleet.yml:6",
        "fleet.yml:6",
        "fleet.yml:7",
        "fleet.yml:8",
    ]


def test_of_many_faults_twenty_are_shown(folder):
    (folder / "fleet.yml").write_text('version: "1.0"\n' + "".join(f"key{number}: 1\n" for number in range(57)))
    with pytest.raises(FleetInvalid, match="The fleet has 57 faults, of which these are the first 20:") as caught:
        load_fleet("fleet.yml")
    assert len(caught.value.faults) == 20


def test_user_data_is_never_shown(faults_after_head):
    text = (
        "instances:\n  web: {flavor: small, image: debian, user_data: {password: hunter2}}\n  db: {user_data: 4711}\n"
    )
    message = "\n".join(faults_after_head(text))
    assert "user_data: must be text. If it is text, quote it or write it as a block (|)." in message
    assert "hunter2" not in message
    assert "4711" not in message


def test_the_fleet_as_a_whole_has_a_bound(faults_after_head):
    text = "".join(f"  w{number}: {{count: 10000, flavor: small, image: debian}}\n" for number in range(11))
    assert faults_after_head(f"instances:\n{text}") == [
        "fleet.yml:5: instances declare 110,000 instances in all; a fleet may have 100,000."
    ]
