# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Claims on the host that this runs on, as a module run makes them.

Usage: claim_load.py fake|libvirt STATE_PATH PRESENT CLAIMS

With the fake driver, PRESENT instances are made first in STATE_PATH. The answer is one line of JSON: seconds for CLAIMS
claims, each in a transaction of its own, and for as many in one transaction.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.compute.hardware_claims import Claimant
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.resource_tracker import ResourceTracker
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import Instance, InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import SETTINGS_FILE, FakeDriver

# Room for all of them, on whatever machine this is.
RATIO = 100000.0


def main() -> None:
    kind, state_path, present, claims = sys.argv[1:]
    with contextlib.closing(TrackerDB(state_path)) as db:
        db.open()
        options = HostOptions(
            host="bench1", state_path=state_path, cpu_allocation_ratio=RATIO, disk_allocation_ratio=RATIO
        )
        driver = make_driver(kind, state_path, db, int(present))
        tracker = ResourceTracker(options, driver, db)
        wanted = [make_claimant(f"claim-{number}") for number in range(int(claims))]
        # libvirt's facts are read once in a run.
        claim(tracker, [make_claimant("first")])
        answer = {
            "present": len(driver.list_domains()),
            "single": timed(lambda: [claim(tracker, [item]) for item in wanted], tracker, wanted),
            "batch": timed(lambda: claim(tracker, wanted), tracker, wanted),
        }
        tracker.drop_claim("first")
    print(json.dumps(answer))


def make_driver(kind: str, state_path: str, db: Any, present: int) -> Any:
    if kind == "libvirt":
        from ansible_collections.novella.compute.plugins.module_utils.virt.libvirt.driver import LibvirtDriver

        return LibvirtDriver()
    driver = FakeDriver("bench1", state_path, db)
    (db.path.parent / SETTINGS_FILE).write_text(json.dumps({"resources": {"memory_mb": 1 << 20}}))
    for number in range(present):
        driver.define(make_claimant(f"guest-{number}").instance)
    return driver


def make_claimant(name: str) -> Claimant:
    spec = InstanceSpec(name, Flavor("tiny", 1, 1), Image("none", "/srv/none.qcow2"))
    return Claimant(Instance(name, spec, "stopped"), {})


def claim(tracker: Any, wanted: list[Any]) -> None:
    refused = [fault for fault in tracker.instance_claims(wanted).values() if fault is not None]
    if refused:
        raise refused[0]


def timed(work: Any, tracker: Any, wanted: list[Any]) -> float:
    """Return the seconds that it takes; what it has claimed is given back."""
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    for item in wanted:
        tracker.drop_claim(item.instance.uuid)
    return seconds


if __name__ == "__main__":
    main()
