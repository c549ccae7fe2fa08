# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many fake hosts on this machine, with instances on them, reached over local connections."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import yaml
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid, mac_address
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image, NetworkRequest
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import FakeDriver


def make_fleet(folder: Path, hosts: int, instances: int) -> Path:
    """Make hosts with so many running instances each, and return their inventory."""
    names = [f"fake{number}" for number in range(1, hosts + 1)]
    for name in names:
        _furnish(folder / name, name, instances)
    variables = {
        name: {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "novella_driver": "fake",
            "novella_state_path": str(folder / name),
        }
        for name in names
    }
    inventory = folder / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"compute": {"hosts": variables}}))
    return inventory


def _furnish(state: Path, host: str, instances: int) -> None:
    with contextlib.closing(TrackerDB(str(state))) as db:
        options = HostOptions(host=host, driver="fake", state_path=str(state))
        manager = ComputeManager(options, FakeDriver(host, str(state), db), db)
        results = manager.reconcile([_create(host, f"{host}-guest-{number}") for number in range(instances)], {})
        if any(result["status"] != "done" for result in results):
            raise RuntimeError(results)


def _create(host: str, name: str) -> Action:
    uuid = instance_uuid("bench", "default", name)
    nic = NetworkRequest("front", mac_address(uuid, 0), libvirt_network="default")
    spec = InstanceSpec(name, Flavor("tiny", 1, 128, 1), Image("none", "/srv/none.qcow2"), "bench", networks=[nic])
    return Action("create", uuid, name, host, "is measured", spec=spec, vm_state="active")
