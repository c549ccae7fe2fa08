# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: adoption
short_description: Choose domains to adopt, and declare them
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Without O(chosen), it goes through the audits of this run and says which domains become which instances of the
    fleet, for M(novella.compute.instance_adopt) on their hosts. It names those that cannot, and why.
  - With O(chosen), it tells what came of it on all hosts, and writes or shows the part of a fleet that declares what
    was adopted. It fails where a domain was not adopted.
  - A domain is given the flavor of the fleet that has its size, or one of its own. Its size counts on its host from
    then on as that of any instance.
  - It runs on the controller, once for all hosts.
extends_documentation_fragment:
  - novella.compute.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  fleet:
    description:
      - The fleet that they shall belong to, as in M(novella.compute.plan).
    type: raw
  group:
    description:
      - The inventory group of the compute nodes. Left out, it is the variable C(novella_group), or C(compute).
    type: str
  domains:
    description:
      - Names of domains, shell patterns of them, or UUIDs.
      - What was adopted before is left as it is.
    type: list
    elements: str
    default: []
  host:
    description:
      - Only the domains of this host.
    type: str
  instance:
    description:
      - What the one domain that is meant is called in the fleet. Left out, each is called as its domain.
    type: str
  fragment_to:
    description:
      - A YAML file in which what was adopted is declared. In the fleet's folder it becomes part of the fleet. What it
        holds already is kept.
      - Left out, it is shown.
    type: str
  chosen:
    description:
      - The result of this module without this option.
    type: dict
seealso:
  - module: novella.compute.instance_adopt
"""

EXAMPLES = r"""
- name: Choose what to adopt
  novella.compute.adoption:
    fleet: fleet.yml
    domains: ["legacy-*"]
  register: novella_adoption
  run_once: true

- name: Adopt it
  novella.compute.instance_adopt:
    orders: "{{ novella_adoption.orders[inventory_hostname] }}"
    on_failure: report
  when: inventory_hostname in novella_adoption.orders
  register: novella_instance_adopt

- name: Declare it
  novella.compute.adoption:
    fleet: fleet.yml
    chosen: "{{ novella_adoption }}"
    fragment_to: adopted.yml
  run_once: true
"""

RETURN = r"""
orders:
  description: By host, what is to be adopted there.
  returned: without O(chosen)
  type: dict
refusals:
  description: What cannot be adopted, and why.
  returned: without O(chosen)
  type: list
  elements: str
silent:
  description: Why hosts did not answer, by host.
  returned: without O(chosen)
  type: dict
results:
  description: What was adopted, by name; see RV(novella.compute.instance_adopt#module:results).
  returned: with O(chosen)
  type: list
  elements: dict
fragment:
  description: What declares them; with O(fragment_to), all that the file holds.
  returned: with O(chosen)
  type: dict
  sample:
    version: "1.0"
    flavors: {adopted-2x2048-20: {vcpus: 2, memory_mb: 2048, root_gb: 20}}
    instances: {mail: {adopted: 6ba7b811-9dad-51d1-80b4-00c04fd430c8, flavor: adopted-2x2048-20, vm_state: active}}
complaints:
  description: What a user must know, what was refused and who did not answer.
  returned: with O(chosen)
  type: list
  elements: str
"""
