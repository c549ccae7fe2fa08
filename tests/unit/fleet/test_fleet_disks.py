# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet may say of disks and of what is booted, and what it is told where that makes no sense."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.ephemeral_disk import EphemeralDisk
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import FleetInvalid
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.expansion import expand
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.loader import load_fleet

FLAVORS = {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 2, "ephemeral_gb": 3, "swap_mb": 64}}
IMAGES = {"debian": {"source": "/srv/images/debian.qcow2", "min_disk_gb": 2}}


def load(declared: Any = None, /, **body: Any) -> list[InstanceSpec]:
    instance = {"flavor": "small", **body}
    parts: dict[str, Any] = {"version": "1.0", "flavors": FLAVORS, "images": IMAGES, "volumes": declared or {}}
    return [wanted.spec for wanted in expand(load_fleet({**parts, "instances": {"web": instance}}))]


def test_a_flavor_has_ephemeral_disk_and_swap_and_an_instance_divides_the_former() -> None:
    [spec] = load(image="debian", ephemeral=[{"size_gb": 1, "format": "none"}, {"size_gb": 2}])
    assert (spec.flavor.ephemeral_gb, spec.flavor.swap_mb) == (3, 64)
    assert spec.ephemeral == [EphemeralDisk(1, "none"), EphemeralDisk(2)]
    assert not spec.boots_from_volume


def test_an_instance_that_boots_from_a_volume_has_the_image_of_that() -> None:
    one, two = load(count=2, volumes=[{"size_gb": 5}, {"size_gb": 2, "image": "debian", "boot_index": 0}])
    assert one.boots_from_volume
    assert one.image is not None
    assert one.image.name == "debian"
    assert [volume.boot_index for volume in one.volumes] == [None, 0]
    assert [volume.name for volume in (*one.volumes, *two.volumes)] == ["web-1/0", "web-1/1", "web-2/0", "web-2/1"]
    [blank] = load({"root": {"size_gb": 1}}, volumes=[{"volume": "root", "boot_index": 0}])
    assert blank.image is None


def test_a_snapshot_is_named_by_its_instance_and_known_by_its_uuid() -> None:
    volumes = {"copy": {"size_gb": 4, "snapshot": "old-1/before upgrade"}}
    [spec] = load(volumes, volumes=[{"volume": "copy", "boot_index": 0}])
    uuid = instance_uuid("default", "default", "old-1")
    assert spec.volumes[0].snapshot == f"{uuid}/before upgrade"


@pytest.mark.parametrize(
    ("volumes", "body", "words"),
    [
        ({}, {}, "instances.web.image: required, but missing."),
        ({}, {"volumes": [{"size_gb": 1}]}, "instances.web.image: required, but missing."),
        (
            {},
            {"image": "debian", "volumes": [{"size_gb": 1, "boot_index": 0}]},
            "instances.web.image cannot go together with a volume of boot_index 0: the instance boots from one of",
        ),
        (
            {},
            {"volumes": [{"size_gb": 1, "boot_index": 0}, {"size_gb": 1, "boot_index": 2}]},
            "the order of the instance's volumes is 0, 2; it must count from 0, without gaps.",
        ),
        (
            {},
            {"volumes": [{"size_gb": 1, "boot_index": 0}, {"size_gb": 1, "boot_index": 0}]},
            "the order of the instance's volumes is 0, 0; it must count from 0, without gaps.",
        ),
        (
            {"a": {"size_gb": 5, "image": "debain"}},
            {"image": "debian"},
            "volumes.a.image: there is no image 'debain'. Did you mean 'debian'?",
        ),
        (
            {"a": {"size_gb": 1, "image": "debian"}},
            {"image": "debian"},
            "volumes.a.size_gb: image debian needs 2 GB, and the volume has 1.",
        ),
        (
            {"a": {"size_gb": 5, "image": "debian", "snapshot": "web/x"}},
            {"image": "debian"},
            "has image and snapshot, and is made of one thing.",
        ),
        ({"a": {"size_gb": 5, "snapshot": "../x"}}, {"image": "debian"}, "is no snapshot of an instance"),
        ({"a": {"size_gb": 5, "snapshot": "web"}}, {"image": "debian"}, "is no snapshot of an instance"),
        (
            {"a": {"size_gb": 5}},
            {"image": "debian", "volumes": [{"volume": "a", "image": "debian"}]},
            "is said of the volume, under volumes.",
        ),
        (
            {},
            {"image": "debian", "ephemeral": [{"size_gb": 2}, {"size_gb": 2}]},
            "instances.web.ephemeral has 4 GB in all, and flavor small has an ephemeral_gb of 3.",
        ),
        ({}, {"image": "debian", "ephemeral": []}, "is empty: leave it out to have one disk of the flavor's size."),
        ({}, {"image": "debian", "ephemeral": [{"size_gb": 1, "format": "zfs"}]}, "zfs"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(volumes: Any, body: dict[str, Any], words: str) -> None:
    with pytest.raises(FleetInvalid) as caught:
        load(volumes, **body)
    assert any(words in fault for fault in caught.value.faults), caught.value.faults
