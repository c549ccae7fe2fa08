# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests with three disks and two NICs: how Novella is told of them, and whether a host has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from one_host_lab import IMAGE, BenchHost
from playbook_run import BenchmarkFailed

MEMORY_MB, ROOT_GB, VOLUME_GB = 16, 1, 1
DISKS, NICS = 3, 2
# Every host of a lab has it.
LIBVIRT_NETWORK = "default"


def apply_arguments(host: BenchHost, scratch: Path, count: int, vm_state: str) -> list[str]:
    """Return the arguments of ansible-playbook that have so many guests, and write the fleet that they name."""
    guest: dict[str, Any] = {
        "count": count,
        "flavor": "blank",
        "image": "blank",
        "vm_state": vm_state,
        "networks": [{"network": "front"} for _nic in range(NICS)],
        "volumes": [{"size_gb": VOLUME_GB, "delete_on_termination": True} for _disk in range(DISKS - 1)],
    }
    fleet = {
        "version": "1.0",
        "name": "bench",
        "flavors": {"blank": {"vcpus": 1, "memory_mb": MEMORY_MB, "root_gb": ROOT_GB}},
        "images": {"blank": {"source": str(IMAGE)}},
        "networks": {"front": {"libvirt_network": LIBVIRT_NETWORK}},
        "instances": {"guest": guest},
    }
    path = scratch / f"fleet-{count}-{vm_state}.yml"
    path.write_text(yaml.safe_dump(fleet, sort_keys=False))
    options = ["-i", str(host.inventory), "-e", f"fleet={path}"]
    return ["novella.compute.apply", *options, *(["-e", "prune=true"] if count == 0 else [])]


def expect_devices(host: BenchHost, count: int, state: str) -> None:
    """See that so many domains are there, and that each has all its disks and NICs."""
    host.expect(count, state)
    devices = host.bare("devices", "-")["devices"]
    if devices != {name: [DISKS, NICS, MEMORY_MB] for name in devices} or len(devices) != count:
        raise BenchmarkFailed(f"Not all have {DISKS} disks, {NICS} NICs and {MEMORY_MB} MB of memory: {devices}")
