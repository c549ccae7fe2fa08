# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a guest that runs shows of a change: what it says itself, or else its domain as it runs, or its record."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from support.lab_guest import Guest

Look = Callable[[Guest], Any]
PCI = 'for device in /sys/bus/pci/devices/*; do echo "$(cat $device/vendor):$(cat $device/device)"; done'


def said(script: str) -> Look:
    """What a script prints in the guest, without the line's end."""
    return lambda guest: guest.execute(script).strip()


def record(*path: str) -> Look:
    """What the record of the running domain has there, or None."""

    def look(guest: Guest) -> Any:
        found: Any = guest.record()
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    return look


def live_xml(guest: Guest) -> ET.Element:
    return ET.fromstring(guest.home.virsh("dumpxml", guest.domain))


def runs_with(path: str) -> Look:
    """Whether the domain as it runs has such an element."""
    return lambda guest: live_xml(guest).find(path) is not None


def has_device(pci: str) -> Look:
    """Whether the guest sees a PCI device of that vendor and kind."""
    return lambda guest: pci in guest.execute(PCI).split()


def drive_says(*path: str, document: str = "meta_data.json") -> Look:
    """What the config drive that the guest has mounted says there, or None."""

    def look(guest: Guest) -> Any:
        found: Any = json.loads(guest.read(f"/config/openstack/latest/{document}"))
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    return look


def prints(text: str) -> Look:
    """Whether the guest has ever printed that on its console."""
    return lambda guest: text in guest.console
