# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is plugged into a domain, by definitions as libvirt writes them."""

from types import SimpleNamespace

from ansible_collections.novella.compute.plugins.module_utils.objects.device import Device
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.devices import read_devices

VOLUME = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3a"
PCI = "<address type='pci' domain='0x0000' bus='0x{}' slot='0x00' function='0x{}'/>"
XML = f"""<domain type='kvm'><devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/pool/root.qcow2'/>
  <target dev='vda' bus='virtio'/>{PCI.format("04", "0")}</disk>
<disk type='file' device='cdrom'><source file='/pool/config.iso'/><target dev='sda' bus='sata'/><readonly/>
  <address type='drive' controller='0' bus='0' target='0' unit='0'/></disk>
<disk type='network' device='disk'><source protocol='rbd' name='pool/data'/><target dev='vdb' bus='virtio'/>
  <serial>{VOLUME}</serial></disk>
<disk type='file' device='cdrom'><target dev='sdb' bus='sata'/><readonly/></disk>
<interface type='network'><mac address='52:54:00:11:22:33'/><source network='default' bridge='virbr0'/>
  <target dev='vnet7'/><model type='virtio'/><link state='down'/>{PCI.format("01", "0")}</interface>
<interface type='bridge'><mac address='52:54:00:11:22:34'/><source bridge='br0'/></interface>
<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0xaf' slot='0x02'
  function='0x3'/></source>{PCI.format("05", "0")}</hostdev>
<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/></source></hostdev>
</devices></domain>"""


def test_disks_interfaces_and_host_devices_are_told_as_the_guest_has_them() -> None:
    assert read_devices(SimpleNamespace(XMLDesc=lambda: XML)) == [
        Device("disk", "vda", "disk", "virtio", "0000:04:00.0", "/pool/root.qcow2", read_only=False),
        Device("disk", "sda", "cdrom", "sata", source="/pool/config.iso", read_only=True),
        Device("disk", "vdb", "disk", "virtio", source="pool/data", serial=VOLUME, read_only=False),
        Device("disk", "sdb", "cdrom", "sata", read_only=True),
        Device("nic", "vnet7", "virtio", "pci", "0000:01:00.0", "default", mac="52:54:00:11:22:33", is_linked=False),
        Device("nic", bus="pci", source="br0", mac="52:54:00:11:22:34", is_linked=True),
        Device("hostdev", kind="pci", bus="pci", address="0000:af:02.3"),
        Device("hostdev", kind="usb", bus="usb"),
    ]
