# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_table
short_description: Show the instances of all hosts in a table
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Prints what M(novella.compute.instance_info) said on each host of the group, as one table, and below it what failed
    and which hosts did not answer.
  - What the guests use and what they said on their consoles follows where M(novella.compute.instance_info) was
    asked for it.
  - An instance that could not be made on one host, and then was on another, counts as made.
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
  history:
    description:
      - Print below it what was done to each instance, step by step.
    type: bool
    default: false
seealso:
  - module: novella.compute.instance_info
"""

EXAMPLES = r"""
- name: Ask every host
  novella.compute.instance_info:
  register: novella_instance_info
  ignore_unreachable: true

- name: Show what they said
  novella.compute.instance_table:
    history: true
  run_once: true
"""

RETURN = r"""
instances:
  description:
    - All that the hosts told of, by name. For what they hold see RV(novella.compute.instance_info#module:instances),
      RV(novella.compute.instance_info#module:lost) and RV(novella.compute.instance_info#module:absent).
    - Those that are lost have the status C(LOST).
  returned: success
  type: list
  elements: dict
  sample:
    - {name: web-1, host: kvm1, status: ACTIVE}
silent:
  description: The hosts that did not answer, each with the reason.
  returned: success
  type: dict
  sample: {}
"""
