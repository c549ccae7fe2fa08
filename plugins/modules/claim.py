# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: claim
short_description: Reserve the names of new instances, and claim room for them, before anything is built
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Before a plan's creates are built, each of several hosts is asked for the names of the new instances, and the hosts
    that are to build them for room. Where another run was faster, the host objects, and nothing is built of it.
  - So any number of controllers may apply fleets to the same hosts at once. See the page "Several controllers".
  - What is reserved and claimed is given back by the run, or ends by itself after O(seconds).
extends_documentation_fragment:
  - novella.compute.attributes
  - novella.compute.attributes.action_group
  - novella.compute.host
attributes:
  check_mode:
    support: full
    details: Nothing is reserved, and nothing objected to.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: A run may ask again for what it holds. What is held is no state of the fleet, so it is no change either.
options:
  run:
    description:
      - The id of the run, as M(novella.compute.plan) returns it. What this run holds is no objection to it.
    type: str
    required: true
  wishes:
    description:
      - The instances whose names this host is asked for.
    type: list
    elements: dict
    default: []
    suboptions:
      uuid:
        description: The instance.
        type: str
        required: true
      name:
        description: Its name.
        type: str
        required: true
      host:
        description: Where it will be built.
        type: str
        required: true
      groups:
        description: Keys of the server groups to which nobody else may add a member meanwhile.
        type: list
        elements: str
        default: []
  actions:
    description:
      - The creates that this host is to build, as the plan has them.
    type: list
    elements: dict
    default: []
  epoch:
    description:
      - How many names the host had reserved when it was audited for the plan. What was reserved since is objected to.
    type: int
    default: 0
  seconds:
    description:
      - How long the host keeps names and room for the run without another word from it.
    type: float
    default: 600
  release:
    description:
      - Give back instead what the run makes no use of, the names and room of O(wishes), and the room alone of
        O(actions). Without either it gives back all that it holds.
    type: bool
    default: false
seealso:
  - module: novella.compute.reconcile
  - module: novella.compute.whereabouts
"""

EXAMPLES = r"""
- name: Claim what the plan creates
  novella.compute.claim:
    host: "{{ inventory_hostname }}"
    run: "{{ novella_plan.run }}"
    wishes: "{{ novella_plan.claims[inventory_hostname].wishes }}"
    actions: "{{ novella_plan.claims[inventory_hostname].actions }}"
    epoch: "{{ novella_plan.claims[inventory_hostname].epoch }}"
  when: inventory_hostname in novella_plan.claims
"""

RETURN = r"""
objections:
  description: By uuid, why the run cannot have an instance's name.
  returned: always
  type: dict
  sample:
    6ba7b811-9dad-51d1-80b4-00c04fd430c8: another run holds it
refusals:
  description: By uuid, why there is no room on this host, with C(code), C(message), C(remedy) and C(details).
  returned: always
  type: dict
  sample:
    6ba7b811-9dad-51d1-80b4-00c04fd430c8:
      code: ComputeResourcesUnavailable
      message: "web-1 does not fit on kvm1: it wants 512 MB of memory, 128 are free."
      remedy: ""
      details: {}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.compute.claiming import Wish
from ..module_utils.door import compute_manager, host_argument_spec
from ..module_utils.objects.plan import Action

WISH = {
    "uuid": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "host": {"type": "str", "required": True},
    "groups": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            "run": {"type": "str", "required": True},
            "wishes": {"type": "list", "elements": "dict", "options": WISH, "default": []},
            "actions": {"type": "list", "elements": "dict", "default": []},
            "epoch": {"type": "int", "default": 0},
            "seconds": {"type": "float", "default": 600.0},
            "release": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    outcome = {"changed": False, "objections": {}, "refusals": {}}
    with compute_manager(module) as manager:
        wishes = [Wish.from_dict(data, f"wishes[{index}]") for index, data in enumerate(params["wishes"])]
        actions = [Action.from_dict(data, f"actions[{index}]") for index, data in enumerate(params["actions"])]
        manager.check_actions(actions)
        if module.check_mode:
            pass
        elif params["release"] and (wishes or actions):
            manager.withdraw(params["run"], wishes, [action.uuid for action in actions])
        elif params["release"]:
            manager.release(params["run"])
        else:
            answer = manager.claim(params["run"], wishes, actions, params["epoch"], params["seconds"])
            outcome.update(answer.as_dict())
    module.exit_json(**outcome)


if __name__ == "__main__":
    main()
