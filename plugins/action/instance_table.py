# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind module instance_table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.utils.display import Display
from ansible_collections.novella.compute.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import read_group, to_plain
from ansible_collections.novella.compute.plugins.plugin_utils.planner.instance_table import draw_table, gather

# The name under which the playbook registers.
INFO = "novella_instance_info"


class ActionModule(ControllerAction):
    """Show the instances of all hosts."""

    SPEC = {  # noqa: RUF012
        "group": {"type": "str"},
        "history": {"type": "bool", "default": False},
    }

    def act(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        group = read_group(arguments["group"], variables, self._templar)
        hosts = variables["groups"][group]
        said = {str(host): variables["hostvars"].raw_get(host).get(INFO) for host in hosts}
        told = gather({host: _plain(answer) for host, answer in said.items()})
        Display().display(draw_table(told, arguments["history"]))
        return {"changed": False, "instances": told.instances, "silent": told.silent}


def _plain(answer: Optional[Mapping[str, Any]]) -> Optional[dict[str, Any]]:
    """Return what is read of an answer. The rest of a failed one is Ansible's own, and no plain data."""
    if answer is None:
        return None
    keys = ("instances", "lost", "absent", "msg")
    return {key: to_plain(answer[key], key) for key in keys if key in answer}
