# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The domain XML against golden files. ``NOVELLA_REGENERATE=1 pytest …`` writes them anew; read the difference."""

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.block_devices import (
    with_volumes as with_reserved_names,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import NotSupported
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image, NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import ConsoleAddress
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.domain_xml import (
    GuestDisks,
    GuestPlatform,
    build_domain,
    check_supported,
    read_record,
    record_element,
)
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_xml import VolumeDisk
from ansible_collections.novella.compute.plugins.module_utils.virt.local_disks import local_disks
from hypothesis import given
from hypothesis import strategies as st

GOLDEN = Path(__file__).parent / "golden"
UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
KVM, EMULATED = GuestPlatform("x86_64", "kvm"), GuestPlatform("x86_64", "qemu")
DEBIAN = Image("debian", "/srv/images/debian.qcow2")
FRONT = NetworkRequest("front", "02:00:00:00:00:01", bridge="br0")
BACK = NetworkRequest("back", "02:00:00:00:00:02", libvirt_network="default")


def an_instance(**changes):
    spec = InstanceSpec("web-1", Flavor("small", 2, 512, 5), DEBIAN)
    return Instance(UUID, spec.but(**changes), created_at="2026-01-01T00:00:00Z")


def with_volumes(instance):
    """The instance with three volumes, of which the first has been there longest."""
    names = {"data": ("virtio", "vdc"), "logs": ("scsi", "sda"), "spare": ("sata", "sdb")}
    requests = [VolumeRequest(f"{name}-uuid", name, 1, bus=bus) for name, (bus, _device) in names.items()]
    devices = {f"{name}-uuid": device for name, (_bus, device) in names.items()}
    return instance.but(spec=instance.spec.but(volumes=requests), device_names=devices)


def booting_from_a_volume():
    """An instance with three volumes, of which it boots from the second, and with an ephemeral disk."""
    asked = {"data": None, "root": 0, "next": 1}
    requests = [VolumeRequest(f"{name}-uuid", name, 1, boot_index=index) for name, index in asked.items()]
    flavor = Flavor("roomy", 2, 512, 5, ephemeral_gb=1)
    return with_reserved_names(an_instance(flavor=flavor, image=None, volumes=requests))


def built(instance, platform, screens=None, serial=None):
    rescue = None if instance.rescue_image is None else f"/pool/{UUID}.rescue.qcow2"
    volumes = tuple(
        VolumeDisk(request, f"/pool/{request.uuid}.volume.qcow2", instance.device_names[request.uuid])
        for request in instance.spec.volumes
    )
    root = None if instance.spec.boots_from_volume else f"/pool/{UUID}.root.qcow2"
    local = tuple(f"/pool/{UUID}.{disk.name}.raw" for disk in local_disks(instance.spec))
    disks = GuestDisks(root, f"/pool/{UUID}.config.iso", rescue, volumes, local)
    return build_domain(instance, platform, disks, screens=screens, serial=serial)


@pytest.mark.parametrize(
    ("name", "instance", "platform"),
    [
        ("emulated", an_instance(), EMULATED),
        ("kvm-two-nics", an_instance(networks=[FRONT, BACK]), KVM),
        ("named-fleet", an_instance(fleet="blue", project_id="shop", metadata={"note": '<é> & "x"'}), EMULATED),
        ("volumes", with_volumes(an_instance()), KVM),
        ("local-disks", an_instance(flavor=Flavor("roomy", 2, 512, 5, ephemeral_gb=10, swap_mb=64)), KVM),
        ("from-a-volume", booting_from_a_volume(), KVM),
        ("rescued", an_instance().but(vm_state="rescued", rescue_image=Image("aid", "/srv/images/aid.qcow2")), KVM),
    ],
)
def test_the_domain_is_as_it_was_agreed(name, instance, platform):
    tree = built(instance, platform)
    ET.indent(tree)
    xml, path = ET.tostring(tree, encoding="unicode") + "\n", GOLDEN / f"{name}.xml"
    if os.environ.get("NOVELLA_REGENERATE"):
        path.write_text(xml)
    assert xml == path.read_text()


def test_a_rescued_guest_keeps_the_names_of_its_volumes():
    rescued = with_volumes(an_instance()).but(vm_state="rescued", rescue_image=Image("aid", "/srv/images/aid.qcow2"))
    disks = {disk.find("target").get("dev"): disk for disk in built(rescued, KVM).iterfind("devices/disk")}
    assert list(disks) == ["vda", "vdb", "vdd", "vdc", "sda", "sdb"]
    assert disks["vdc"].findtext("serial") == "data-uuid"
    assert disks["vdd"].find("source").get("file").endswith(".config.iso")


def test_a_guest_that_boots_from_a_volume_finds_that_first_and_tries_disks_in_order():
    disks = built(booting_from_a_volume(), KVM).findall("devices/disk")
    order = {disk.find("boot").get("order"): disk.findtext("serial") for disk in disks if disk.find("boot") is not None}
    assert order == {"1": "root-uuid", "2": "next-uuid"}
    assert [disk.find("target").get("dev") for disk in disks] == ["vda", "vdb", "vdc", "vdd", "vde"]
    assert built(booting_from_a_volume(), KVM).find("os/boot") is None


def test_a_rescued_guest_with_local_disks_has_every_name_once():
    roomy = an_instance(flavor=Flavor("roomy", 2, 512, 5, ephemeral_gb=10, swap_mb=64))
    requests = [VolumeRequest("data-uuid", "data", 1)]
    rescued = with_reserved_names(roomy.but(spec=roomy.spec.but(volumes=requests)))
    rescued = rescued.but(vm_state="rescued", rescue_image=Image("aid", "/srv/images/aid.qcow2"))
    targets = [target.get("dev") for target in built(rescued, KVM).iterfind("devices/disk/target")]
    assert targets == ["vda", "vdb", "vdc", "vdd", "vdf", "vde"]


@pytest.mark.parametrize(("memory_mb", "cache_mb"), [(64, "32"), (128, "32"), (2048, "512"), (1 << 20, "1024")])
def test_an_emulated_guest_has_a_fourth_of_its_memory_for_translated_code_within_bounds(memory_mb, cache_mb):
    instance = an_instance(flavor=Flavor("sized", 1, memory_mb, 1))
    assert built(instance, EMULATED).findtext("features/tcg/tb-cache") == cache_mb
    assert built(instance, KVM).find("features/tcg") is None


def test_the_display_name_is_the_title_that_virsh_shows():
    assert built(an_instance(display_name='Shop <window> & "till"'), KVM).findtext("title") == 'Shop <window> & "till"'
    assert built(an_instance(), KVM).find("title") is None


def test_a_guest_has_a_screen_only_where_it_may_be_reached():
    without = built(an_instance(), KVM)
    assert without.find("devices/graphics") is None
    assert without.find("devices/video/model").get("type") == "none"
    tree = built(an_instance(), KVM, {"vnc": "127.0.0.1"})
    [graphics] = tree.findall("devices/graphics")
    assert (graphics.get("type"), graphics.find("listen").get("address")) == ("vnc", "127.0.0.1")
    assert [video.find("model").get("type") for video in tree.findall("devices/video")] == ["vga"]


@given(st.dictionaries(st.text(), st.text()))
def test_any_record_comes_back_from_the_metadata(metadata):
    instance = an_instance(metadata=metadata)
    xml = ET.tostring(built(instance, EMULATED), encoding="unicode")
    assert Instance.from_document(read_record(ET.fromstring(xml))) == instance


def test_the_record_for_libvirts_metadata_call_brings_no_namespace():
    assert record_element(an_instance(), prefixed=False).tag == "instance"


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", "null"])
def test_metadata_that_is_no_record_makes_a_domain_foreign(text):
    tree = ET.fromstring(
        '<domain><metadata><n:instance xmlns:n="https://novella.dev/xmlns/compute/1">'
        f"{text}</n:instance></metadata></domain>"
    )
    assert read_record(tree) is None


def test_a_record_of_a_newer_major_is_still_a_record():
    tree = ET.fromstring(
        '<domain><metadata><n:instance xmlns:n="https://novella.dev/xmlns/compute/1">'
        '{"kind": "instance", "version": "9.0"}</n:instance></metadata></domain>'
    )
    assert read_record(tree) == {"kind": "instance", "version": "9.0"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image": None}, "has no image"),
        ({"flavor": Flavor("big", 1, 512, 5, extra_specs={"hw:cpu_realtime": "yes"})}, "'hw:cpu_realtime' of flavor"),
        (
            {"image": DEBIAN.but(properties={"hw_disk_bus": "ide"})},
            "hw_disk_bus is 'ide', which the machine",
        ),
        ({"image": DEBIAN.but(properties={"os_command_line": "quiet"})}, "'os_command_line' of image 'debian'"),
    ],
)
def test_what_cannot_be_given_is_refused_and_not_left_out(changes, words):
    with pytest.raises(NotSupported, match=words):
        check_supported(an_instance(**changes).spec)


def test_what_only_the_scheduler_reads_is_no_reason_to_refuse():
    flavor = Flavor("small", 1, 512, 5, extra_specs={"capabilities:cpu_info:arch": "x86_64", "disk": "ssd"})
    check_supported(an_instance(flavor=flavor, image=DEBIAN.but(properties={"img_hv_type": "kvm"})).spec)


def test_what_only_operations_go_by_is_no_reason_to_refuse_either():
    properties = {"os_admin_user": "admin", "os_shutdown_timeout": "300"}
    check_supported(an_instance(image=DEBIAN.but(properties=properties)).spec)


def test_a_host_of_another_architecture_is_refused():
    with pytest.raises(NotSupported, match="the host is aarch64"):
        built(an_instance(), GuestPlatform("aarch64", "kvm"))


def test_a_serial_console_listens_at_its_port_only_and_is_logged_as_ever():
    devices = built(an_instance(), KVM, serial=ConsoleAddress("127.0.0.1", 10007)).find("devices")
    for tag in ("serial", "console"):
        [console] = devices.findall(tag)
        assert console.get("type") == "tcp"
        assert console.find("source").attrib == {"mode": "bind", "host": "127.0.0.1", "service": "10007"}
    assert devices.find("serial/log").get("file").endswith(f"novella-{UUID}.console.log")
    plain = built(an_instance(), KVM).find("devices")
    assert [console.get("type") for tag in ("serial", "console") for console in plain.findall(tag)] == ["pty", "pty"]
