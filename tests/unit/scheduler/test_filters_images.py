# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ImagePropertiesFilter, and how image properties and version predicates are read."""

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Image
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.image_properties import read_properties
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.version_predicate import (
    read_version_predicate,
    split_version,
)

NAME = "ImagePropertiesFilter"
TRIPLES = [["x86_64", "qemu", "hvm"], ["x86_64", "kvm", "hvm"], ["i686", "kvm", "hvm"]]


def image(**properties):
    return Image("debian", "/srv/debian.qcow2", properties=properties)


@pytest.mark.parametrize(
    ("properties", "passes"),
    [
        ({}, True),
        ({"os_distro": "debian"}, True),
        ({"hw_architecture": "x86_64"}, True),
        ({"hw_architecture": "X86_64"}, True),
        ({"hw_architecture": "amd64"}, True),
        ({"architecture": "amd64"}, True),
        ({"hw_architecture": "i386"}, True),
        ({"hw_architecture": "i486"}, True),
        ({"hw_architecture": "i586"}, True),
        ({"hw_architecture": "i686"}, True),
        ({"hw_architecture": "x86_32"}, True),
        ({"hw_architecture": "aarch64"}, False),
        ({"hw_architecture": "x86_64", "architecture": "aarch64"}, True),
        ({"img_hv_type": "kvm"}, True),
        ({"img_hv_type": "QEMU"}, True),
        ({"hypervisor_type": "kvm"}, True),
        ({"img_hv_type": "xen"}, False),
        ({"img_hv_type": "xapi"}, False),
        ({"hw_vm_mode": "hvm"}, True),
        ({"hw_vm_mode": "hv"}, True),
        ({"hw_vm_mode": "baremetal"}, True),
        ({"vm_mode": "hvm"}, True),
        ({"hw_vm_mode": "pv"}, False),
        ({"hw_architecture": "i686", "img_hv_type": "kvm", "hw_vm_mode": "hvm"}, True),
        ({"hw_architecture": "i686", "img_hv_type": "qemu"}, False),
    ],
)
def test_one_of_the_hosts_triples_must_hold_what_the_image_names(verdict, host, spec, properties, passes):
    state = host(supported_instances=TRIPLES)
    assert (verdict(NAME, state, spec(image=image(**properties))) is None) is passes


def test_it_does_not_matter_where_in_the_triple_a_name_stands(verdict, host, spec):
    state = host(supported_instances=[["xen", "kvm", "hvm"]])
    assert verdict(NAME, state, spec(image=image(hw_vm_mode="xen"))) is None


def test_the_refusal_names_what_the_image_wants_and_what_the_host_runs(verdict, host, spec):
    wanted = spec(image=image(hw_architecture="aarch64", img_hv_type="kvm"))
    found = verdict(NAME, host(supported_instances=TRIPLES[:2]), wanted)
    assert found == "does not run aarch64 kvm images (it runs x86_64 qemu hvm, x86_64 kvm hvm)"


def test_a_host_that_names_nothing_runs_nothing_that_is_named(verdict, host, spec):
    assert verdict(NAME, host(), spec(image=image(hw_architecture="x86_64"))) == "does not run x86_64 images"
    assert verdict(NAME, host(), spec(image=image())) is None


def test_an_instance_without_an_image_passes(verdict, host, spec):
    assert verdict(NAME, host(), spec()) is None


def test_the_default_architecture_speaks_for_images_that_name_none(verdict, host, spec):
    state = host(supported_instances=TRIPLES)
    default = {"image_properties_default_architecture": "aarch64"}
    assert verdict(NAME, state, spec(image=image()), **default) is not None
    assert verdict(NAME, state, spec(), **default) is not None
    assert verdict(NAME, state, spec(image=image(hw_architecture="x86_64")), **default) is None


def test_an_unknown_default_architecture_is_told(verdict, host, spec):
    with pytest.raises(InvalidInput, match="image_properties_default_architecture is 'x64', which is not known"):
        verdict(NAME, host(), spec(image=image()), image_properties_default_architecture="x64")


@pytest.mark.parametrize(
    ("wanted", "version", "passes"),
    [
        (">=6.0,<8", 6002000, True),
        (">=6.0,<8", 8000000, False),
        (">=6.0,<8", 5002000, False),
        (" >= 6.0 , < 8 ", 6002000, True),
        ("==6.2", 6002000, True),
        ("==6.2.0.0", 6002000, True),
        ("!=6.2", 6002000, False),
        (">6.2", 6002001, True),
        ("<=6.2", 6002001, False),
        (">=6.10", 6009000, False),
        (">=6.0", 0, True),
    ],
)
def test_the_hypervisor_must_be_of_a_version_that_the_image_allows(verdict, host, spec, wanted, version, passes):
    state = host(supported_instances=TRIPLES, hypervisor_version=version)
    properties = {"img_hv_type": "kvm", "img_hv_requested_version": wanted}
    found = verdict(NAME, state, spec(image=image(**properties)))
    assert (found is None) is passes


def test_the_refusal_names_the_version(verdict, host, spec):
    state = host(supported_instances=TRIPLES, hypervisor_version=6002000)
    wanted = spec(image=image(img_hv_type="kvm", hypervisor_version_requires=">=7"))
    assert verdict(NAME, state, wanted) == "has hypervisor version 6.2.0, not >=7"


@pytest.mark.parametrize(
    ("cpu_info", "passes"),
    [
        ({"maxphysaddr": {"bits": 46}}, True),
        ({"maxphysaddr": {"bits": 42}}, True),
        ({"maxphysaddr": {"bits": 40}}, False),
        ({"maxphysaddr": {}}, True),
        ({"maxphysaddr": None}, True),
        ({}, True),
    ],
)
def test_the_host_must_have_the_address_bits_that_the_image_wants(verdict, host, spec, cpu_info, passes):
    state = host(supported_instances=TRIPLES, cpu_info=cpu_info)
    wanted = spec(image=image(hw_architecture="x86_64", hw_maxphysaddr_bits="42"))
    found = verdict(NAME, state, wanted)
    assert found == (None if passes else "has 40 bits of physical addresses, not 42")


def test_version_and_address_bits_alone_are_not_tested_as_in_nova(verdict, host, spec):
    state = host(hypervisor_version=1000000, cpu_info={"maxphysaddr": {"bits": 36}})
    assert verdict(NAME, state, spec(image=image(img_hv_requested_version=">=6", hw_maxphysaddr_bits="42"))) is None


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"hw_architecture": "x86-64"}, "The image property hw_architecture is 'x86-64'. Did you mean 'x86_64'?"),
        ({"architecture": "pdp11"}, "The image property hw_architecture is 'pdp11', which is not known."),
        ({"img_hv_type": "esx"}, "The image property img_hv_type is 'esx', which is not known."),
        ({"hw_vm_mode": "container"}, "The image property hw_vm_mode is 'container', which is not known."),
        ({"hw_maxphysaddr_bits": "many"}, "The image property hw_maxphysaddr_bits must be an integer, not 'many'."),
    ],
)
def test_a_property_that_makes_no_sense_stops_its_request(api, report, spec, properties, message):
    request = spec(image=image(**properties))
    (found,) = api(report(), enabled_filters=[NAME]).select_destinations([request])
    assert found.host is None
    assert message.replace("'. Did", "', which is not known. Did") in str(found.message)


def test_a_version_predicate_that_makes_no_sense_stops_its_request(api, report, spec):
    request = spec(image=image(img_hv_type="kvm", img_hv_requested_version="6.0"))
    host = report(supported_instances=TRIPLES, hypervisor_version=6002000)
    (found,) = api(host, enabled_filters=[NAME]).select_destinations([request])
    assert "img_hv_requested_version has '6.0', which compares with no version. Write it as '>=6.0,<8'." in str(
        found.message
    )


@pytest.mark.parametrize("text", ["", ">=", ">=6,", "~=6", "=>6", ">=6.x", ">=6 0"])
def test_what_compares_with_no_version_is_refused(text):
    with pytest.raises(InvalidInput, match="compares with no version"):
        read_version_predicate(text, "The image")


@pytest.mark.parametrize(("number", "parts"), [(6002000, (6, 2, 0)), (10000001, (10, 0, 1)), (0, ()), (6002, (6, 2))])
def test_a_version_that_is_a_number_is_split(number, parts):
    assert split_version(number) == parts


def test_properties_are_read_by_their_present_names_and_types():
    properties = {
        "ipxe_boot": "yes",
        "hw_boot_menu": "no",
        "hw_cpu_cores": "4",
        "vmware_ostype": "old",
        "os_distro": "debian",
        "hw_disk_bus": "virtio",
        "my_own": "x",
    }
    assert read_properties(image(**properties)) == {
        "hw_ipxe_boot": True,
        "hw_boot_menu": False,
        "hw_cpu_cores": 4,
        "os_distro": "debian",
        "hw_disk_bus": "virtio",
    }
    assert read_properties(None) == {}
