# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nova's diagnostics out of libvirt's figures. The libvirt here answers as the real one does, from memory."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import DeadlineExceeded
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import connection, diagnostics
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.driver import LibvirtDriver

WEB, DB, OFF = (f"8f2c9d52-5c3e-5e0c-9f0a-0d6b7c1f2a3{digit}" for digit in "abc")
MAC = "52:54:00:11:22:33"
RUNNING, PAUSED = 1, 3
XML = f"""<domain type='kvm' id='4'><name>web</name><uuid>{WEB}</uuid><vcpu current='1'>2</vcpu><devices>
<disk type='file' device='disk'><source file='/pool/{WEB}.root.qcow2'/><target dev='vda'/></disk>
<disk type='file' device='cdrom'><source file='/pool/{WEB}.config.iso'/><target dev='sda'/></disk>
<interface type='bridge'><mac address='{MAC}'/><target dev='vnet7'/></interface>
</devices></domain>"""
FIGURES = {
    "state.state": RUNNING,
    "balloon.current": 524288,
    "balloon.maximum": 1048576,
    "vcpu.current": 1,
    "vcpu.maximum": 2,
    "vcpu.0.state": 1,
    "vcpu.0.time": 17300000000,
    "vcpu.0.wait": 0,
    "net.count": 1,
    "net.0.name": "vnet7",
    "net.0.rx.bytes": 2070139,
    "net.0.rx.pkts": 26701,
    "net.0.rx.errs": 1,
    "net.0.rx.drop": 2,
    "net.0.tx.bytes": 140208,
    "net.0.tx.pkts": 662,
    "net.0.tx.errs": 3,
    "net.0.tx.drop": 4,
    "block.count": 2,
    "block.0.name": "sda",
    "block.0.rd.reqs": 9,
    "block.1.name": "vda",
    "block.1.rd.reqs": 112,
    "block.1.rd.bytes": 262144,
    "block.1.wr.reqs": 488,
    "block.1.wr.bytes": 5778432,
}


class FakeLibvirt:
    """Has running guests; `hangs` is how many of the calls for figures wait for ever."""

    libvirtError = OSError
    VIR_CONNECT_LIST_DOMAINS_ACTIVE = 1
    VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT = 1 << 29

    def __init__(self) -> None:
        self.guests: dict[str, tuple[str, dict[str, Any]]] = {}
        self.calls: list[tuple[int, int]] = []
        self.hangs = 0
        self.end = threading.Event()
        for number, kind in enumerate(("STATE", "CPU_TOTAL", "BALLOON", "VCPU", "INTERFACE", "BLOCK")):
            setattr(self, f"VIR_DOMAIN_STATS_{kind}", 1 << number)

    def registerErrorHandler(self, *_arguments: object) -> None:
        """Nothing is printed here."""

    def open(self, _uri: str) -> Any:
        return self

    def getLibVersion(self) -> int:
        return 9000000

    def listAllDomains(self, _flags: int) -> list[Any]:
        return [
            SimpleNamespace(UUIDString=lambda uuid=uuid: uuid, XMLDesc=lambda xml=xml: xml)
            for uuid, (xml, _figures) in self.guests.items()
        ]

    def domainListGetStats(self, handles: list[Any], kinds: int, flags: int) -> list[Any]:
        self.calls.append((kinds, flags))
        if self.hangs >= len(self.calls):
            self.end.wait()
        return [(handle, self.guests[handle.UUIDString()][1]) for handle in handles]


@pytest.fixture
def libvirt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeLibvirt]:
    fake = FakeLibvirt()
    for module in (connection, diagnostics):
        monkeypatch.setattr(module, "libvirt", fake)
    monkeypatch.setattr(connection.atexit, "register", lambda *_arguments: None)
    monkeypatch.setattr(diagnostics, "PID_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setattr(diagnostics, "PROC", str(tmp_path / "proc"))
    fake.guests[WEB] = XML, FIGURES
    yield fake
    fake.end.set()


@pytest.fixture
def driver(libvirt: FakeLibvirt) -> LibvirtDriver:
    driver = LibvirtDriver(deadline=0.3)
    driver._disks = SimpleNamespace(config_drive=lambda uuid: f"/pool/{uuid}.config.iso")
    return driver


def test_a_guest_is_told_of_in_novas_words(driver: LibvirtDriver) -> None:
    told = driver.get_diagnostics([WEB])[WEB].as_dict()
    assert told == {
        "state": "running",
        "driver": "libvirt",
        "hypervisor": "kvm",
        "hypervisor_os": "linux",
        "uptime": None,
        "config_drive": True,
        "num_cpus": 1,
        "num_nics": 1,
        "num_disks": 2,
        "cpu_details": [{"id": 0, "time": 17300000000, "utilisation": None}],
        "nic_details": [
            {
                "mac_address": MAC,
                "rx_octets": 2070139,
                "rx_packets": 26701,
                "rx_errors": 1,
                "rx_drop": 2,
                "tx_octets": 140208,
                "tx_packets": 662,
                "tx_errors": 3,
                "tx_drop": 4,
                "rx_rate": None,
                "tx_rate": None,
            }
        ],
        "disk_details": [
            {
                "read_bytes": 262144,
                "read_requests": 112,
                "write_bytes": 5778432,
                "write_requests": 488,
                "errors_count": None,
            },
            {"read_requests": 9, **dict.fromkeys(("read_bytes", "write_bytes", "write_requests", "errors_count"))},
        ],
        "memory_details": {"maximum": 1024, "used": 512},
    }


def test_all_guests_are_asked_for_in_one_call_and_others_are_not(driver: LibvirtDriver, libvirt: FakeLibvirt) -> None:
    libvirt.guests = {uuid: (XML, {**FIGURES, "state.state": PAUSED}) for uuid in (WEB, DB)}
    told = driver.get_diagnostics([WEB, DB, OFF])
    assert {uuid: item.state for uuid, item in told.items()} == {WEB: "paused", DB: "paused"}
    assert not told[DB].config_drive
    assert len(libvirt.calls) == 1
    assert set(driver.get_diagnostics([DB])) == {DB}


def test_nothing_is_asked_for_where_no_guest_runs(driver: LibvirtDriver, libvirt: FakeLibvirt) -> None:
    assert driver.get_diagnostics([OFF]) == {}
    assert libvirt.calls == []


def test_a_busy_guest_is_not_waited_for_and_its_devices_are_told(driver: LibvirtDriver, libvirt: FakeLibvirt) -> None:
    libvirt.guests[WEB] = XML, {"state.state": RUNNING}
    told = driver.get_diagnostics([WEB])[WEB].as_dict()
    assert (told["num_cpus"], told["num_nics"], told["num_disks"]) == (1, 1, 2)
    assert told["memory_details"] == {"maximum": None, "used": None}
    assert libvirt.calls[0][1] == libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT


def test_a_guest_that_hangs_keeps_nobody_elses_figures_back(driver: LibvirtDriver, libvirt: FakeLibvirt) -> None:
    libvirt.hangs = 1
    assert driver.get_diagnostics([WEB])[WEB].state == "running"
    assert len(libvirt.calls) == 2


def test_a_libvirt_that_hangs_is_not_waited_for_without_end(driver: LibvirtDriver, libvirt: FakeLibvirt) -> None:
    libvirt.hangs = 9
    with pytest.raises(DeadlineExceeded, match="read the guests' figures"):
        driver.get_diagnostics([WEB])
    assert len(libvirt.calls) == 2


def test_a_guest_that_ends_meanwhile_is_left_out(driver: LibvirtDriver, libvirt: FakeLibvirt) -> None:
    libvirt.guests[DB] = XML.replace(" id='4'", ""), {"state.state": 5}
    assert set(driver.get_diagnostics([WEB, DB])) == {WEB}


def test_the_uptime_is_that_of_the_guests_process(
    driver: LibvirtDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnostics, "uptime", lambda: 500.0)
    monkeypatch.setattr(diagnostics.os, "sysconf", lambda _name: 100)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "web.pid").write_text("4711")
    stat = tmp_path / "proc" / "4711" / "stat"
    stat.parent.mkdir(parents=True)
    stat.write_text(f"4711 (qemu ) x) S {'0 ' * 18}12345 0 0")
    assert driver.get_diagnostics([WEB])[WEB].uptime == 376
    stat.write_text("4711 (qemu) S")
    assert driver.get_diagnostics([WEB])[WEB].uptime is None
