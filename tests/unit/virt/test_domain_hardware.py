# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""NUMA cells, pinned CPUs, huge pages and PCI devices in libvirt's XML, written and read."""

import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import HypervisorError
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.numa import (
    InstanceNUMACell,
    InstanceNUMATopology,
    NUMACell,
    NUMAPages,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.pci import PciDevice
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.domain_xml import (
    GuestDisks,
    GuestPlatform,
    build_domain,
    check_supported,
)
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.hardware_xml import (
    pci_addresses,
    pinned_cpus,
    read_numa_cells,
    read_pci_device,
)

UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
PAGES = (NUMAPages(4, 10**6), NUMAPages(2048, 512))
CELLS = (NUMACell(0, "0-3", memory=4096, mempages=PAGES), NUMACell(1, "4-7", memory=4096, mempages=PAGES))
PLATFORM = GuestPlatform("x86_64", "kvm", CELLS, "0,4")
NIC = PciDevice("0000:03:10.2", "8086", "1515", "type-VF", 0)


def built(topology=None, devices=(), platform=PLATFORM, vcpus=4):
    spec = InstanceSpec("db-1", Flavor("big", vcpus, 1024, 5), Image("debian", "/srv/images/debian.qcow2"))
    instance = Instance(UUID, spec, numa_topology=topology, pci_devices=list(devices))
    return build_domain(instance, platform, GuestDisks("/pool/root.qcow2", "/pool/config.iso"))


def dedicated(number, pairs, **more):
    vcpus = ",".join(str(vcpu) for vcpu, _cpu in pairs)
    return InstanceNUMACell(number, 512, pcpuset=vcpus, cpu_policy="dedicated", cpu_pinning=pairs, **more)


def tuning(tree):
    pins = {int(pin.get("vcpu")): pin.get("cpuset") for pin in tree.findall("cputune/vcpupin")}
    return pins, tree.find("cputune/emulatorpin").get("cpuset")


TWO_CELLS = (dedicated(1, ((0, 5), (1, 6))), dedicated(0, ((2, 1), (3, 2))))


def test_dedicated_vcpus_are_pinned_one_by_one_and_memory_lies_beside_them():
    tree = built(InstanceNUMATopology(TWO_CELLS))
    assert tuning(tree) == ({0: "5", 1: "6", 2: "1", 3: "2"}, "1-2,5-6")
    assert tree.find("numatune/memory").attrib == {"mode": "strict", "nodeset": "0-1"}
    assert [node.attrib for node in tree.findall("numatune/memnode")] == [
        {"cellid": "0", "mode": "strict", "nodeset": "1"},
        {"cellid": "1", "mode": "strict", "nodeset": "0"},
    ]
    assert [cell.attrib for cell in tree.findall("cpu/numa/cell")] == [
        {"id": "0", "cpus": "0-1", "memory": "512", "unit": "MiB"},
        {"id": "1", "cpus": "2-3", "memory": "512", "unit": "MiB"},
    ]
    assert tree.find("memoryBacking") is None
    assert tree.find("vcpu").get("cpuset") is None


@pytest.mark.parametrize(
    ("policy", "cells", "platform", "cpuset"),
    [
        ("isolate", (dedicated(1, ((0, 5),), cpuset_reserved="7"),), PLATFORM, "7"),
        ("share", (dedicated(1, ((0, 5),)),), PLATFORM, "0,4"),
        ("share", (dedicated(1, ((0, 5),)),), GuestPlatform("x86_64", "kvm", CELLS), "5"),
        (None, (dedicated(1, ((0, 5),)),), PLATFORM, "5"),
    ],
)
def test_the_emulators_threads_run_where_their_policy_says(policy, cells, platform, cpuset):
    assert tuning(built(InstanceNUMATopology(cells, policy), platform=platform, vcpus=1))[1] == cpuset


def test_shared_vcpus_of_a_cell_stay_on_its_cpus_for_shared_use():
    mixed = InstanceNUMACell(1, 1024, cpuset="0", pcpuset="1", cpu_policy="mixed", cpu_pinning=((1, 6),))
    assert tuning(built(InstanceNUMATopology((mixed,)), vcpus=2))[0] == {0: "4", 1: "6"}
    shared = InstanceNUMACell(1, 1024, cpuset="0-1")
    everywhere = GuestPlatform("x86_64", "kvm", CELLS)
    assert tuning(built(InstanceNUMATopology((shared,)), platform=everywhere, vcpus=2))[0] == {0: "4-7", 1: "4-7"}


def test_an_instance_without_cells_stays_on_the_cpus_for_shared_use():
    assert built().find("vcpu").get("cpuset") == "0,4"
    assert built().find("cputune") is None
    assert built(platform=GuestPlatform("x86_64", "kvm", CELLS)).find("vcpu").get("cpuset") is None


def test_huge_pages_are_asked_for_by_their_size_and_the_smallest_are_not():
    cells = (InstanceNUMACell(0, 512, "0-1", pagesize=2048), InstanceNUMACell(1, 512, "2-3", pagesize=4))
    tree = built(InstanceNUMATopology(cells))
    pages = [page.attrib for page in tree.findall("memoryBacking/hugepages/page")]
    assert pages == [{"size": "2048", "unit": "KiB", "nodeset": "0"}]
    assert {cell.get("memAccess") for cell in tree.findall("cpu/numa/cell")} == {"shared"}


def test_devices_are_handed_over_and_taken_back_by_libvirt_unless_their_tag_says_otherwise():
    tree = built(devices=[NIC, NIC.but(tags={"managed": "no"})])
    hostdevs = tree.findall("devices/hostdev")
    assert [device.attrib for device in hostdevs] == [
        {"mode": "subsystem", "type": "pci", "managed": "yes"},
        {"mode": "subsystem", "type": "pci", "managed": "no"},
    ]
    address = {"domain": "0x0000", "bus": "0x03", "slot": "0x10", "function": "0x2"}
    assert hostdevs[0].find("source/address").attrib == address
    assert pci_addresses(hostdevs) == (NIC.address, NIC.address)


def test_a_cell_that_the_host_has_not_got_is_told():
    with pytest.raises(HypervisorError, match="no NUMA cell 4"):
        built(InstanceNUMATopology((dedicated(4, ((0, 5),)),)), vcpus=1)


@pytest.mark.parametrize("kind", ["kvm", "qemu"])
def test_the_domain_is_valid_to_libvirt(kind, tmp_path):
    # Unit tests do without libvirt where there is none; those on the lab define such domains for real.
    virsh = shutil.which("virsh")
    if virsh is None:
        pytest.skip("virsh is not installed")
    topology = InstanceNUMATopology(
        (TWO_CELLS[0].but(pagesize=2048), TWO_CELLS[1].but(pagesize=2048, cpuset_reserved="3")), "isolate"
    )
    path = tmp_path / "domain.xml"
    platform = GuestPlatform("x86_64", kind, CELLS, "0,4")
    path.write_text(ET.tostring(built(topology, [NIC], platform), encoding="unicode"))
    # libvirt's test driver lives in virsh itself; nothing is left of the domain.
    command = [virsh, "--connect", "test:///default", "define", "--validate", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("key", ["hw:cpu_policy", "hw:numa_mem.1", "hw:mem_page_size", "pci_passthrough:alias"])
def test_what_the_claim_gives_is_supported(key):
    flavor = Flavor("big", 1, 512, extra_specs={key: "x"})
    check_supported(InstanceSpec("db-1", flavor, Image("debian", "/srv/images/debian.qcow2")))


CAPABILITIES = """
<capabilities><host><topology><cells num='2'>
  <cell id='0'><memory unit='KiB'>2097152</memory>
    <pages unit='KiB' size='4'>524288</pages><pages unit='KiB' size='2048'>16</pages>
    <cpus num='4'>
      <cpu id='0' socket_id='0' core_id='0' siblings='0,2'/><cpu id='1' socket_id='0' core_id='1' siblings='1,3'/>
      <cpu id='2' socket_id='0' core_id='0' siblings='0,2'/><cpu id='3' socket_id='0' core_id='1' siblings='1,3'/>
    </cpus></cell>
  <cell id='1'><memory unit='KiB'>1048576</memory>
    <cpus num='2'><cpu id='4' socket_id='1' siblings='4'/><cpu id='5' socket_id='2' siblings='5'/></cpus></cell>
</cells></topology></host></capabilities>
"""


def test_the_cells_of_a_host_are_read():
    cells = read_numa_cells(ET.fromstring(CAPABILITIES))
    pages = (NUMAPages(4, 524288), NUMAPages(2048, 16))
    assert cells == (
        NUMACell(0, "0-3", memory=2048, socket=0, siblings=("0,2", "1,3"), mempages=pages),
        NUMACell(1, "4-5", memory=1024, socket=None, siblings=("4", "5")),
    )
    assert read_numa_cells(ET.fromstring("<capabilities><host/></capabilities>")) == ()


def node_device(more="", ids="<product id='0x1515'>X540</product><vendor id='0x8086'>Intel</vendor>"):
    return ET.fromstring(
        "<device><name>pci_0000_03_10_2</name><capability type='pci'>"
        f"<domain>0</domain><bus>3</bus><slot>16</slot><function>2</function>{ids}{more}</capability></device>"
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", {"dev_type": "type-PCI", "numa_node": None}),
        ("<numa node='1'/>", {"dev_type": "type-PCI", "numa_node": 1}),
        ("<numa node='-1'/>", {"dev_type": "type-PCI", "numa_node": None}),
        (
            "<capability type='phys_function'><address domain='0' bus='0x03' slot='0x00' function='0x0'/></capability>",
            {"dev_type": "type-VF", "numa_node": None, "parent_addr": "0000:03:00.0"},
        ),
        ("<capability type='virt_functions' maxCount='63'/>", {"dev_type": "type-PF", "numa_node": None}),
    ],
)
def test_a_pci_function_is_read(more, expected):
    assert read_pci_device(node_device(more)) == PciDevice("0000:03:10.2", "8086", "1515", **expected)


def test_what_is_no_pci_function_or_does_not_say_which_is_left_out():
    assert read_pci_device(ET.fromstring("<device><capability type='net'/></device>")) is None
    assert read_pci_device(node_device(ids="<product id='0x1'/>")) is None


def test_a_vcpu_that_is_pinned_to_one_cpu_takes_it():
    pins = "<vcpupin vcpu='0' cpuset='3'/><vcpupin vcpu='1' cpuset='0-7'/><vcpupin vcpu='2' cpuset='5'/>"
    assert pinned_cpus(ET.fromstring(f"<domain><cputune>{pins}</cputune></domain>")) == "3,5"
    assert pinned_cpus(ET.fromstring("<domain/>")) == ""


def test_a_usb_device_is_no_pci_device():
    usb = ET.fromstring("<hostdev type='usb'><source><address bus='1' device='3'/></source></hostdev>")
    assert pci_addresses([usb, ET.fromstring("<hostdev/>")]) == ()
