# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmark does on the host itself: the bare libvirt-python contestant, and the untimed work around it.

Usage: bare_libvirt.py dump|devices|define|again|clear FOLDER [STATE [THREADS]]

A definition is a file FOLDER/NAME.xml, and STATE is running or shutoff. The
answer is one line of JSON.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import libvirt

URI = "qemu:///system"
STATES = {"running": libvirt.VIR_DOMAIN_RUNNING, "shutoff": libvirt.VIR_DOMAIN_SHUTOFF}


def dump(connection: Any, folder: Path) -> int:
    """Keep every domain's definition without Novella's record, and its disks under names of their own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for domain in connection.listAllDomains():
        definition = ET.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        definition.remove(definition.find("metadata"))
        for source in definition.findall("devices/disk/source"):
            disk = Path(source.get("file"))
            shutil.copy2(disk, folder / disk.name)
            source.set("file", str(folder / disk.name))
        (folder / f"{domain.name()}.xml").write_text(ET.tostring(definition, encoding="unicode"))
    return len(definitions(folder))


def definitions(folder: Path) -> dict[str, str]:
    """Return the definitions by the names of their domains."""
    return {path.stem: path.read_text() for path in sorted(folder.glob("*.xml"))}


def define(connection: Any, folder: Path, state: str, threads: int) -> int:
    """Define each domain and bring it to its state."""

    def make(definition: str) -> None:
        domain = connection.defineXML(definition)
        if state == "running":
            domain.create()

    wanted = definitions(folder)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(make, wanted.values()))
    return len(wanted)


def again(connection: Any, folder: Path, state: str) -> int:
    """Return how many domains are missing, defined otherwise or in another state."""
    present = {domain.name(): domain for domain in connection.listAllDomains()}
    return sum(
        name not in present or not is_as_wanted(present[name], definition, STATES[state])
        for name, definition in definitions(folder).items()
    )


def is_as_wanted(domain: Any, definition: str, state: int) -> bool:
    shown = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
    return domain.state()[0] == state and ET.canonicalize(shown, strip_text=True) == ET.canonicalize(
        definition, strip_text=True
    )


def clear(connection: Any, folder: Path) -> int:
    """Remove every domain; what is in the folder stays."""

    def remove(domain: Any) -> None:
        if domain.isActive():
            domain.destroy()
        domain.undefine()

    domains = connection.listAllDomains()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(remove, domains))
    return len(domains)


def devices(connection: Any) -> dict[str, list[int]]:
    """Return how many disks and NICs each domain has, and its MiB of memory; what is read-only holds no data of its."""
    counted = {}
    for domain in connection.listAllDomains():
        definition = ET.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
        disks = sum(disk.find("readonly") is None for disk in definition.findall("devices/disk"))
        counted[domain.name()] = [disks, len(definition.findall("devices/interface")), domain.maxMemory() // 1024]
    return counted


def main() -> None:
    command, folder, *rest = sys.argv[1:]
    began = time.monotonic()
    connection = libvirt.open(URI)
    arguments = [int(word) if word.isdigit() else word for word in rest]
    if command == "devices":
        print(json.dumps({"devices": devices(connection)}))
        return
    count = {"dump": dump, "define": define, "again": again, "clear": clear}[command](
        connection, Path(folder), *arguments
    )
    print(json.dumps({"count": count, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
