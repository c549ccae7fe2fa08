# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters that go by the metadata of a host's aggregates."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import Aggregate


def aggregates(*metadata):
    """Return an aggregate with kvm1 for each of these, and one of another host."""
    named = [Aggregate(f"a{index}", ["kvm1"], metadata=data) for index, data in enumerate(metadata)]
    return [*named, Aggregate("other", ["kvm9"], metadata={"disk": "ssd", "instance_type": "huge"})]


@pytest.mark.parametrize(
    ("metadata", "extra_specs", "refusal"),
    [
        ([], {}, None),
        ([{"disk": "ssd"}], {}, None),
        ([{"disk": "ssd"}], {"disk": "ssd"}, None),
        ([{"disk": "ssd"}], {"aggregate_instance_extra_specs:disk": "ssd"}, None),
        ([{"disk": "hdd"}], {"disk": "ssd"}, "is in aggregates whose disk is hdd, not 'ssd'"),
        ([{"disk": "hdd, ssd"}], {"disk": "ssd"}, None),
        ([{"disk": "hdd"}, {"disk": "ssd"}], {"disk": "ssd"}, None),
        ([{"disk": "hdd"}, {"disk": "nvme"}], {"disk": "ssd"}, "is in aggregates whose disk is hdd or nvme, not 'ssd'"),
        ([], {"disk": "ssd"}, "is in no aggregate that has disk"),
        ([{"gpu": "yes"}], {"disk": "ssd"}, "is in no aggregate that has disk"),
        ([{"disk": "ssd"}], {"disk": "ssd", "gpu": "yes"}, "is in no aggregate that has gpu"),
        ([{"disk": "ssd"}], {"capabilities:disk": "hdd"}, None),
        ([{"disk": "ssd"}], {"hw:cpu_policy": "dedicated"}, None),
        ([{"speed": "10"}], {"speed": ">= 9"}, None),
        ([{"speed": "8,10"}], {"speed": ">= 9"}, None),
        ([{"speed": "8"}], {"speed": ">= 9"}, "is in aggregates whose speed is 8, not '>= 9'"),
        ([{"speed": "fast"}], {"speed": ">= 9"}, "is in aggregates whose speed is fast, not '>= 9'"),
        ([{"disk": "ssd"}], {"disk": "<or> nvme <or> ssd"}, None),
        (
            [{"speed": "1"}],
            {"aggregate_instance_extra_specs:speed": "2", "speed": ">= 1"},
            "is in aggregates whose speed is 1, not '2'",
        ),
        ([{"a:b": "x"}], {"aggregate_instance_extra_specs:a:b": "x"}, None),
    ],
)
def test_extra_specs_go_by_the_metadata_of_aggregates(verdict, host, spec, metadata, extra_specs, refusal):
    request = spec().but(flavor=Flavor("small", 1, 512, 5, extra_specs=extra_specs))
    found = verdict("AggregateInstanceExtraSpecsFilter", host(aggregates=aggregates(*metadata)), request)
    assert found == refusal


def test_the_zone_is_metadata_too(verdict, host, spec):
    request = spec().but(flavor=Flavor("small", 1, 512, 5, extra_specs={"availability_zone": "az1"}))
    state = host(aggregates=[Aggregate("one", ["kvm1"], "az1")])
    assert verdict("AggregateInstanceExtraSpecsFilter", state, request) is None


@pytest.mark.parametrize(
    ("metadata", "properties", "refusal"),
    [
        ([], {"os_distro": "debian"}, None),
        ([{"os_distro": "windows"}], None, None),
        ([{"os_distro": "windows"}], {}, None),
        ([{"os_distro": "windows"}], {"os_type": "linux"}, None),
        ([{"os_distro": "debian"}], {"os_distro": "debian"}, None),
        ([{"os_distro": "ubuntu, debian"}], {"os_distro": "debian"}, None),
        ([{"os_distro": "ubuntu"}, {"os_distro": "debian"}], {"os_distro": "debian"}, None),
        (
            [{"os_distro": "windows"}],
            {"os_distro": "debian"},
            "takes only images whose os_distro is windows, not debian",
        ),
        ([{"disk": "ssd"}], {"disk": "hdd"}, None),
        ([{"architecture": "aarch64"}], {"architecture": "x86_64"}, None),
        (
            [{"hw_architecture": "aarch64"}],
            {"architecture": "amd64"},
            "takes only images whose hw_architecture is aarch64, not x86_64",
        ),
        ([{"hw_boot_menu": "True"}], {"hw_boot_menu": "yes"}, None),
        ([{"hw_boot_menu": "yes"}], {"hw_boot_menu": "yes"}, "takes only images whose hw_boot_menu is yes, not True"),
        ([{"hw_boot_menu": "True"}], {"hw_boot_menu": "no"}, None),
        ([{"hw_cpu_cores": "4"}], {"hw_cpu_cores": "04"}, None),
        ([{"hw_cpu_cores": "4"}], {"hw_cpu_cores": "0"}, None),
    ],
)
def test_aggregates_take_only_images_with_their_values(verdict, host, spec, metadata, properties, refusal):
    image = None if properties is None else Image("debian", "/srv/debian.qcow2", properties=properties)
    state = host(aggregates=aggregates(*metadata))
    assert verdict("AggregateImagePropertiesIsolation", state, spec(image=image)) == refusal


@pytest.mark.parametrize(
    ("namespace", "separator", "refused"), [("hw", "_", True), ("os", "_", False), ("hw", ".", False), ("", ".", True)]
)
def test_only_keys_of_the_namespace_count(verdict, host, spec, namespace, separator, refused):
    image = Image("debian", "/srv/debian.qcow2", properties={"hw_disk_bus": "ide"})
    found = verdict(
        "AggregateImagePropertiesIsolation",
        host(aggregates=aggregates({"hw_disk_bus": "virtio"})),
        spec(image=image),
        aggregate_image_properties_isolation_namespace=namespace,
        aggregate_image_properties_isolation_separator=separator,
    )
    assert (found is not None) is refused


@pytest.mark.parametrize(
    ("metadata", "refusal"),
    [
        ([], None),
        ([{"disk": "ssd"}], None),
        ([{"filter_tenant_id": "web"}], None),
        ([{"filter_tenant_id": "shop"}], "is kept for project shop, not for web"),
        ([{"filter_tenant_id": "shop, web"}], None),
        ([{"filter_tenant_id": "shop"}, {"filter_tenant_id": "web"}], None),
        ([{"filter_tenant_id": "shop", "filter_tenant_id2": "web"}], None),
        (
            [{"filter_tenant_id_b": "bank", "filter_tenant_id_a": "shop"}],
            "is kept for project bank and shop, not for web",
        ),
        ([{"my_filter_tenant_id": "shop"}], None),
    ],
)
def test_hosts_are_kept_for_projects(verdict, host, spec, metadata, refusal):
    state = host(aggregates=aggregates(*metadata))
    assert verdict("AggregateMultiTenancyIsolation", state, spec(project_id="web")) == refusal


@pytest.mark.parametrize(
    ("metadata", "refusal"),
    [
        ([], None),
        ([{"disk": "ssd"}], None),
        ([{"instance_type": "small"}], None),
        ([{"instance_type": "large"}], "takes only flavor large, not small"),
        ([{"instance_type": "large, small"}], None),
        ([{"instance_type": "large"}, {"instance_type": "small"}], None),
        ([{"instance_type": "Small"}], "takes only flavor Small, not small"),
    ],
)
def test_hosts_are_kept_for_flavors(verdict, host, spec, metadata, refusal):
    assert verdict("AggregateTypeAffinityFilter", host(aggregates=aggregates(*metadata)), spec()) == refusal
