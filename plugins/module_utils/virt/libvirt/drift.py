# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a domain is meant to be, against what it is: by intent, never by the text of its XML.

Only what a record decides is compared. What libvirt expands on its own (models of CPUs and machines, addresses,
aliases, names of interfaces, default devices) is not looked at, or brought to what it was expanded from.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Optional

from ...objects.drift import Drift

DISK, INTERFACE, DEVICE = "disk ", "interface ", "device "
# Of these there may be any number, and they come and go while a guest runs.
PLUGGED = (DISK, INTERFACE, DEVICE)
# libvirt gives every q35 machine this one.
DEFAULT_WATCHDOG = "itco"
UNITS = {"b": 1, "bytes": 1, "KB": 1000, "KiB": 1 << 10, "k": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def compare(meant: ET.Element, defined: ET.Element, running: Optional[ET.Element]) -> list[Drift]:
    """Return what of a domain is otherwise than it is meant to be.

    Args:
        meant: As it was built from its record.
        defined: As libvirt will start it the next time.
        running: As it runs; None where it is off.
    """
    drift = _differences(_all_features(meant), _all_features(defined), is_live=False)
    if running is not None:
        # At its next boot it gets the rest anyhow.
        drift += _differences(live_features(meant), live_features(running), is_live=True)
    return drift


def live_features(tree: ET.Element) -> dict[str, str]:
    """Return what a running guest shows of what was meant, by name."""
    found = {"vcpus": _vcpus(tree), "memory_mb": str(_mebibytes(tree.find("memory")))}
    found["machine"] = _machine(tree)
    found.update((name, value) for name, value, _element in devices(tree))
    return found


def devices(tree: ET.Element) -> Iterator[tuple[str, str, ET.Element]]:
    """Yield the disks, interfaces and host devices of a domain: a name that stays, what it is like, and the element."""
    for disk in tree.iterfind("devices/disk"):
        target = disk.find("target")
        bus = "" if target is None else target.get("bus", "")
        yield DISK + _source(disk), bus, disk
    for nic in tree.iterfind("devices/interface"):
        mac, source, model = nic.find("mac"), nic.find("source"), nic.find("model")
        attributes = {} if source is None else source.attrib
        # A running one names its network and the bridge of that.
        where = attributes.get("network") or attributes.get("bridge") or attributes.get("dev") or nic.get("type", "")
        kind = "" if model is None else model.get("type", "")
        yield INTERFACE + ("" if mac is None else mac.get("address", "").lower()), f"{where} {kind}".strip(), nic
    for device in tree.iterfind("devices/hostdev"):
        address = device.find("source/address")
        numbers = {} if address is None else address.attrib
        place = ":".join(numbers.get(name, "") for name in ("domain", "bus", "slot", "function"))
        yield DEVICE + place, device.get("type", ""), device


def _all_features(tree: ET.Element) -> dict[str, str]:
    found = live_features(tree)
    found["current_memory_mb"] = str(_mebibytes(tree.find("currentMemory")) or _mebibytes(tree.find("memory")))
    cpu = tree.find("cpu")
    if cpu is not None:
        found["cpu"] = " ".join(filter(None, (cpu.get("mode", ""), cpu.findtext("model", ""))))
    title = tree.findtext("title")
    if title:
        found["title"] = title
    watchdog = tree.find("devices/watchdog")
    if watchdog is not None and watchdog.get("model") != DEFAULT_WATCHDOG:
        found["watchdog"] = f"{watchdog.get('model', '')} {watchdog.get('action', 'reset')}"
    return found


def _differences(meant: dict[str, str], found: dict[str, str], is_live: bool) -> list[Drift]:
    names = dict.fromkeys([*meant, *found])
    return [
        Drift(name, meant.get(name), found.get(name), is_live) for name in names if meant.get(name) != found.get(name)
    ]


def _vcpus(tree: ET.Element) -> str:
    element = tree.find("vcpu")
    most = "1" if element is None or not element.text else element.text.strip()
    current = most if element is None else element.get("current", most)
    return most if current == most else f"{current} of {most}"


def _machine(tree: ET.Element) -> str:
    """Return the family of the machine: libvirt makes ``q35`` the newest version that there is of it."""
    element = tree.find("os/type")
    machine = "" if element is None else element.get("machine", "")
    if machine.startswith("pc-q35"):
        return "q35"
    return "pc" if machine.startswith("pc-i440fx") else machine


def _source(disk: ET.Element) -> str:
    """Return what a disk is made of; of one that is empty, the name of its device."""
    source, target = disk.find("source"), disk.find("target")
    attributes = {} if source is None else source.attrib
    named = [attributes[key] for key in ("file", "dev", "name", "volume", "dir") if key in attributes]
    return named[0] if named else "" if target is None else target.get("dev", "")


def _mebibytes(element: Optional[ET.Element]) -> int:
    if element is None or not element.text:
        return 0
    return int(element.text) * UNITS.get(element.get("unit", "KiB"), 1 << 10) >> 20
