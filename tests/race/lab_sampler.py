# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Samples the lab's hosts: what libvirt has defined, and what each tracker.db has claimed, seen from this machine.

A program of its own, run by the machine's Python, which has the libvirt binding. Its argument is a JSON object of
[address, tracker.db] by host. It prints one JSON list of samples after the other until its input ends.
"""

import json
import select
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import libvirt

INTERVAL = 0.1
RESOURCES = ("vcpus", "memory_mb")


def read_claims(path):
    """Return sizes by uuid; nothing while there is no database yet, or no table in it."""
    if not Path(path).exists():
        return {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'claims'").fetchone():
            return {}
        rows = connection.execute(f"SELECT uuid, {', '.join(RESOURCES)} FROM claims")
        return {uuid: dict(zip(RESOURCES, sizes)) for uuid, *sizes in rows}


def read_domains(connection):
    """Return sizes by uuid, as libvirt has them."""
    found = {}
    for domain in connection.listAllDomains():
        try:
            _state, memory_kib, _balloon, vcpus, _time = domain.info()
        except libvirt.libvirtError:
            continue  # it has gone meanwhile
        found[domain.UUIDString()] = {"vcpus": vcpus, "memory_mb": memory_kib >> 10}
    return found


def main(hosts):
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    connections = {host: libvirt.open(f"qemu+tcp://{address}/system") for host, (address, _path) in hosts.items()}
    while not select.select([sys.stdin], [], [], INTERVAL)[0]:
        samples = []
        for host, (_address, path) in hosts.items():
            # Claims first: one that ends meanwhile has its domain by then.
            claims = read_claims(path)
            samples.append({"host": host, "claims": claims, "domains": read_domains(connections[host])})
        print(json.dumps(samples), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
