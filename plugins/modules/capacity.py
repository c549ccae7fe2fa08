# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: capacity
short_description: Count how many more instances fit, and say what stops the next one
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Places instances of a flavor, one after the other and on paper only, until one fits nowhere. The table that it
    prints says for each flavor how many there were, on which hosts, and why the next one has no valid host.
  - Each flavor is counted by itself, with all the room that there is. What the fleet declares and is not there yet is
    placed first, so that it is room beside the fleet.
  - It runs on the controller, once for all hosts. The audit's result must be registered as C(novella_audit) on each
    host, as the playbook C(novella.compute.audit) does, unless O(hosts_from) is given.
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
  fleet:
    description:
      - The fleet, as the path of a file or of a folder of files, or as a mapping. Its flavors, aggregates, server
        groups and scheduler options count.
      - The inventory variable C(novella_fleet) is merged with it, and suffices on its own.
    type: raw
  flavors:
    description:
      - Names of the fleet's flavors, or flavors as mappings with C(name), C(vcpus), C(memory_mb) and what else a flavor
        has. Left out, all of the fleet's are counted.
    type: list
    elements: raw
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
      - The inventory group of the compute nodes. Left out, it is the variable C(novella_group), or C(compute).
    type: str
  hosts_from:
    description:
      - Count on these hosts instead of those of O(group); see O(novella.compute.plan#module:hosts_from).
    type: raw
seealso:
  - module: novella.compute.plan
  - plugin: novella.compute.capacity
    plugin_type: lookup
  - plugin: novella.compute.scheduler
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: How many more of each flavor fit?
  novella.compute.capacity:
    fleet: fleet.yml
  run_once: true

- name: How many would fit on two hosts that are yet to be bought?
  novella.compute.capacity:
    fleet: fleet.yml
    flavors:
      - small
      - {name: database, vcpus: 8, memory_mb: 65536, root_gb: 100}
    hosts_from:
      - {host: new, count: 2, vcpus: 32, memory_mb: 131072, local_gb: 2000}
  run_once: true
"""

RETURN = r"""
capacity:
  description: One entry per flavor.
  returned: success
  type: list
  elements: dict
  contains:
    flavor:
      description: The flavor's name.
      type: str
      sample: small
    total:
      description: How many more fit.
      type: int
      sample: 24
    hosts:
      description: How many of them each host takes. Hosts that take none are left out.
      type: dict
      sample: {kvm1: 12, kvm2: 12}
    next:
      description:
        - The selection of the one after the last, as the lookup P(novella.compute.scheduler#lookup) returns it. Its
          C(message) says why it fits nowhere.
        - C(null) where counting stopped at O(limit).
      type: dict
      sample:
        name: small-25
        host: null
        message: "No valid host for small-25 (small): 0 of 2 hosts fit. RamFilter refused 2."
code:
  description: Why it failed, as a name for programs.
  returned: failure
  type: str
  sample: FleetInvalid
"""
