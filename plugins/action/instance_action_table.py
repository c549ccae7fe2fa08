# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.utils.display import Display
from ansible_collections.novella.compute.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import read_group, to_plain
from ansible_collections.novella.compute.plugins.plugin_utils.planner.action_table import draw_results, gather_results

# The name under which the playbook registers.
ANSWERS = "novella_instance_action"


class ActionModule(ControllerAction):
    """Show what came of it."""

    SPEC = {  # noqa: RUF012
        "group": {"type": "str"},
        "names": {"type": "list", "elements": "str", "default": []},
        "uuids": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        group = read_group(arguments["group"], variables, self._templar)
        said = {str(host): variables["hostvars"].raw_get(host).get(ANSWERS) for host in variables["groups"][group]}
        answers = {host: _plain(answer) for host, answer in said.items()}
        outcome = gather_results(answers, arguments["names"], arguments["uuids"])
        Display().display(draw_results(outcome))
        result = {
            "changed": False,
            "results": outcome.results,
            "missing": outcome.missing,
            "silent": outcome.silent,
        }
        complaints = outcome.complaints()
        return {**result, "failed": True, "msg": "\n".join(complaints)} if complaints else result


def _plain(answer: Optional[Mapping[str, Any]]) -> Optional[dict[str, Any]]:
    """Return what is read of an answer. The rest of a failed one is Ansible's own, and no plain data."""
    if answer is None:
        return None
    return {key: to_plain(answer[key], key) for key in ("results", "msg") if key in answer}
