# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes plugged into a domain: as it runs and as it is defined, however far an earlier run came."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import (
    DeviceDetachFailed,
    HypervisorError,
    InvalidVolume,
)
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import device_plug, volume_plug
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_plug import VolumePlug
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_xml import VolumeDisk

LIVE, CONFIG, INACTIVE, PAUSED = 1, 2, 2, 3
UUID = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b"
DATA = VolumeDisk(VolumeRequest(UUID, "data", 1), "/pool/data.qcow2", "vdc")


class FakeDomain:
    """A domain of two definitions, and a guest that may cling to its disks."""

    def __init__(self, is_on: bool = True) -> None:
        self.is_on, self.is_saved, self.is_clinging, self.state_now = is_on, False, False, 1
        self.views = {LIVE: ET.fromstring("<domain><devices/></domain>")}
        self.views[CONFIG] = ET.fromstring("<domain><devices/></domain>")
        self.slots = 2
        self.asked = 0

    def name(self) -> str:
        return "web"

    def isActive(self) -> bool:
        return self.is_on

    def hasManagedSaveImage(self, _flags: int) -> bool:
        return self.is_saved

    def state(self) -> list[int]:
        return [self.state_now, 0]

    def XMLDesc(self, flags: int) -> str:
        return ET.tostring(self.views[CONFIG if flags == INACTIVE or not self.is_on else LIVE], encoding="unicode")

    def attachDeviceFlags(self, xml: str, flags: int) -> None:
        if flags & LIVE and len(self.disks(LIVE)) >= self.slots:
            raise HypervisorError("Could not: libvirt says: internal error: No more available PCI slots.")
        for flag in (LIVE, CONFIG):
            if flags & flag:
                self.views[flag].find("devices").append(ET.fromstring(xml))

    def detachDeviceFlags(self, xml: str, flags: int) -> None:
        serial = ET.fromstring(xml).findtext("serial")
        self.asked += bool(flags & LIVE)
        if flags & LIVE and self.is_clinging:
            if self.asked > 1:
                raise HypervisorError("Could not: libvirt says: disk is already in the process of unplug.")
            return
        devices = self.views[flags].find("devices")
        for disk in [disk for disk in devices if disk.findtext("serial") == serial]:
            devices.remove(disk)

    def blockResize(self, name: str, size: int, _flags: int) -> None:
        self.resized = name, size

    def disks(self, flag: int) -> list[str]:
        return [disk.find("target").get("dev") for disk in self.views[flag].iterfind("devices/disk")]


@pytest.fixture(autouse=True)
def libvirt(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {"AFFECT_LIVE": LIVE, "AFFECT_CONFIG": CONFIG, "XML_INACTIVE": INACTIVE, "PAUSED": PAUSED}
    fake = SimpleNamespace(**{f"VIR_DOMAIN_{name}": number for name, number in numbers.items()})
    fake.VIR_DOMAIN_BLOCK_RESIZE_BYTES = 1
    for module in (device_plug, volume_plug):
        monkeypatch.setattr(module, "libvirt", fake)
    monkeypatch.setattr(device_plug, "POLL_INTERVAL", 0.001)


def plug(domain: FakeDomain) -> VolumePlug:
    connection: Any = SimpleNamespace(host=lambda: SimpleNamespace(lookupByUUIDString=lambda _uuid: domain))
    return VolumePlug(connection, 2, 0.01)


@pytest.mark.parametrize(("is_on", "live"), [(True, ["vdc"]), (False, [])])
def test_a_volume_is_plugged_in_and_out_where_the_domain_is(is_on: bool, live: list[str]) -> None:
    domain = FakeDomain(is_on)
    for _repeated in range(2):
        plug(domain).attach("u", DATA)
        assert (domain.disks(LIVE), domain.disks(CONFIG)) == (live, ["vdc"])
    for _repeated in range(2):
        plug(domain).detach("u", UUID)
        assert (domain.disks(LIVE), domain.disks(CONFIG)) == ([], [])


@pytest.mark.parametrize("there", [LIVE, CONFIG])
def test_what_an_earlier_run_did_by_half_is_made_whole_or_undone(there: int) -> None:
    domain = FakeDomain()
    plug(domain).attach("u", DATA)
    domain.views[there] = ET.fromstring("<domain><devices/></domain>")
    plug(domain).attach("u", DATA)
    assert (domain.disks(LIVE), domain.disks(CONFIG)) == (["vdc"], ["vdc"])
    domain.views[there] = ET.fromstring("<domain><devices/></domain>")
    plug(domain).detach("u", UUID)
    assert (domain.disks(LIVE), domain.disks(CONFIG)) == ([], [])


def test_a_guest_that_clings_to_a_disk_keeps_it_defined_too() -> None:
    domain = FakeDomain()
    plug(domain).attach("u", DATA)
    domain.is_clinging = True
    with pytest.raises(DeviceDetachFailed, match=r"web did not let go of its disk within 0.02 s\. Unmount it"):
        plug(domain).detach("u", UUID)
    assert (domain.asked, domain.disks(CONFIG)) == (2, ["vdc"])


def test_a_guest_that_stands_still_is_not_waited_for() -> None:
    domain = FakeDomain()
    plug(domain).attach("u", DATA)
    domain.state_now = PAUSED
    with pytest.raises(DeviceDetachFailed, match="web stands still"):
        plug(domain).detach("u", UUID)
    assert domain.asked == 0


def test_a_running_guest_without_a_free_slot_is_to_be_stopped_first() -> None:
    domain = FakeDomain()
    domain.slots = 0
    with pytest.raises(InvalidVolume, match=r"web has no free slot for another disk while it runs\. Stop it"):
        plug(domain).attach("u", DATA)
    assert domain.disks(CONFIG) == []


def test_a_guest_whose_memory_is_saved_keeps_its_disks() -> None:
    domain = FakeDomain(is_on=False)
    plug(domain).attach("u", DATA)
    domain.is_saved = True
    other = VolumeDisk(VolumeRequest("x", "more", 1), "/pool/x.qcow2", "vdd")
    for act in (lambda: plug(domain).detach("u", UUID), lambda: plug(domain).attach("u", other)):
        with pytest.raises(InvalidVolume, match="web has its memory saved"):
            act()
    # What an undo asks for is so already.
    plug(domain).attach("u", DATA)
    plug(domain).detach("u", "x")


def test_scsi_disks_bring_their_controller_once_and_sata_ones_wait_until_it_is_off() -> None:
    domain = FakeDomain()
    for name in ("sda", "sdb"):
        request = VolumeRequest(f"{name}-uuid", name, 1, bus="scsi")
        plug(domain).attach("u", VolumeDisk(request, f"/pool/{name}.qcow2", name))
    for view in domain.views.values():
        assert [controller.get("model") for controller in view.iterfind("devices/controller")] == ["virtio-scsi"]
    sata = VolumeDisk(VolumeRequest("x", "more", 1, bus="sata"), "/pool/x.qcow2", "sdc")
    with pytest.raises(InvalidVolume, match="a sata disk cannot be given to a running guest"):
        plug(domain).attach("u", sata)


def test_a_running_guest_sees_its_disk_grow_and_one_that_is_off_has_none_to_see() -> None:
    domain = FakeDomain()
    plug(domain).attach("u", DATA)
    assert plug(domain).grow("u", UUID, 5 << 30)
    assert domain.resized == ("vdc", 5 << 30)
    domain.is_on = False
    assert not plug(domain).grow("u", UUID, 6 << 30)
