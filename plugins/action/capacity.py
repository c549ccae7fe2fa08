# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind module capacity."""

from __future__ import annotations

from typing import Any

from ansible.utils.display import Display
from ansible_collections.novella.compute.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import observe_hosts, read_fleet
from ansible_collections.novella.compute.plugins.plugin_utils.planner.capacity import fleet_capacity
from ansible_collections.novella.compute.plugins.plugin_utils.planner.tables import capacity_table


class ActionModule(ControllerAction):
    """Count how many more instances of each flavor fit."""

    SPEC = {  # noqa: RUF012
        "fleet": {"type": "raw"},
        "flavors": {"type": "list", "elements": "raw"},
        "request": {"type": "dict", "default": {}},
        "limit": {"type": "int", "default": 10000},
        "group": {"type": "str"},
        "hosts_from": {"type": "raw"},
    }

    def act(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        group, observation = observe_hosts(arguments["hosts_from"], arguments["group"], variables, self._templar)
        fleet = read_fleet(arguments["fleet"], variables, self._templar, group)
        flavors = arguments["flavors"] if arguments["flavors"] is not None else list(fleet.flavors)
        counted = fleet_capacity(fleet, observation, flavors, arguments["request"], arguments["limit"])
        Display().display(capacity_table(counted))
        return {"changed": False, "capacity": [item.as_dict() for item in counted]}
