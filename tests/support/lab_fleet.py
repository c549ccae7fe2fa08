# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet on the lab, controllers that work on it in processes of their own, and what is left on its hosts."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from support.controllers import Controller, Ended, start

PARTS = {
    "version": "1.0",
    "flavors": {"tiny": {"vcpus": 1, "memory_mb": 128, "root_gb": 1}},
    "images": {"guest": {"source": "/srv/images/tiny.qcow2"}},
    "networks": {"front": {"libvirt_network": "default"}},
}
PREFIX = "broken"
POOL = "var/lib/libvirt/images"


@dataclass
class LabFleet:
    """A fleet file and the lab it is for.

    Args:
        options: Extra variables of every run.
    """

    lab: Any
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    # No two alike: what one test left reserved on a host that hung is not another's to wait for.
    name: str = field(default_factory=lambda: f"{PREFIX}{secrets.token_hex(3)}")
    controllers: list[Controller] = field(default_factory=list)

    def declare(self, parts: Any = None, **instances: dict[str, Any]) -> None:
        common = {"flavor": "tiny", "image": "guest", "networks": [{"network": "front"}]}
        bodies = {name: {**common, **body} for name, body in instances.items()}
        content = {**PARTS, **(parts or {}), "name": self.name, "instances": bodies}
        (self.folder / "fleet.yml").write_text(yaml.safe_dump(content))

    def start(self, playbook: str = "apply", inventory: Any = None, **extra_vars: Any) -> Controller:
        variables = {"fleet": str(self.folder / "fleet.yml"), **self.options, **extra_vars}
        self.controllers.append(start(playbook, inventory or self.lab.inventory, self.folder, **variables))
        return self.controllers[-1]

    def run(self, playbook: str = "apply", inventory: Any = None, **extra_vars: Any) -> Ended:
        ended = self.start(playbook, inventory, **extra_vars).wait()
        assert "Traceback" not in ended.text, ended.text
        return ended

    def apply(self, inventory: Any = None, **extra_vars: Any) -> Ended:
        ended = self.run("apply", inventory, **extra_vars)
        assert ended.code == 0, ended.text
        return ended

    def end(self) -> None:
        """Leave nothing behind: no controller that a failed test has not waited for, and no instance."""
        for controller in self.controllers:
            controller.stop()
        self.declare()
        self.apply(prune=True, consent="delete_volume")
        assert self.homes() == {}

    def homes(self) -> dict[str, str]:
        """By instance of this fleet: the host that has its domain. Hosts that are off have none to show."""
        found = [(name, host.name) for host in self.lab.hosts if host.is_on for name in self.on(host)]
        assert len({name for name, _host in found}) == len(found), f"twice: {found}"
        return dict(found)

    def on(self, host: Any) -> list[str]:
        return sorted(domains(host, fleet=self.name))

    def is_converged(self) -> bool:
        """Whether a run finds nothing to do, and everything is as declared."""
        ended = self.run()
        return ended.code == 0 and ended.changed == 0

    def inventory_with(self, host: str, **variables: Any) -> Path:
        """Return the lab's inventory with variables of one host besides."""
        folder = self.folder / "inventory"
        (folder / "host_vars").mkdir(parents=True)
        (folder / "hosts").symlink_to(self.lab.inventory / "hosts.yml")
        (folder / "group_vars").symlink_to(self.lab.inventory / "group_vars")
        (folder / "host_vars" / f"{host}.yml").write_text(yaml.safe_dump(variables))
        return folder


def domains(host: Any, state: str = "--all", fleet: str = PREFIX) -> list[str]:
    """Return the names of a fleet's instances on a host, or of all such fleets'."""
    names = host.virsh("list", state, "--name").split()
    return [name.partition(".")[2] for name in names if name.startswith(fleet)]


def running(host: Any) -> list[str]:
    return sorted(domains(host, "--state-running"))


def root_disks(host: Any) -> list[Path]:
    return sorted((host.files / POOL).glob("*.root.qcow2"))


def await_condition(condition: Callable[[], bool], what: str, timeout: float = 180) -> None:
    """Wait for something that is soon over, so look often. The timeout is for a machine that has much else to do."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not within {timeout:g} s: {what}"
        time.sleep(0.01)


def await_first_build(host: Any, before: list[Path]) -> None:
    """Return when a host that had these root disks is building its first instance."""
    await_condition(lambda: root_disks(host) != before, f"an instance is being built on {host.name}")
