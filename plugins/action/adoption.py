# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.utils.display import Display
from ansible_collections.novella.compute.plugins.module_utils.compute.adopting import AdoptionOrder
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid
from ansible_collections.novella.compute.plugins.plugin_utils.controller_action import ControllerAction
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import (
    observe_hosts,
    read_fleet,
    read_group,
    to_plain,
)
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.fleet import Fleet
from ansible_collections.novella.compute.plugins.plugin_utils.planner.action_table import (
    Outcome,
    draw_results,
    gather_results,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.adoption import (
    choose_domains,
    entry_of,
    new_flavors,
)
from ansible_collections.novella.compute.plugins.plugin_utils.planner.adoption_fragment import (
    draw_fragment,
    join_fragment,
    read_fragment,
    write_fragment,
)

# The name under which the playbook registers.
ANSWERS = "novella_instance_adopt"
FIT = ("done", "unchanged", "planned")


class ActionModule(ControllerAction):
    """Choose the domains to adopt; afterwards, tell what came of it, and declare what was adopted."""

    SPEC = {  # noqa: RUF012
        "fleet": {"type": "raw"},
        "group": {"type": "str"},
        "domains": {"type": "list", "elements": "str", "default": []},
        "host": {"type": "str"},
        "instance": {"type": "str"},
        "fragment_to": {"type": "str"},
        "chosen": {"type": "dict"},
    }

    def act(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        if arguments["fragment_to"]:
            # Said before anything is done.
            read_fragment(arguments["fragment_to"])
        if arguments["chosen"]:
            return self._tell(arguments, variables)
        group, observation = observe_hosts(None, arguments["group"], variables, self._templar)
        fleet = read_fleet(arguments["fleet"], variables, self._templar, group)
        choice = choose_domains(fleet, observation, arguments["domains"], arguments["host"], arguments["instance"])
        orders = {host: [order.as_dict(sparse=True) for order in found] for host, found in choice.orders.items()}
        refusals = [refusal.tell() for refusal in choice.refusals]
        return {"changed": False, "orders": orders, "refusals": refusals, "silent": dict(observation.unreachable)}

    def _tell(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        group = read_group(arguments["group"], variables, self._templar)
        fleet = read_fleet(arguments["fleet"], variables, self._templar, group)
        chosen = arguments["chosen"]
        outcome = gather_results({host: _answer(host, variables) for host in chosen["orders"]}, [], [])
        complaints = [*outcome.complaints(), *chosen["refusals"]]
        complaints += [f"{host} did not answer: {reason}" for host, reason in chosen["silent"].items()]
        Display().display(draw_results(outcome))
        path = arguments["fragment_to"]
        before = read_fragment(path) if path else {}
        fragment = _declare(fleet, chosen["orders"], outcome, before)
        old, new = draw_fragment(before), draw_fragment(fragment)
        changed = bool(path) and old != new
        if changed and not self._task.check_mode:
            write_fragment(path, new)
        if new and not path:
            Display().display(f"\n{new}")
        result: dict[str, Any] = {
            "changed": changed,
            "results": outcome.results,
            "fragment": fragment if new else {},
            "complaints": complaints,
        }
        if self._task.diff and path:
            result["diff"] = {"before_header": path, "after_header": path, "before": old, "after": new}
        # A host that is silent is told of; it says nothing against what was adopted on others.
        fatal = [*outcome.complaints(), *chosen["refusals"]]
        if fatal:
            return {**result, "failed": True, "msg": "\n".join(complaints)}
        return {**result, "warnings": complaints} if complaints else result


def _answer(host: str, variables: Mapping[str, Any]) -> Optional[dict[str, Any]]:
    """Return what is read of an answer. The rest of a failed one is Ansible's own, and no plain data."""
    answer = variables["hostvars"].raw_get(host).get(ANSWERS)
    if answer is None:
        return None
    return {key: to_plain(answer[key], key) for key in ("results", "msg") if key in answer}


def _declare(fleet: Fleet, orders: Mapping[str, Any], outcome: Outcome, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fragment with what was adopted and is not declared yet."""
    known = {entry.adopted for entry in fleet.instances.values()}
    specs = {}
    for host, found in orders.items():
        for item in found:
            order = AdoptionOrder.from_dict(item, f"chosen.orders.{host}")
            specs[order.uuid] = order.spec
    adopted = [item for item in outcome.results if item["status"] in FIT and item["uuid"] not in known]
    taken = {entry.get("adopted") for entry in (before.get("instances") or {}).values() if isinstance(entry, dict)}
    adopted = [item for item in adopted if item["uuid"] not in taken]
    for item in adopted:
        if item["name"] in (before.get("instances") or {}):
            raise OptionInvalid(
                f"The file has another instance '{item['name']}'.", "Take it out, or name another file."
            )
    instances = {item["name"]: entry_of(specs[item["uuid"]], item["uuid"], item["after"]) for item in adopted}
    flavors = new_flavors(fleet, [specs[item["uuid"]] for item in adopted])
    return join_fragment(before, fleet.version, flavors, instances)
