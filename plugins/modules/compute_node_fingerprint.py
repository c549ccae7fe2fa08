# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_node_fingerprint
short_description: Tell whether a compute node is as it was when it was read
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - As long as a host has the same fingerprint, M(novella.compute.compute_node_facts) would say the same of it. Taking
    it costs a fraction of an audit.
  - It changes with the host's options, its size, each domain's definition and state, addresses, and whatever Novella
    has done on the host. The option O(known) of M(novella.compute.compute_node_facts) makes use of it by itself.
  - This is C(sync_instance_info) of OpenStack Nova's scheduler.
extends_documentation_fragment:
  - novella.compute.attributes
  - novella.compute.attributes.action_group
  - novella.compute.host
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  known:
    description:
      - The C(fingerprint) of the host document that the caller has.
    type: str
seealso:
  - module: novella.compute.compute_node_facts
"""

EXAMPLES = r"""
- name: Ask whether anything has changed since the last audit
  novella.compute.compute_node_fingerprint:
    host: "{{ inventory_hostname }}"
    known: "{{ ansible_facts.novella_host.fingerprint | default(omit) }}"
  register: asked
"""

RETURN = r"""
fingerprint:
  description: The host's fingerprint; V(none) where something of a dead run is to be recovered, and nothing is sure.
  returned: success
  type: str
  sample: 9b74c9897bac770ffc029102a200c5de
host_uptime:
  description:
    - How long the host has been up, and how busy it is; Nova's get_host_uptime.
    - It differs each time, and is no part of the host document.
  returned: success
  type: dict
  contains:
    seconds:
      description: Seconds since the host's start.
      type: int
      sample: 1209600
    load_averages:
      description: The load over the last 1, 5 and 15 minutes.
      type: list
      elements: float
      sample: [0.5, 0.42, 0.37]
in_sync:
  description: Whether it is the known one.
  returned: success
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.fingerprint_door import read_host_fingerprint
from ..module_utils.host_arguments import fail, host_argument_spec
from ..module_utils.host_uptime import read_host_uptime
from ..module_utils.objects.errors import NovellaError


def main() -> None:
    module = AnsibleModule(argument_spec={**host_argument_spec(), "known": {"type": "str"}}, supports_check_mode=True)
    fingerprint = None
    try:
        fingerprint = read_host_fingerprint(module.params)
    except NovellaError as error:
        fail(module, error)
    in_sync = fingerprint is not None and fingerprint == module.params["known"]
    module.exit_json(changed=False, fingerprint=fingerprint, in_sync=in_sync, host_uptime=read_host_uptime())


if __name__ == "__main__":
    main()
