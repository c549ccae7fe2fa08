# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports at which guests' serial consoles can be reached (Nova's [serial_console] port_range).

libvirt chooses ports of screens itself, and none of these. A guest keeps its port while it is free.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import time
import xml.etree.ElementTree as ET
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from ...objects.errors import DeadlineExceeded, HypervisorError
from ..hypervisor import ConsoleAddress
from .binding import libvirt

LOCK = Path("/run/novella/serial-ports.lock")
_POLL_SECONDS = 0.05
# A serial console that waits for somebody to connect.
_LISTENING = "devices/serial[@type='tcp']/source[@mode='bind']"


@dataclass(frozen=True)
class SerialPorts:
    """Where this host's guests may listen.

    Args:
        listen: The address; None: nowhere.
        ports: The ports, in order.
        deadline: Seconds to wait for others who choose one.
        lock: A file that who chooses holds, until what is chosen is defined.
    """

    listen: Optional[str]
    ports: range
    deadline: float
    lock: Path = LOCK

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep all others from choosing, in this process and in others, where there is anything to choose.

        Raises:
            DeadlineExceeded: Somebody else does not come to an end.
        """
        if self.listen is None:
            yield
            return
        self.lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            end = time.monotonic() + self.deadline
            while not _take(descriptor):
                if time.monotonic() >= end:
                    raise DeadlineExceeded(f"{self.lock} was held for {self.deadline:g} s.", "Run again.")
                time.sleep(_POLL_SECONDS)
            yield
        finally:
            os.close(descriptor)

    def choose(self, raw: Any, uuid: str) -> Optional[ConsoleAddress]:
        """Return where a domain's serial console is to listen from its next start on; None: nowhere.

        Raises:
            HypervisorError: Every port is taken.
        """
        if self.listen is None:
            return None
        own, others, is_active = _read_ports(raw, uuid)
        start = int(uuid[:8], 16) % len(self.ports)
        for port in [*own, *self.ports[start:], *self.ports[:start]]:
            if port not in self.ports or port in others:
                continue
            if (is_active and port in own) or _is_free(self.listen, port):
                return ConsoleAddress(self.listen, port)
        raise HypervisorError(
            f"All ports from {self.ports[0]} to {self.ports[-1]} at {self.listen} are taken.",
            "Widen novella_serial_port_range.",
        )


def read_serial(domain: Any, tree: ET.Element) -> Optional[ConsoleAddress]:
    """Return where a running domain's serial console listens, or None."""
    found = next(iter(_listening(tree)), None)
    return found if domain.isActive() else None


def _read_ports(raw: Any, uuid: str) -> tuple[list[int], Collection[int], bool]:
    """Return the ports of a domain, those of all others, and whether that domain is running."""
    own: list[int] = []
    others: set[int] = set()
    is_active = False
    for domain in raw.listAllDomains(0):
        ports = []
        # While it runs, its definition may say something else than what it was started with.
        for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
            with contextlib.suppress(libvirt.libvirtError):
                tree = ET.fromstring(domain.XMLDesc(flags))  # noqa: S314 - libvirtd is trusted
                ports += [address.port for address in _listening(tree)]
        if domain.UUIDString() == uuid:
            own, is_active = ports, bool(domain.isActive())
        else:
            others.update(ports)
    return own, others, is_active


def _listening(tree: ET.Element) -> list[ConsoleAddress]:
    sources = [source for source in tree.findall(_LISTENING) if source.get("service", "").isdigit()]
    return [ConsoleAddress(source.get("host", ""), int(source.get("service", ""))) for source in sources]


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_free(listen: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in listen else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As QEMU does: a connection that has just ended is in nobody's way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen, port))
        except OSError:
            return False
    return True
