# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each serial console has a port of its own, keeps it, and is at no address that nobody has named."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import DeadlineExceeded, HypervisorError
from ansible_collections.novella.compute.plugins.module_utils.virt.hypervisor import ConsoleAddress
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt import serial_ports
from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.serial_ports import SerialPorts

HOME = "127.0.0.1"
WEB, DB = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
INACTIVE = 2


@dataclass
class Guest:
    """A domain, with the port that it runs with and the one that it is defined with."""

    uuid: str
    live: int | None = None
    defined: int | None = None

    def XMLDesc(self, flags: int) -> str:
        port = self.defined if flags & INACTIVE or self.live is None else self.live
        source = "" if port is None else f"<source mode='bind' host='{HOME}' service='{port}'/>"
        return f"<domain><devices><serial type='tcp'>{source}</serial></devices></domain>"

    def UUIDString(self) -> str:
        return self.uuid

    def isActive(self) -> bool:
        return self.live is not None


class Hypervisor:
    def __init__(self, *guests: Guest) -> None:
        self.guests = guests

    def listAllDomains(self, _flags: int) -> list[Guest]:
        return list(self.guests)


@pytest.fixture(autouse=True)
def _binding(monkeypatch: pytest.MonkeyPatch) -> None:
    binding = SimpleNamespace(VIR_DOMAIN_XML_INACTIVE=INACTIVE, libvirtError=RuntimeError)
    monkeypatch.setattr(serial_ports, "libvirt", binding)


@pytest.fixture
def ports(tmp_path: Path) -> SerialPorts:
    """Three that are free."""
    with socket.socket() as probe:
        probe.bind((HOME, 0))
        first = min(probe.getsockname()[1], 65000)
    return SerialPorts(HOME, range(first, first + 3), 0.2, tmp_path / "lock")


@pytest.fixture
def busy(ports: SerialPorts) -> Iterator[Any]:
    """Has somebody listen at a port."""
    open_sockets = []

    def listen(port: int) -> None:
        listener = socket.socket()
        listener.bind((HOME, port))
        listener.listen()
        open_sockets.append(listener)

    yield listen
    for listener in open_sockets:
        listener.close()


def test_nothing_listens_where_nobody_has_said_so(tmp_path: Path) -> None:
    nowhere = SerialPorts(None, range(10000, 10003), 1, tmp_path / "lock")
    with nowhere.held():
        assert nowhere.choose(None, WEB) is None
    assert not (tmp_path / "lock").exists()


def test_no_two_domains_get_one_port_whether_they_run_or_not(ports: SerialPorts) -> None:
    chosen = ports.choose(Hypervisor(), WEB)
    assert chosen is not None and chosen.address == HOME
    for other in (Guest(DB, live=chosen.port), Guest(DB, defined=chosen.port)):
        second = ports.choose(Hypervisor(other), WEB)
        assert second is not None and second.port in ports.ports and second != chosen


def test_a_domain_keeps_its_port_off_or_on(ports: SerialPorts, busy: Any) -> None:
    last = ports.ports[-1]
    assert ports.choose(Hypervisor(Guest(WEB, defined=last)), WEB) == ConsoleAddress(HOME, last)
    busy(last)
    assert ports.choose(Hypervisor(Guest(WEB, live=last)), WEB) == ConsoleAddress(HOME, last)


def test_a_port_that_some_program_has_is_passed_over(ports: SerialPorts, busy: Any) -> None:
    busy(ports.ports[1])
    taken = Guest(DB, defined=ports.ports[0])
    assert ports.choose(Hypervisor(taken), WEB) == ConsoleAddress(HOME, ports.ports[2])
    busy(ports.ports[2])
    with pytest.raises(HypervisorError, match="are taken") as raised:
        ports.choose(Hypervisor(taken), WEB)
    assert "novella_serial_port_range" in raised.value.remedy


def test_who_chooses_waits_for_the_one_before_and_not_for_ever(ports: SerialPorts) -> None:
    with ports.held():
        pass
    descriptor = os.open(ports.lock, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(DeadlineExceeded), ports.held():
            pytest.fail("two chose at once")
    finally:
        os.close(descriptor)
    with ports.held():
        assert ports.lock.stat().st_mode & 0o777 == 0o600
