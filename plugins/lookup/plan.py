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
  hosts_from:
    description:
      - Plan for these hosts instead of those of O(group), as the path of a document or as its content. It is a snapshot
        that playbook C(novella.compute.audit) has saved, or a list of hosts written by hand. Of each it holds a host
        document, or C(host), C(vcpus), C(memory_mb), C(local_gb) and what else of a compute node is not as usual.
      - C(count) in an entry stands for so many equal hosts.
    type: raw
  prune:
    description:
      - Plan to delete the fleet's instances that it does not declare any more.
    type: bool
    default: false
  consent:
    description:
      - What may be done though it is felt. A V(restart) shuts a running guest down and starts it, where its flavor or
        its image's properties are declared otherwise. A V(rebuild) gives an instance a new root disk, where its image,
        its SSH keys or its user data are declared otherwise, and the data on the old one are lost. Without it, such an
        instance stays as it is, and the run fails at its end. The fleet may say it too, as C(allow).
      - With V(drift) what somebody has changed about a domain outside Novella is put right; what takes a restart of the
        guest wants V(restart) as well.
      - With V(delete_volume) O(prune) deletes the fleet's volumes, too, that it does not declare any more and that no
        instance has.
    type: list
    elements: str
    choices: [restart, rebuild, drift, delete_volume]
    default: []
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
    msg: "{{ lookup('novella.compute.plan', 'fleet.yml', hosts_from='snapshot.json') }}"
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
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import observe_hosts, read_fleet
from ansible_collections.novella.compute.plugins.plugin_utils.controller_lookup import read_options, speaking_ansible
from ansible_collections.novella.compute.plugins.plugin_utils.planner.planner import make_plan


class LookupModule(LookupBase):
    """The door to the planner."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        variables = variables or {}
        with speaking_ansible():
            read_options(self, variables, kwargs)
            hosts_from = self.get_option("hosts_from")
            group, observation = observe_hosts(hosts_from, self.get_option("group"), variables, self._templar)
            created_at, prune, consent = now(), self.get_option("prune"), self.get_option("consent")
            return [
                make_plan(
                    read_fleet(term, variables, self._templar, group),
                    observation,
                    created_at=created_at,
                    prune=prune,
                    consent=consent,
                ).as_document()
                for term in terms or [None]
            ]
