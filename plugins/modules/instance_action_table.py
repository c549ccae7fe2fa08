# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_action_table
short_description: Show what came of an operation on all hosts
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Prints what M(novella.compute.instance_action) did on each host of the group, as one table.
  - It fails where the operation failed for an instance, where something that was asked for is on no host, and where a
    host did not answer.
  - It runs on the controller, once for all hosts.
extends_documentation_fragment:
  - novella.compute.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  group:
    description:
      - The inventory group of the compute nodes. Left out, it is the variable C(novella_group), or C(compute).
    type: str
  names:
    description:
      - The names and patterns that were asked for. Each must fit an instance of some host.
    type: list
    elements: str
    default: []
  uuids:
    description:
      - The UUIDs that were asked for, likewise.
    type: list
    elements: str
    default: []
seealso:
  - module: novella.compute.instance_action
"""

EXAMPLES = r"""
- name: Have all web servers stand still
  novella.compute.instance_action:
    action: pause
    names: ["web-*"]
    on_failure: report
  register: novella_instance_action
  ignore_unreachable: true

- name: Show what came of it
  novella.compute.instance_action_table:
    names: ["web-*"]
  run_once: true
"""

RETURN = r"""
results:
  description: What was done, by name; see RV(novella.compute.instance_action#module:results).
  returned: always
  type: list
  elements: dict
  sample:
    - {name: web-1, host: kvm1, operation: pause, status: done, before: active, after: paused}
missing:
  description: What was asked for and is on no host.
  returned: always
  type: list
  elements: str
  sample: []
silent:
  description: The hosts that did not answer, each with the reason.
  returned: always
  type: dict
  sample: {}
"""
