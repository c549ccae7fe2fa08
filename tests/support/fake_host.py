# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host on the fake driver, with everything that acts on it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.novella.compute.plugins.module_utils.compute.host_options import HostOptions
from ansible_collections.novella.compute.plugins.module_utils.compute.manager import ComputeManager
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor, Image
from ansible_collections.novella.compute.plugins.module_utils.objects.instance import InstanceSpec
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import SETTINGS_FILE, FakeDriver

IMAGE = Image("tiny", "/srv/images/tiny.qcow2")


@dataclass
class FakeHost:
    """One host; `manager()` is what a new module run would have."""

    path: Path
    options: HostOptions
    db: TrackerDB
    driver: FakeDriver

    def manager(self) -> ComputeManager:
        manager = ComputeManager(self.options, self.driver, self.db)
        manager.init_host()
        return manager

    def settings(self, **settings: Any) -> None:
        (self.path / SETTINGS_FILE).write_text(json.dumps(settings))

    def reconcile(self, *actions: Action) -> list[dict[str, Any]]:
        return self.manager().reconcile(actions, {})


@pytest.fixture
def host(tmp_path: Path) -> Iterator[FakeHost]:
    options = HostOptions(host="kvm1", driver="fake", state_path=str(tmp_path), reserved_host_memory_mb=0)
    db = TrackerDB(str(tmp_path))
    yield FakeHost(tmp_path, options, db, FakeDriver("kvm1", str(tmp_path), db))
    db.close()


def create(name: str, vcpus: int = 1, memory_mb: int = 512, **changes: Any) -> Action:
    spec = InstanceSpec(name, Flavor("some", vcpus, memory_mb, 1), IMAGE)
    action = Action(
        "create", f"uuid-of-{name}", name, "kvm1", "is declared but on no host", spec=spec, vm_state="active"
    )
    return action.but(**changes)


def act(operation: str, name: str, **changes: Any) -> Action:
    return Action(operation, f"uuid-of-{name}", name, "kvm1", "a test wants it").but(**changes)
