# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: summary
short_description: Show where every instance of a fleet is, and fail for what is not as declared
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Ends an apply. It prints a table of all instances of the fleet with their host, state and addresses, from the
    documents that the hosts returned last.
  - It fails when something failed in any attempt or could not be placed, and names each such thing. All else was done
    by then.
  - It runs on the controller, once for all hosts.
extends_documentation_fragment:
  - novella.compute.attributes
attributes:
  check_mode:
    support: full
    details: The table says what would be done. The file named by O(svg_to) is not written.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  plan:
    description:
      - The registered result of the last M(novella.compute.plan).
    type: dict
    required: true
  group:
    description:
      - The inventory group of the compute nodes. Left out, it is the variable C(novella_group), or C(compute).
    type: str
  hosts_from:
    description:
      - What the plan was made from, where that were no hosts of this run; see
        O(novella.compute.plan#module:hosts_from). The table says what would be done, and the map shows the hosts as
        they would be then.
    type: raw
  picture:
    description:
      - Print a map of the fleet as well, with a box per host.
    type: bool
    default: false
  svg_to:
    description:
      - Save a map of the fleet as SVG at this path.
    type: str
seealso:
  - module: novella.compute.plan
  - module: novella.compute.reconcile
"""

EXAMPLES = r"""
- name: Show where everything is
  novella.compute.summary:
    plan: "{{ novella_plan }}"
    picture: true
  run_once: true
"""

RETURN = r"""
instances:
  description: The fleet's instances on the hosts that answered, by name.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: The instance.
      type: str
      sample: 6ba7b811-9dad-51d1-80b4-00c04fd430c8
    name:
      description: Its name.
      type: str
      sample: web-1
    host:
      description: Where it is.
      type: str
      sample: kvm1
    vm_state:
      description: What its record says.
      type: str
      sample: active
    power_state:
      description: What the hypervisor says.
      type: str
      sample: running
    state:
      description: Both in one for people; the second only where it does not follow from the first.
      type: str
      sample: active
    addresses:
      description: Its IP addresses as far as they are known. They may lag behind a boot.
      type: list
      elements: str
      sample: [192.0.2.17]
failures:
  description: All that failed, as in M(novella.compute.plan).
  returned: always
  type: list
  elements: dict
  sample: []
counts:
  description: How many instances there are, how many things failed, and how many instances there are per vm_state.
  returned: always
  type: dict
  sample: {instances: 8, failed: 0, active: 8}
closed:
  description: The hosts that take no new instances, each with the reason.
  returned: always
  type: dict
  sample: {kvm2: is in maintenance}
code:
  description: The failures' code; C(NoValidHost) where they differ and one could not be placed.
  returned: failure
  type: str
  sample: NoValidHost
"""
