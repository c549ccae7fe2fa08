# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts on which module runs are killed."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Action

# No plan asks for these, or not with all that they can be given: their options of module instance_action.
ASKED_BY_NAME = {
    "set_admin_password": {"admin_password": "correct horse"},
    "rescue": {"rescue_password": "correct horse"},
    "inject_network_info": {},
    "reset_network": {},
    "inject_file": {"path": "/etc/motd", "content": "hello"},
    "remove_volume_connection": {"volume": {"name": "data"}},
    "swap_volume": {"volume": {"name": "data"}, "new_volume": {"name": "moved"}},
}
# These have a module of their own: it, and its options.
BY_OTHER_MODULES: dict[str, tuple[str, dict[str, Any]]] = {
    "snapshot": ("instance_snapshot", {"snapshot": "before-upgrade"}),
    "backup": ("instance_snapshot", {"snapshot": "new", "backup_type": "daily", "rotation": 1}),
}
PROGRAM = Path(__file__).with_name("victims.py")


@dataclass(frozen=True)
class Outcome:
    """What became of a module run.

    Args:
        is_killed: Whether it died of SIGKILL.
        moments: How many moments it passed; the last is that of its death.
        moment: The name of that one.
        result: What the module returned, where it came to its end.
    """

    is_killed: bool
    moments: int
    moment: str = ""
    result: dict[str, Any] = field(default_factory=dict)


class Victims(contextlib.AbstractContextManager["Victims"]):
    """The program that runs modules in processes to kill; see victims.py.

    Args:
        command: What starts it.
        environment: Of the program.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            list(command), env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, module: str, arguments: Mapping[str, Any], at: int = 0) -> Outcome:
        """Run a module, and kill it at the moment of that number; 0 lets it live."""
        order = json.dumps({"module": module, "arguments": dict(arguments), "at": at})
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the program that runs modules ended with {self._process.poll()}"
        answer = json.loads(line)
        if answer["is_killed"]:
            return Outcome(True, answer["moments"], answer["moment"])
        assert answer["is_ended"], f"{module} crashed:\n{answer['output']}"
        said = [line for line in answer["output"].splitlines() if line.startswith("{")]
        assert said, f"{module} said no result:\n{answer['output']}"
        return Outcome(False, answer["moments"], result=json.loads(said[-1]))

    def __exit__(self, *exception: object) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


@dataclass(frozen=True)
class VictimHost:
    """One host, as its modules see it.

    Args:
        victims: Run its modules.
        options: Of its modules.
        state: Its state directory, as this process sees it.
    """

    victims: Victims
    options: Mapping[str, Any]
    state: Path

    def kill(self, at: int, actions: Sequence[Action]) -> Outcome:
        """Do a slice of a plan, and die at that moment; without actions the run only recovers and reads."""
        if not actions:
            return self.victims.run("compute_node_facts", self.options, at)
        module, arguments = self._order(actions)
        return self.victims.run(module, arguments, at)

    def reconcile(self, actions: Sequence[Action]) -> list[dict[str, Any]]:
        """Do a slice of a plan to its end."""
        module, arguments = self._order(actions)
        result = self.victims.run(module, {**arguments, "on_failure": "report"}).result
        assert "results" in result, result.get("msg", result)
        return result["results"]

    def _order(self, actions: Sequence[Action]) -> tuple[str, dict[str, Any]]:
        """Return the module that does the actions, and its options."""
        operation = actions[0].operation if len(actions) == 1 else ""
        if operation in ASKED_BY_NAME:
            asked = {"action": operation, "uuids": [actions[0].uuid], **ASKED_BY_NAME[operation]}
            return "instance_action", {**self.options, **asked}
        if operation in BY_OTHER_MODULES:
            module, asked = BY_OTHER_MODULES[operation]
            return module, {**self.options, "uuids": [actions[0].uuid], **asked}
        return "reconcile", {**self.options, "actions": [item.as_dict() for item in actions]}

    def audit(self) -> dict[str, Any]:
        """Recover from what died, and return the host's document."""
        result = self.victims.run("compute_node_facts", self.options).result
        assert "ansible_facts" in result, result.get("msg", result)
        return result["ansible_facts"]["novella_host"]

    def copy(self, state: Path) -> VictimHost:
        """Return a host whose state is a copy of this one's; for the fake driver, that is all of a host."""
        shutil.copytree(self.state, state)
        return VictimHost(self.victims, {**self.options, "state_path": str(state)}, state)
