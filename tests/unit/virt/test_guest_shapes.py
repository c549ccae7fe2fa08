# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What flavors and images say of a guest: how it is read, who wins, and what the domain gets of it.

Whether libvirt takes each of them, tests/e2e/test_flavors.py tries on a real host.
"""

import xml.etree.ElementTree as ET

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.block_devices import with_volumes
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, NotSupported
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image, NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.domain_xml import (
    GuestDisks,
    GuestPlatform,
    build_domain,
)
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.host_abilities import (
    HostAbilities,
    check_abilities,
    platform_for,
    read_abilities,
)
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_xml import VolumeDisk
from ansible_collections.novella.compute.plugins.module_utils.virt.shape import table
from ansible_collections.novella.compute.plugins.module_utils.virt.shape.guest_shape import read_shape
from ansible_collections.novella.compute.plugins.module_utils.virt.shape.processor import choose_topology
from support.shapes import NEEDED, NEEDED_OF_IMAGES, PROPERTIES, SPECS

UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
KVM = GuestPlatform("x86_64", "kvm")
EMULATED = GuestPlatform("x86_64", "qemu")
NIC = NetworkRequest("front", "02:00:00:00:00:01", bridge="br0")


def shape(specs=None, properties=None, vcpus=4):
    return read_shape(
        Flavor("f", vcpus, 512, 5, extra_specs=specs or {}), Image("i", "/i", properties=properties or {})
    )


def domain(specs=None, properties=None, platform=KVM, screens=None, volumes=(), rescue=None):
    flavor = Flavor("f", 4, 512, 5, extra_specs=specs or {})
    spec = InstanceSpec("web", flavor, Image("i", "/i", properties=properties or {}), networks=[NIC])
    instance = with_volumes(Instance(UUID, spec.but(volumes=list(volumes))))
    disks = GuestDisks(
        "/pool/root",
        "/pool/config",
        None if rescue is None else "/pool/rescue",
        tuple(VolumeDisk(one, f"/pool/{one.name}", instance.device_names[one.uuid]) for one in volumes),
    )
    instance = instance.but(rescue_image=None if rescue is None else Image("aid", "/aid", properties=rescue))
    return build_domain(instance, platform, disks, screens=screens)


def disks_of(tree):
    """By source, each disk's kind, bus and name."""
    return {
        disk.find("source").get("file"): (
            disk.get("device"),
            disk.find("target").get("bus"),
            disk.find("target").get("dev"),
        )
        for disk in tree.iterfind("devices/disk")
    }


def words(tree, path):
    return [element.attrib for element in tree.findall(path)]


@pytest.mark.parametrize("key", sorted(SPECS))
def test_every_extra_spec_comes_to_something_in_the_domain(key):
    value, path = SPECS[key]
    properties = {"hw_firmware_type": "uefi"} if key == "os:secure_boot" else {}
    specs = {**NEEDED.get(key, {}), key: value}
    assert domain(specs, properties).find(path) is not None
    assert domain({}, properties).find(path) is None


@pytest.mark.parametrize("key", sorted(PROPERTIES))
def test_every_image_property_comes_to_something_in_the_domain(key):
    value, path = PROPERTIES[key]
    assert domain({}, {**NEEDED_OF_IMAGES.get(key, {}), key: value}).find(path) is not None


def test_no_key_of_the_table_is_without_such_a_test():
    # These take something away, only permit something, or are tested below.
    below = {"hw_rng:allowed", "hw_video:ram_max_mb"}
    assert set(table.SPECS) == {*SPECS, *below}
    twins = {wish.prop for wish in table.WISHES if wish.prop and wish.spec}
    below = {
        "hw_scsi_model",
        "hw_rescue_bus",
        "hw_rescue_device",
        "hw_qemu_guest_agent",
        "hw_video_ram",
        "hw_firmware_stateless",
    }
    assert set(table.PROPERTIES) == {*PROPERTIES, *twins, *below}


def test_an_image_says_the_same_as_a_flavor():
    for wish in table.WISHES:
        if wish.spec in SPECS and wish.prop and wish.name not in ("locked_memory", "secure_boot"):
            value, path = SPECS[wish.spec]
            of = {other.spec: other.prop for other in table.WISHES}
            beside = {of[key]: text for key, text in NEEDED.get(wish.spec, {}).items()}
            assert domain({}, {**beside, wish.prop: value}).find(path) is not None, wish.prop


def test_a_guest_of_which_nothing_is_said_has_no_shape():
    assert shape({"capabilities:x": "1", "plain": "y", "hw:cpu_policy": "shared"}, {"img_hv_type": "kvm"}) == {}


def test_a_rescue_disk_has_its_own_bus_and_boots_first():
    tree = domain({}, {"hw_disk_bus": "virtio"}, rescue={"hw_rescue_bus": "scsi", "hw_rescue_device": "disk"})
    assert disks_of(tree) == {
        "/pool/rescue": ("disk", "scsi", "sda"),
        "/pool/root": ("disk", "virtio", "vda"),
        "/pool/config": ("disk", "virtio", "vdb"),
    }
    assert tree.find("devices/controller[@type='scsi']").get("model") == "virtio-scsi"
    # Of an image that a guest is made from, that says nothing of the guest.
    assert disks_of(domain({}, {"hw_rescue_bus": "scsi"}))["/pool/root"] == ("disk", "virtio", "vda")


def test_volumes_keep_their_buses_and_names_beside_a_root_disk_on_another_bus():
    volumes = [VolumeRequest("data-uuid", "data", 1, bus="scsi"), VolumeRequest("logs-uuid", "logs", 1)]
    tree = domain({}, {"hw_disk_bus": "scsi"}, volumes=volumes)
    assert disks_of(tree) == {
        "/pool/root": ("disk", "scsi", "sda"),
        "/pool/config": ("disk", "scsi", "sdb"),
        "/pool/data": ("disk", "scsi", "sdc"),
        "/pool/logs": ("disk", "virtio", "vdc"),
    }
    tree = domain({}, {"hw_cdrom_bus": "sata"}, volumes=volumes)
    assert disks_of(tree)["/pool/config"] == ("cdrom", "sata", "sda")
    assert disks_of(tree)["/pool/data"] == ("disk", "scsi", "sdb")


def test_limits_of_a_flavor_are_not_those_of_volumes():
    tree = domain({"quota:disk_total_iops_sec": "100"}, volumes=[VolumeRequest("data-uuid", "data", 1)])
    limited = [disk.find("source").get("file") for disk in tree.iterfind("devices/disk") if disk.find("iotune")]
    assert limited == ["/pool/root", "/pool/config"]


def test_the_old_machine_has_pci_and_ide():
    tree = domain({}, {"hw_machine_type": "pc", "hw_disk_bus": "ide", "hw_scsi_model": "lsilogic"})
    assert words(tree, "devices/controller[@type='pci']") == [{"type": "pci", "index": "0", "model": "pci-root"}]
    assert disks_of(tree)["/pool/root"] == ("disk", "ide", "hda")
    tree = domain({}, {"hw_disk_bus": "scsi", "hw_scsi_model": "lsilogic", "hw_machine_type": "pc"})
    assert [found["model"] for found in words(tree, "devices/controller[@type='scsi']")] == ["lsilogic"]


def test_what_is_not_wanted_is_not_there():
    assert domain({"hw_rng:allowed": "no"}).find("devices/rng") is None
    assert domain({"hw:serial_port_count": "0"}).find("devices/serial") is None
    assert domain({}, {"hw_qemu_guest_agent": "no"}).find("devices/channel") is None
    assert domain({"hw:watchdog_action": "disabled"}).find("devices/watchdog") is None


def test_a_graphics_card_is_as_large_as_the_flavor_permits():
    tree = domain(
        {"hw_video:ram_max_mb": "64"}, {"hw_video_model": "vga", "hw_video_ram": "32"}, screens={"vnc": "::1"}
    )
    assert words(tree, "devices/video/model") == [{"type": "vga", "vram": "32768"}]
    with pytest.raises(InvalidInput, match="hw_video_ram is 65 MiB, and hw_video:ram_max_mb of the flavor permits 64"):
        shape({"hw_video:ram_max_mb": "64"}, {"hw_video_model": "vga", "hw_video_ram": "65"})
    with pytest.raises(InvalidInput, match="permits 0"):
        shape({}, {"hw_video_model": "vga", "hw_video_ram": "1"})


def test_windows_has_local_time_and_its_words_of_hyper_v_only_on_kvm():
    tree = domain({}, {"os_type": "windows"}, platform=EMULATED)
    assert tree.find("clock").get("offset") == "localtime"
    assert tree.find("features/hyperv") is None
    assert domain({}, {"os_type": "linux"}).find("clock").get("offset") == "utc"


def test_secure_boot_is_given_where_it_is_optional_and_the_host_can():
    optional = {"hw_firmware_type": "uefi", "os_secure_boot": "optional"}
    assert domain({}, optional).find("os/loader") is None
    able = GuestPlatform("x86_64", "kvm", can_secure_boot=True)
    assert domain({}, optional, platform=able).find("os/loader").get("secure") == "yes"
    assert domain({}, optional, platform=able).find("features/smm") is not None
    stateless = domain({}, {"hw_firmware_type": "uefi", "hw_firmware_stateless": "yes"})
    assert stateless.find("os/loader").get("stateless") == "yes"


@pytest.mark.parametrize(
    ("vcpus", "wishes", "topology"),
    [
        (4, {}, None),
        (4, {"cpu_max_sockets": 8}, (4, 1, 1)),
        (4, {"cpu_cores": 2}, (2, 2, 1)),
        (8, {"cpu_sockets": 2, "cpu_threads": 2}, (2, 2, 2)),
        (8, {"cpu_max_sockets": 2}, (2, 4, 1)),
        (4, {"cpu_cores": 3}, (4, 1, 1)),
        (4, {"cpu_cores": 4, "cpu_max_cores": 2}, (4, 1, 1)),
    ],
)
def test_the_topology_is_the_one_that_nova_would_choose(vcpus, wishes, topology):
    assert choose_topology(vcpus, wishes) == topology


def test_no_topology_fits_where_the_limits_are_too_narrow():
    with pytest.raises(InvalidInput, match="5 vCPUs are not sockets x cores x threads within 2 x 2 x 2"):
        shape({"hw:cpu_max_sockets": "2", "hw:cpu_max_cores": "2", "hw:cpu_max_threads": "2"}, vcpus=5)
    assert shape({"hw:cpu_max_sockets": "2"}, vcpus=5)


@pytest.mark.parametrize(
    ("specs", "properties", "words"),
    [
        (
            {"hw:watchdog_actoin": "reset"},
            {},
            r"'hw:watchdog_actoin' of flavor 'f' is not known. Did you mean 'hw:watchdog_",
        ),
        ({}, {"hw_dsik_bus": "scsi"}, r"'hw_dsik_bus' of image 'i' is not known. Did you mean 'hw_disk_bus'\?"),
        ({"hw:watchdog_action": "boom"}, {}, "'boom'. It is one of disabled, none, pause, poweroff, reset"),
        ({"hw:pmu": "maybe"}, {}, "'hw:pmu' of flavor 'f' is 'maybe'. It is yes or no"),
        ({"quota:cpu_quota": "-1"}, {}, "It is a whole number from 1000"),
        ({"quota:cpu_quota": "١٠٠٠"}, {}, "It is a whole number"),
        ({"hw:cpu_cores": "9" * 40}, {}, "It is a whole number"),
        ({}, {"hw_machine_type": "virt"}, "It is q35 or pc"),
        ({"hw:maxphysaddr_bits": "42"}, {}, "needs hw:maxphysaddr_mode"),
        ({"hw:maxphysaddr_mode": "emulate"}, {}, "needs hw:maxphysaddr_bits"),
        ({"hw:locked_memory": "yes"}, {}, "needs hw:mem_page_size"),
        ({"hw_rng:rate_period": "5"}, {}, "needs hw_rng:rate_bytes"),
        ({"quota:vif_inbound_peak": "5"}, {}, "needs quota:vif_inbound_average"),
        ({"quota:disk_read_bytes_sec_max": "5"}, {}, "needs a quota:disk_read_bytes_sec"),
        ({"quota:disk_read_iops_sec": "9", "quota:disk_read_iops_sec_max": "5"}, {}, "not above it"),
        ({"quota:disk_total_iops_sec": "9", "quota:disk_read_iops_sec": "5"}, {}, "exclude each other"),
        ({"hw:tpm_model": "tpm-tis"}, {}, "needs hw:tpm_version"),
        ({"hw:tpm_model": "tpm-crb", "hw:tpm_version": "1.2"}, {}, "is of version 2.0"),
        ({"os:secure_boot": "required"}, {}, "the image has no UEFI"),
        ({}, {"hw_firmware_stateless": "yes"}, "needs hw_firmware_type"),
        ({}, {"hw_vif_multiqueue_enabled": "yes", "hw_vif_model": "e1000"}, "have one queue"),
        ({}, {"hw_video_ram": "0"}, "whole number from 1"),
        ({"hw_video:ram_max_mb": "9"}, {"hw_video_ram": "9"}, "needs an hw_video_model"),
        ({}, {"hw_pointer_model": "usbtablet", "hw_usb_model": "none"}, "for no controller"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(specs, properties, words):
    with pytest.raises(InvalidInput, match=words):
        shape(specs, properties)


@pytest.mark.parametrize(
    ("specs", "properties", "words"),
    [
        ({"hw:cpu_realtime": "yes"}, {}, "real-time scheduling is not built yet"),
        ({"hw:mem_encryption": "yes"}, {}, "cannot be honoured: encrypted memory"),
        ({"quota:memory_limit": "1"}, {}, "speaks to another hypervisor"),
        ({"vmware:hw_version": "1"}, {}, "speaks to another hypervisor"),
        ({"accel:device_profile": "gpu"}, {}, "pci_passthrough:alias"),
        ({}, {"os_command_line": "init=/bin/sh"}, "'os_command_line' of image 'i' cannot be honoured"),
        ({}, {"img_signature": "x"}, "signatures are not checked"),
        ({}, {"hw_architecture": "aarch64"}, "It can be x86_64 or amd64"),
        ({}, {"hw_disk_bus": "sata", "hw_machine_type": "pc"}, "the machine pc has not"),
        ({}, {"hw_scsi_model": "lsilogic"}, "a controller for PCI"),
        ({"hw:viommu_model": "intel"}, {"hw_machine_type": "pc"}, "needs the machine q35"),
        (
            {"os:secure_boot": "required"},
            {"hw_firmware_type": "uefi", "hw_machine_type": "pc"},
            "needs the machine q35",
        ),
    ],
)
def test_what_cannot_be_had_here_is_refused_with_the_reason(specs, properties, words):
    with pytest.raises(NotSupported, match=words):
        shape(specs, properties)


@pytest.mark.parametrize(
    ("specs", "properties"),
    [
        ({"hw:pmu": "yes"}, {"hw_pmu": "no"}),
        ({"hw:serial_port_count": "1"}, {"hw_serial_port_count": "2"}),
        ({"hw:cpu_max_cores": "2"}, {"hw_cpu_max_cores": "4"}),
        ({"os:secure_boot": "disabled"}, {"hw_firmware_type": "uefi", "os_secure_boot": "required"}),
        ({"hw:tpm_version": "2.0"}, {"hw_tpm_version": "1.2"}),
    ],
)
def test_flavor_and_image_that_contradict_each_other_are_both_named(specs, properties):
    with pytest.raises(InvalidInput, match=r"of flavor 'f' is '.*', and '.*' of image 'i' is '.*'. Choose another"):
        shape(specs, properties)


def test_an_image_knows_best_of_its_watchdog_its_menu_and_its_topology():
    assert shape(
        {"hw:watchdog_action": "reset", "hw:boot_menu": "yes", "hw:cpu_cores": "4", "hw:serial_port_count": "3"},
        {"hw_watchdog_action": "pause", "hw_boot_menu": "no", "hw_cpu_cores": "2", "hw_serial_port_count": "2"},
    ) == {"watchdog_action": "pause", "boot_menu": False, "cpu_cores": 2, "serial_ports": 2}
    both = {"hw_firmware_type": "uefi", "os_secure_boot": "optional"}
    assert shape({"os:secure_boot": "required"}, both)["secure_boot"] == "required"


CAPABILITIES = """
<domainCapabilities>
  <os><enum name='firmware'><value>bios</value>{efi}</enum>
    <loader><enum name='secure'><value>no</value>{secure}</enum></loader></os>
  <devices><tpm><enum name='backendModel'><value>passthrough</value>{tpm}</enum></tpm></devices>
</domainCapabilities>
"""


class Libvirt:
    """A libvirt that tells of its host's firmware. It is its own connection."""

    def __init__(self, **has):
        self.has = {"efi": "", "secure": "", "tpm": "", **has}
        self.asked = 0

    def getDomainCapabilities(self, *_what):
        self.asked += 1
        return CAPABILITIES.format(**self.has)

    def read(self, _what, reading):
        return reading(self)


def test_a_host_tells_what_its_packages_can():
    bare = read_abilities(Libvirt(), "x86_64", "q35", "kvm")
    assert bare == HostAbilities()
    full = Libvirt(efi="<value>efi</value>", secure="<value>yes</value>", tpm="<value>emulator</value>")
    assert read_abilities(full, "x86_64", "q35", "kvm") == HostAbilities(True, True, True)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"firmware_type": "uefi"}, "no UEFI firmware for guests"),
        ({"secure_boot": "required"}, "that can secure boot"),
        ({"tpm_version": "2.0"}, "cannot emulate a TPM .* Install swtpm"),
    ],
)
def test_a_host_without_them_refuses_and_says_what_to_install(wanted, words):
    with pytest.raises(NotSupported, match=words):
        check_abilities(wanted, HostAbilities())


def test_libvirt_is_asked_only_for_what_depends_on_the_host():
    platform, host = GuestPlatform("x86_64", "kvm", machines=("pc", "q35", "pc-q35-7.2")), Libvirt()
    assert platform_for({"disk_bus": "scsi"}, platform, host) == platform
    assert host.asked == 0
    platform_for({"firmware_type": "bios"}, platform, host)
    assert host.asked == 1
    with pytest.raises(NotSupported, match=r"no machine 'pc-q35-7.3'.* Did you mean 'pc-q35-7.2'"):
        platform_for({"machine_type": "pc-q35-7.3"}, platform, host)


def test_a_shaped_domain_is_still_one_tree():
    assert ET.tostring(domain({"hw:watchdog_action": "reset"}, {"hw_disk_bus": "usb"}))
