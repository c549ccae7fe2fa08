# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: periodic
short_description: Run the periodic tasks of a compute node that are due
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Runs what OpenStack Nova's compute service runs from time to time. When each task ran last is kept on the host, so
    this may be run as often as one likes, by any number of controllers; each task runs once when it is due.
  - A task that fails does not keep the next from running. At the end the module fails, and names what did.
  - How often each runs, and whether at all, is said by the host's options.
extends_documentation_fragment:
  - novella.compute.attributes
  - novella.compute.attributes.action_group
  - novella.compute.host
attributes:
  check_mode:
    support: full
    details: Says what is due and what each of these tasks would do. Nothing is written, times neither.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: A task that is not due changes nothing. One that ran again, with O(force), finds nothing left to do.
options:
  tasks:
    description:
      - Only these tasks. Without it all are looked at.
      - V(drop_stale_claims) gives back what runs have claimed that ended without using it.
      - V(reclaim_queued_deletes) deletes for good what was deleted O(reclaim_instance_interval) seconds ago.
      - V(sync_power_states) brings guests and their records together, as O(power_policy) says, and warns of instances
        whose domain has vanished. It runs at once on a host that never ran it.
      - V(run_image_cache_manager_pass) removes cached images that no disk needs.
      - V(cleanup_expired_console_auth_tokens) forgets tokens for consoles that nobody has used in time.
      - V(update_available_resource) reads the host and returns it as a fact.
    type: list
    elements: str
  force:
    description:
      - Run them though they are not due. What is switched off stays off.
    type: bool
    default: false
seealso:
  - module: novella.compute.compute_node_facts
"""

EXAMPLES = r"""
- name: Do what is due
  novella.compute.periodic:

- name: Look after the power of all guests at once
  novella.compute.periodic:
    tasks: [sync_power_states]
    force: true

- name: Start guests again that have stopped by themselves
  novella.compute.periodic:
    tasks: [sync_power_states]
    power_policy: restart
    force: true
"""

RETURN = r"""
results:
  description: One result per task, in the order in which they run.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The task.
      type: str
      sample: sync_power_states
    status:
      description: V(done), V(failed), V(not due), V(off), or in check mode V(due).
      type: str
      sample: done
    did:
      description:
        - What it changed, or in check mode would change. Tasks on instances tell C(uuid), C(name), C(operation) and
          C(reason); the image cache tells C(path) and C(size_bytes).
      type: list
      elements: dict
      sample:
        - uuid: 6ba7b811-9dad-51d1-80b4-00c04fd430c8
          name: web-1
          operation: stop
          reason: >-
            was stopped outside Novella, and counts as stopped from now on
            (vm_state active, power_state shutdown)
    failed:
      description: What it could not change, each with its C(error).
      type: list
      elements: dict
      sample: []
    warnings:
      description: What a person should look at.
      type: list
      elements: str
      sample: []
    seconds:
      description: How long it took.
      type: float
      sample: 0.084
    next_due:
      description: When it is due next; V(none) where it is off.
      type: str
      sample: "2026-11-21T10:25:30Z"
    last_error:
      description: Why its last run failed; empty where it did not.
      type: str
      sample: ""
ansible_facts:
  description: The host document; see M(novella.compute.compute_node_facts).
  returned: when V(update_available_resource) has run
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.door import compute_manager, fail, host_argument_spec
from ..module_utils.objects.errors import NovellaError


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            "tasks": {"type": "list", "elements": "str"},
            "force": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    with compute_manager(module) as manager:
        outcomes = manager.periodic_tasks(names=params["tasks"], force=params["force"], check=module.check_mode)
    for outcome in outcomes:
        for warning in outcome.report.warnings:
            module.warn(f"{outcome.name}: {warning}")
    result = {
        "changed": any(outcome.report.did for outcome in outcomes),
        "results": [outcome.as_dict() for outcome in outcomes],
    }
    facts = {name: fact for outcome in outcomes for name, fact in outcome.report.facts.items()}
    if facts:
        result["ansible_facts"] = facts
    errors = [(outcome.name, item["error"]) for outcome in outcomes for item in outcome.report.failed]
    if errors:
        words = [f"{name}: {error['message']} {error['remedy']}".strip() for name, error in errors]
        summary = NovellaError(" ".join(words))
        summary.code = errors[0][1]["code"]
        fail(module, summary, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
