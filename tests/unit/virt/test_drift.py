# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is found of hand edits in a domain's XML, and what of libvirt's own doing is none."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.drift import compare

MEANT = """
<domain type='kvm'>
  <title>Shop</title>
  <memory unit='MiB'>512</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <cpu mode='host-model'/>
  <devices>
    <disk type='file' device='disk'><source file='/pool/a.root.qcow2'/><target dev='vda' bus='virtio'/></disk>
    <interface type='network'>
      <mac address='02:00:00:00:00:01'/><source network='front'/><model type='virtio'/>
    </interface>
  </devices>
</domain>
"""
# The same, as libvirt gives it back of a guest that runs.
RUNNING = """
<domain type='kvm' id='7'>
  <title>Shop</title>
  <memory unit='KiB'>524288</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <vcpu placement='static'>2</vcpu>
  <os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os>
  <cpu mode='custom' match='exact' check='full'><model fallback='forbid'>Skylake</model></cpu>
  <devices>
    <disk type='file' device='disk'>
      <source file='/pool/a.root.qcow2' index='2'/><backingStore type='file' index='3'/>
      <target dev='vda' bus='virtio'/><alias name='virtio-disk0'/>
    </disk>
    <interface type='network'>
      <mac address='02:00:00:00:00:01'/><source network='front' portid='8f2c' bridge='virbr0'/>
      <target dev='vnet3'/><model type='virtio'/><alias name='net0'/>
    </interface>
    <watchdog model='itco' action='reset'><alias name='watchdog0'/></watchdog>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""
DEFINED = RUNNING.replace("<cpu mode='custom' match='exact' check='full'>", "<cpu mode='host-model'>").replace(
    "<model fallback='forbid'>Skylake</model>", ""
)
EXTRA_DISK = "<disk type='file'><source file='/tmp/b.img'/><target dev='vdb' bus='virtio'/></disk>"


def find(defined: str = DEFINED, running: str | None = RUNNING) -> list[tuple[str, str | None, str | None, bool]]:
    views = (None if text is None else ET.fromstring(text) for text in (defined, running))
    drift = compare(ET.fromstring(MEANT), *views)
    return [(item.field, item.before, item.after, item.is_live) for item in drift]


def test_what_libvirt_expands_is_no_change() -> None:
    assert find() == []
    assert find(running=None) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (">2</vcpu>", ">3</vcpu>", ("vcpus", "2", "3")),
        (">2</vcpu>", " current='2'>4</vcpu>", ("vcpus", "2", "2 of 4")),
        ("<memory unit='KiB'>524288<", "<memory unit='KiB'>1048576<", ("memory_mb", "512", "1024")),
        ("currentMemory unit='KiB'>524288", "currentMemory unit='KiB'>262144", ("current_memory_mb", "512", "256")),
        ("<cpu mode='host-model'>", "<cpu mode='host-passthrough'>", ("cpu", "host-model", "host-passthrough")),
        ("pc-q35-10.0", "pc-i440fx-10.0", ("machine", "q35", "pc")),
        ("<title>Shop", "<title>Hop", ("title", "Shop", "Hop")),
        ("model='itco'", "model='i6300esb'", ("watchdog", None, "i6300esb reset")),
        ("<devices>", f"<devices>{EXTRA_DISK}", ("disk /tmp/b.img", None, "virtio")),
        ("bus='virtio'", "bus='sata'", ("disk /pool/a.root.qcow2", "virtio", "sata")),
        ("network='front'", "network='back'", ("interface 02:00:00:00:00:01", "front virtio", "back virtio")),
    ],
)
def test_a_hand_edit_of_the_definition_is_found(old: str, new: str, found: tuple[str, str | None, str]) -> None:
    assert old in DEFINED
    assert find(DEFINED.replace(old, new)) == [(*found, False)]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (">2</vcpu>", " current='1'>2</vcpu>", ("vcpus", "2", "1 of 2")),
        ("<devices>", f"<devices>{EXTRA_DISK}", ("disk /tmp/b.img", None, "virtio")),
        ("02:00:00:00:00:01", "02:00:00:00:00:09", ("interface 02:00:00:00:00:01", "front virtio", None)),
    ],
)
def test_a_hand_edit_of_the_running_guest_is_found(old: str, new: str, found: tuple[str, str, str | None]) -> None:
    assert (*found, True) in find(running=RUNNING.replace(old, new))
