# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_node_facts
short_description: Audit a compute node
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Reads what a host has, what of it is used or claimed, its instances and the domains that are not Novella's.
  - Finishes or undoes first whatever an earlier run left half-done when it was killed.
  - This is ResourceTracker.update_available_resource of OpenStack Nova.
  - A host that was read before can be asked first whether anything has changed; see O(known).
extends_documentation_fragment:
  - novella.compute.attributes
  - novella.compute.attributes.action_group
  - novella.compute.host
attributes:
  check_mode:
    support: full
    details: In check mode nothing is recovered, and RV(recovered) tells what would be.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  known:
    description:
      - The C(fingerprint) of the host document that the caller has, such as that of the fact C(novella_host) in a fact
        cache. Where the host still has it, the answer is RV(in_sync=true) without a document, which costs little more
        than a ping; else the host is read in full.
      - The playbooks give it by themselves. What is cached saves time and decides nothing, as hosts test every claim
        themselves.
    type: str
seealso:
  - module: novella.compute.compute_node_fingerprint
  - module: novella.compute.reconcile
"""

EXAMPLES = r"""
- name: Audit the host
  novella.compute.compute_node_facts:
    host: "{{ inventory_hostname }}"
    reserved_host_memory_mb: 4096
  register: novella_audit

- name: Show how long the host has been up
  ansible.builtin.debug:
    msg: "{{ novella_audit.host_uptime.seconds // 86400 }} days"

- name: Show how much memory is free
  ansible.builtin.debug:
    msg: "{{ node.memory_mb - node.memory_mb_used }} MB"
  vars:
    node: "{{ novella_audit.ansible_facts.novella_host.compute_node }}"
"""

RETURN = r"""
in_sync:
  description: Whether the host is as in the document of O(known).
  returned: success
  type: bool
  sample: false
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
ansible_facts:
  description: The host document, as one fact.
  returned: when RV(in_sync) is false
  type: dict
  contains:
    novella_host:
      description:
        - The host document, version 1. Values that are at their default are left out.
        - Flavors and images are written once; instances refer to them by position.
      type: dict
      sample:
        kind: host
        version: "1.1"
        fingerprint: 9b74c9897bac770ffc029102a200c5de
        generation: 3
        compute_node:
          uuid: 1b4e28ba-2fa1-11d2-883f-0016d3cca427
          host: kvm1
          hypervisor_hostname: kvm1.example.org
          vcpus: 16
          memory_mb: 65536
          local_gb: 900
          vcpus_used: 1
          memory_mb_used: 1024
          local_gb_used: 5
        flavors:
          - {name: small, vcpus: 1, memory_mb: 512, root_gb: 5}
        instances:
          - power_state: running
            addresses: [192.168.122.31]
            instance:
              uuid: 6ba7b811-9dad-51d1-80b4-00c04fd430c8
              vm_state: active
              host: kvm1
              spec: {name: web-1, flavor: 0}
recovered:
  description: Operations whose process was dead, and that were finished or undone.
  returned: when RV(in_sync) is false
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
    operation:
      description: What was interrupted.
      type: str
      sample: create
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.door import compute_manager, host_argument_spec
from ..module_utils.host_uptime import read_host_uptime


def main() -> None:
    # The action plugin has asked for the fingerprint already, and comes here with what differs.
    module = AnsibleModule(argument_spec={**host_argument_spec(), "known": {"type": "str"}}, supports_check_mode=True)
    with compute_manager(module) as manager:
        if module.check_mode:
            manager.predict_recovery()
        report = manager.audit()
    recovered = [{"uuid": entry.uuid, "name": entry.name, "operation": entry.operation} for entry in manager.recovered]
    facts = {"novella_host": report.as_document()}
    module.exit_json(
        changed=bool(recovered),
        recovered=recovered,
        in_sync=False,
        host_uptime=read_host_uptime(),
        ansible_facts=facts,
    )


if __name__ == "__main__":
    main()
