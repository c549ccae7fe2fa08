# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: capacity
author: The Novella team (@novella-compute)
version_added: 0.1.0
short_description: Count how many more instances fit, and say what stops the next one
description:
  - Places instances of a flavor, one after the other and on paper only, until one fits nowhere. Nothing is touched.
  - Each flavor is counted by itself, with all the room that there is. What the fleet declares and is not there yet is
    placed first, so that it is room beside the fleet.
options:
  _terms:
    description:
      - Names of the fleet's flavors, or flavors as mappings with C(name), C(vcpus), C(memory_mb) and what else a flavor
        has. Without any, all of the fleet's are counted.
    type: list
    elements: raw
    required: false
  fleet:
    description:
      - The fleet, as the path of a file or of a folder of files, or as a mapping. Its flavors, aggregates, server
        groups and scheduler options count. The inventory variable C(novella_fleet) is merged with it.
      - Without either, flavors are counted on the hosts as they are, with the default options.
    type: raw
  request:
    description:
      - What each instance asks for besides its flavor, with the keys of a placement request, such as
        C(availability_zone), C(server_group), C(image) and C(where). A server group or an image may be the name of one
        of the fleet's.
    type: dict
    default: {}
  limit:
    description:
      - Where to stop counting.
    type: int
    default: 10000
  group:
    description:
      - The inventory group of the compute nodes, whose audits of this run are read. Left out, it is the variable
        C(novella_group), or C(compute).
    type: str
  hosts_from:
    description:
      - Count on these hosts instead of those of O(group), as the path of a document or as its content; see
        O(novella.compute.plan#lookup:hosts_from).
    type: raw
seealso:
  - module: novella.compute.capacity
  - plugin: novella.compute.scheduler
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: How many more small instances fit?
  ansible.builtin.debug:
    msg: "{{ lookup('novella.compute.capacity', 'small', fleet='fleet.yml').total }}"

- name: How many would fit on two hosts that are yet to be bought, with two on each at most?
  ansible.builtin.debug:
    msg: "{{ lookup('novella.compute.capacity', flavor, request=request, hosts_from=hosts) }}"
  vars:
    flavor: {name: database, vcpus: 8, memory_mb: 16384, root_gb: 100}
    request: {server_group: {name: db, policy: anti-affinity, max_server_per_host: 2}}
    hosts: [{host: new, count: 2, vcpus: 32, memory_mb: 131072, local_gb: 2000}]
"""

RETURN = r"""
_raw:
  description: One entry per flavor; see RV(novella.compute.capacity#module:capacity).
  type: list
  elements: dict
"""

from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import (
    has_fleet,
    observe_hosts,
    read_fleet,
    to_plain,
)
from ansible_collections.novella.compute.plugins.plugin_utils.controller_lookup import read_options, speaking_ansible
from ansible_collections.novella.compute.plugins.plugin_utils.fleet.fleet import Fleet
from ansible_collections.novella.compute.plugins.plugin_utils.planner.capacity import fleet_capacity


class LookupModule(LookupBase):
    """The door to the count of what fits."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        variables = variables or {}
        with speaking_ansible():
            read_options(self, variables, kwargs)
            group, observation = observe_hosts(
                self.get_option("hosts_from"), self.get_option("group"), variables, self._templar
            )
            source, fleet = self.get_option("fleet"), Fleet()
            if not terms or has_fleet(source, variables, group):
                fleet = read_fleet(source, variables, self._templar, group)
            flavors = to_plain(terms, "the flavors") or list(fleet.flavors)
            request = to_plain(self.get_option("request"), "request")
            counted = fleet_capacity(fleet, observation, flavors, request, self.get_option("limit"))
            return [item.as_dict() for item in counted]
