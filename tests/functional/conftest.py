# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets of hosts on the fake driver, reached over local connections."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.novella.compute.plugins.module_utils.compute.tracker_db import TrackerDB
from ansible_collections.novella.compute.plugins.module_utils.virt.fake import SETTINGS_FILE, FakeDriver
from support.playbooks import Outcome, run_playbook
from support.warm_python import warm_python

FLEET = {
    "version": "1.0",
    "name": "test",
    "flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1}},
    "images": {"tiny": {"source": "/srv/images/tiny.qcow2"}},
    "networks": {"front": {"libvirt_network": "default"}},
}


@dataclass
class Site:
    """An inventory of fake hosts and a folder for fleets and plans."""

    folder: Path
    names: list[str]

    @property
    def inventory(self) -> Path:
        return self.folder / "hosts.yml"

    def write_fleet(self, instances: dict[str, Any], **parts: Any) -> Path:
        path = self.folder / "fleet.yml"
        common = {"flavor": "small", "image": "tiny"}
        content = {**FLEET, **parts, "instances": {name: {**common, **body} for name, body in instances.items()}}
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    def write_text(self, text: str, name: str = "fleet.yml") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def settings(self, host: str, **settings: Any) -> None:
        (self.state_path(host) / SETTINGS_FILE).write_text(json.dumps(settings))

    def state_path(self, host: str) -> Path:
        return self.folder / "state" / host

    def driver(self, host: str) -> FakeDriver:
        """What a person at the host would use instead of virsh."""
        path = str(self.state_path(host))
        return FakeDriver(host, path, TrackerDB(path))

    def domains(self) -> dict[str, dict[str, str]]:
        """By host: domain name to power state."""
        return {
            name: {domain.name: domain.power_state for domain in self.driver(name).list_domains()}
            for name in self.names
        }

    def run(self, playbook: str, *options: str, **extra_vars: Any) -> Outcome:
        extra_vars.setdefault("fleet", str(self.folder / "fleet.yml"))
        return run_playbook(playbook, *options, inventory=self.inventory, **extra_vars)


@pytest.fixture(scope="session")
def interpreter() -> Iterator[Path]:
    """The Python of fake hosts."""
    with warm_python() as path:
        yield path


@pytest.fixture
def make_site(tmp_path: Path, interpreter: Path) -> Iterator[Any]:
    """Make a site of so many hosts, each with room for 8 vCPUs times 4 and 7,680 MB."""

    def make(count: int = 3, **host_variables: Any) -> Site:
        names = [f"kvm{number}" for number in range(1, count + 1)]
        hosts = {
            name: {
                "ansible_connection": "local",
                "ansible_python_interpreter": str(interpreter),
                "novella_driver": "fake",
                "novella_state_path": str(tmp_path / "state" / name),
                **host_variables,
            }
            for name in names
        }
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"compute": {"hosts": hosts}}))
        for name in names:
            (tmp_path / "state" / name).mkdir(parents=True)
        return Site(tmp_path, names)

    return make
