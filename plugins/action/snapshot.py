# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind module snapshot."""

from __future__ import annotations

from typing import Any

from ansible.utils.display import Display
from ansible_collections.novella.compute.plugins.module_utils.compute.clock import now
from ansible_collections.novella.compute.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import observe_hosts
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import write_snapshot
from ansible_collections.novella.compute.plugins.plugin_utils.planner.storage import check_path, write_document


class ActionModule(ControllerAction):
    """Save what all hosts said in this run."""

    SPEC = {  # noqa: RUF012
        "save_to": {"type": "str", "required": True},
        "group": {"type": "str"},
    }

    def act(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        path = arguments["save_to"]
        check_path(path)
        _group, observation = observe_hosts(None, arguments["group"], variables, self._templar)
        if self._task.check_mode:
            Display().display(f"Check mode: would write {path}.")
        else:
            write_document(path, write_snapshot(observation, now()))
        return {
            # A new reading is no change of anything, and the file is the reading's own.
            "changed": False,
            "path": path,
            "hosts": list(observation.reports),
            # Of a key "unreachable" Ansible would think that it is about the host of the task.
            "silent": dict(observation.unreachable),
        }
