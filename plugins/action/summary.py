# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind module summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ansible.utils.display import Display
from ansible_collections.novella.compute.plugins.module_utils.objects.plan import Plan
from ansible_collections.novella.compute.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import (
    observe_hosts,
    read_answers,
    read_group,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.answers import observe_answers
from ansible_collections.novella.compute.plugins.plugin_utils.planner.attempts import Failure, close_attempt
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation
from ansible_collections.novella.compute.plugins.plugin_utils.planner.outcome import (
    closing_rows,
    expected_rows,
    fail,
    list_instances,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.outlook import foresee
from ansible_collections.novella.compute.plugins.plugin_utils.planner.tables import closed_hosts, instance_table


class ActionModule(ControllerAction):
    """Show where every instance is, and fail where something is not as declared."""

    SPEC = {  # noqa: RUF012
        "plan": {"type": "dict", "required": True},
        "group": {"type": "str"},
        "hosts_from": {"type": "raw"},
        "picture": {"type": "bool", "default": False},
        "svg_to": {"type": "str"},
    }

    def act(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        if arguments["hosts_from"] is not None:
            return self._tell_simulated(arguments, variables)
        answers = read_answers(read_group(arguments["group"], variables, self._templar), variables)
        observation = observe_answers(answers)
        stock = close_attempt(arguments["plan"], answers)
        plan = Plan.from_document(arguments["plan"]["plan"])
        instances = list_instances(observation, plan.fleet)
        failures = stock.failures + stock.retry
        if self._task.check_mode:
            failures = [Failure.from_dict(item) for item in arguments["plan"]["failures"]]
            rows = expected_rows(instances, plan)
        else:
            rows = closing_rows(instances)
        return self._tell(arguments, observation, instances, rows, failures)

    def _tell_simulated(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        """Tell what would be: nothing of the plan was done, and the map shows the hosts as it would leave them."""
        _group, observation = observe_hosts(arguments["hosts_from"], None, variables, self._templar)
        plan = Plan.from_document(arguments["plan"]["plan"])
        rows = expected_rows(list_instances(observation, plan.fleet), plan)
        later = foresee(observation, plan)
        failures = [Failure.from_dict(item) for item in arguments["plan"]["failures"]]
        return self._tell(arguments, later, list_instances(later, plan.fleet), rows, failures)

    def _tell(
        self,
        arguments: dict[str, Any],
        observation: Observation,
        instances: list[dict[str, Any]],
        rows: list[list[str]],
        failures: list[Failure],
    ) -> dict[str, Any]:
        if rows:
            Display().display(instance_table(rows))
        if observation.closed:
            Display().display(closed_hosts(observation.closed))
        self._draw(observation, arguments)
        counts = self._count(instances, failures)
        if failures:
            # Ansible prints a failed result in full; the table was printed above.
            return {**fail(failures), "counts": counts, "closed": observation.closed}
        return {
            "changed": False,
            "instances": instances,
            "failures": [],
            "counts": counts,
            "closed": observation.closed,
        }

    def _draw(self, observation: Observation, arguments: dict[str, Any]) -> None:
        zones = arguments["plan"].get("availability_zones", {})
        # Most runs draw nothing, and do without loading what draws.
        if arguments["picture"]:
            from ansible_collections.novella.compute.plugins.plugin_utils.planner.picture import draw

            Display().display(draw(observation, zones))
        if arguments["svg_to"] and self._task.check_mode:
            Display().display(f"Check mode: would write {arguments['svg_to']}.")
        elif arguments["svg_to"]:
            from ansible_collections.novella.compute.plugins.plugin_utils.planner.storage import write_text
            from ansible_collections.novella.compute.plugins.plugin_utils.planner.svg import draw_svg

            write_text(arguments["svg_to"], draw_svg(observation, zones), 0o644)

    def _count(self, instances: Sequence[dict[str, Any]], failures: Sequence[Failure]) -> dict[str, int]:
        states = Counter(item["vm_state"] for item in instances)
        return {"instances": len(instances), "failed": len(failures), **dict(sorted(states.items()))}
