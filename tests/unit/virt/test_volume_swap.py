# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A running guest's volume moved to another one, however far an earlier run came."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import HypervisorError, InvalidVolume
from ansible_collections.novella.compute.plugins.module_utils.objects.volume import VolumeRequest
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import volume_swap
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_swap import VolumeSwap
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.volume_xml import (
    VolumeDisk,
    volume_element,
    volume_of,
)

PIVOT, INACTIVE, CONFIG, FLAGS = 2, 2, 2, 6
OLD, NEW = "8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3b", "11111111-5c3e-5e0c-9f0a-0d6b7c1f2a3b"


def disk(uuid: str) -> VolumeDisk:
    return VolumeDisk(VolumeRequest(uuid, "data", 1), f"/pool/{uuid}.volume.qcow2", "vdc")


class FakeDomain:
    """A domain whose disk is copied; the copy is whole when it has been looked at a few times, or ends before."""

    def __init__(self, ends_early: bool = False) -> None:
        self.is_on, self.ends_early, self.looks = True, ends_early, 0
        self.live, self.config = (ET.fromstring("<domain><devices/></domain>") for _ in range(2))
        for tree in (self.live, self.config):
            tree.find("devices").append(volume_element(disk(OLD)))

    def name(self) -> str:
        return "web"

    def isActive(self) -> bool:
        return self.is_on

    def XMLDesc(self, flags: int = 0) -> str:
        mirror = self.live.find("devices/disk/mirror")
        if mirror is not None and not flags:
            self.looks += 1
            if self.looks > 2:
                if self.ends_early:
                    self.live.find("devices/disk").remove(mirror)
                else:
                    mirror.set("ready", "yes")
        return ET.tostring(self.config if flags == INACTIVE else self.live, encoding="unicode")

    def blockCopy(self, _name: str, xml: str, _parameters: Any, flags: int) -> None:
        assert flags == FLAGS
        path = ET.fromstring(xml).find("source").get("file")
        ET.SubElement(self.live.find("devices/disk"), "mirror", type="file", file=path, job="copy")

    def blockJobInfo(self, _name: str, _flags: int) -> dict[str, int]:
        return {"cur": 1, "end": 2}

    def blockJobAbort(self, _name: str, flags: int) -> None:
        found = self.live.find("devices/disk")
        mirror = found.find("mirror")
        if flags == PIVOT:
            found.find("source").set("file", mirror.get("file"))
        found.remove(mirror)

    def updateDeviceFlags(self, xml: str, flags: int) -> None:
        assert flags == CONFIG
        devices = self.config.find("devices")
        devices.remove(devices.find("disk"))
        devices.append(ET.fromstring(xml))

    def held(self) -> tuple[Any, Any]:
        return tuple(volume_of(tree.find("devices/disk")) for tree in (self.live, self.config))


@pytest.fixture(autouse=True)
def libvirt(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(
        VIR_DOMAIN_BLOCK_COPY_REUSE_EXT=2,
        VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB=4,
        VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT=PIVOT,
        VIR_DOMAIN_XML_INACTIVE=INACTIVE,
        VIR_DOMAIN_AFFECT_CONFIG=CONFIG,
    )
    monkeypatch.setattr(volume_swap, "libvirt", fake)
    monkeypatch.setattr(volume_swap, "POLL_INTERVAL", 0.001)


def swap(domain: FakeDomain) -> VolumeSwap:
    connection: Any = SimpleNamespace(host=lambda: SimpleNamespace(lookupByUUIDString=lambda _uuid: domain))
    return VolumeSwap(connection)


def test_a_guest_goes_on_with_the_copy_when_that_is_whole() -> None:
    domain, told = FakeDomain(), []
    swap(domain).copy("web", OLD, disk(NEW), lambda done, total: told.append((done, total)))
    assert (domain.held(), told[0]) == ((OLD, OLD), (1, 2))
    swap(domain).pivot("web", OLD, disk(NEW))
    assert domain.held() == (NEW, NEW)
    # Once more, as after a crash.
    swap(domain).copy("web", OLD, disk(NEW), lambda done, total: None)
    swap(domain).pivot("web", OLD, disk(NEW))
    assert domain.held() == (NEW, NEW)


def test_a_copy_that_ends_before_it_is_whole_is_an_error_and_the_guest_keeps_its_volume() -> None:
    domain = FakeDomain(ends_early=True)
    with pytest.raises(HypervisorError, match="ended before it was whole"):
        swap(domain).copy("web", OLD, disk(NEW), lambda done, total: None)
    with pytest.raises(InvalidVolume, match="does not run with"):
        swap(domain).copy("web", NEW, disk("22222222-5c3e-5e0c-9f0a-0d6b7c1f2a3b"), lambda done, total: None)
    assert domain.held() == (OLD, OLD)


def test_a_copy_that_nobody_waits_for_is_ended_unless_the_guest_has_it_by_now() -> None:
    domain = FakeDomain()
    swap(domain).copy("web", OLD, disk(NEW), lambda done, total: None)
    assert swap(domain).drop("web", OLD, NEW) is False
    assert domain.live.find("devices/disk/mirror") is None
    swap(domain).copy("web", OLD, disk(NEW), lambda done, total: None)
    domain.blockJobAbort("vdc", PIVOT)
    assert swap(domain).drop("web", OLD, NEW) is True
    assert domain.held() == (NEW, OLD)
    swap(domain).pivot("web", OLD, disk(NEW))
    assert domain.held() == (NEW, NEW)
    domain.is_on = False
    assert swap(domain).drop("web", OLD, NEW) is None
