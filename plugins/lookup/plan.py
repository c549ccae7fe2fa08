# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: plan
author: The Novella team (@novella-compute)
version_added: 0.1.0
short_description: Say what would make the compute nodes hold what a fleet declares
description:
  - Returns the plan document for each fleet. Nothing is touched, printed or written; for that there is the module of
    the same name.
options:
  _terms:
    description:
      - Fleets, each as the path of a file or of a folder of files, or as a mapping. The inventory variable
        C(novella_fleet) is merged with each.
      - Without any, the inventory variable alone is planned.
    type: list
    elements: raw
    required: false
  group:
    description:
      - The inventory group of the compute nodes, whose audits of this run are read. Left out, it is the variable
        C(novella_group), or C(compute).
    type: str
  snapshot:
    description:
      - Plan from this snapshot instead of the hosts of O(group), as the path of a document or as the document itself.
    type: raw
  prune:
    description:
      - Plan to delete the fleet's instances that it does not declare any more.
    type: bool
    default: false
seealso:
  - module: novella.compute.plan
"""

EXAMPLES = r"""
- name: How many instances would be created?
  ansible.builtin.debug:
    msg: "{{ plan.actions | selectattr('operation', 'eq', 'create') | length }}"
  vars:
    plan: "{{ lookup('novella.compute.plan', 'fleet.yml') }}"

- name: What would this fleet do to the hosts of a bug report?
  ansible.builtin.debug:
    msg: "{{ lookup('novella.compute.plan', 'fleet.yml', snapshot='snapshot.json') }}"
"""

RETURN = r"""
_raw:
  description: One plan document per fleet; see RV(novella.compute.plan#module:plan).
  type: list
  elements: dict
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.novella.compute.plugins.module_utils.compute.clock import now
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import (
    read_answers,
    read_fleet,
    read_group,
    to_plain,
)
from ansible_collections.novella.compute.plugins.plugin_utils.controller_lookup import read_options, speaking_ansible
from ansible_collections.novella.compute.plugins.plugin_utils.planner.answers import observe_answers
from ansible_collections.novella.compute.plugins.plugin_utils.planner.observation import Observation, read_snapshot
from ansible_collections.novella.compute.plugins.plugin_utils.planner.planner import make_plan
from ansible_collections.novella.compute.plugins.plugin_utils.planner.storage import read_document


class LookupModule(LookupBase):
    """The door to the planner."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        variables = variables or {}
        with speaking_ansible():
            read_options(self, variables, kwargs)
            group, observation = self._observe(variables)
            created_at, prune = now(), self.get_option("prune")
            return [
                make_plan(
                    read_fleet(term, variables, self._templar, group), observation, created_at=created_at, prune=prune
                ).as_document()
                for term in terms or [None]
            ]

    def _observe(self, variables: dict[str, Any]) -> tuple[str, Observation]:
        snapshot = to_plain(self.get_option("snapshot"), "snapshot")
        if snapshot is None:
            group = read_group(self.get_option("group"), variables, self._templar)
            return group, observe_answers(read_answers(group, variables))
        document = read_document(snapshot) if isinstance(snapshot, str) else snapshot
        if not isinstance(document, dict):
            raise InvalidInput(f"snapshot must be a path or a document, not {type(document).__name__}.")
        return str(self.get_option("group") or ""), read_snapshot(document)
