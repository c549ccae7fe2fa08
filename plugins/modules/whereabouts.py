# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: whereabouts
short_description: Ask a host where instances of others were last known to be, or tell it
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Each host keeps a copy of where every instance of the fleet is. When a host does not answer, the others can tell
    which instances were on it; those are created nowhere else.
  - With O(of) it is asked, with O(places) it is told, as the playbook C(novella.compute.apply) does at its end.
extends_documentation_fragment:
  - novella.compute.attributes
  - novella.compute.attributes.action_group
  - novella.compute.host
attributes:
  check_mode:
    support: full
    details: A host can be asked. It is told nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details: The copy is no state of the fleet, so what is told is no change.
options:
  of:
    description:
      - Hosts to be asked about.
    type: list
    elements: str
    default: []
  places:
    description:
      - By host, its C(generation), and its C(instances) as lists of uuid, name and the record's generation.
      - They replace what was known of these hosts, unless that is newer.
    type: dict
  mark:
    description:
      - The controller's name for this state of the fleet. The next audit says it.
    type: str
    default: ''
  run:
    description:
      - The run that ends. What it had reserved on this host is given back.
    type: str
    default: ''
  uncertain:
    description:
      - Uuids of instances of which the run does not know whether they came to be. They stay known where they were
        announced.
    type: list
    elements: str
    default: []
seealso:
  - module: novella.compute.claim
  - module: novella.compute.plan
"""

EXAMPLES = r"""
- name: Ask every host what it knows of kvm3
  novella.compute.whereabouts:
    host: "{{ inventory_hostname }}"
    of: [kvm3]
  register: known

- name: Tell it what is on kvm1
  novella.compute.whereabouts:
    host: "{{ inventory_hostname }}"
    mark: 5d41402abc4b2a76
    places:
      kvm1:
        generation: 1763715012
        instances:
          - [6ba7b811-9dad-51d1-80b4-00c04fd430c8, web-1, 3]
"""

RETURN = r"""
recollections:
  description: What the host knows of each host in O(of).
  returned: always
  type: list
  elements: dict
  contains:
    host:
      description: The host that was asked about.
      type: str
      sample: kvm3
    generation:
      description: How many changes it had seen when it was told of last; null where nobody ever told of it.
      type: int
      sample: 1763715012
    instances:
      description: What was on it, with C(uuid), C(name), C(host) and C(generation).
      type: list
      elements: dict
      sample: []
    announced:
      description: What a run was about to make there, likewise.
      type: list
      elements: dict
      sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.door import compute_manager, host_argument_spec
from ..module_utils.objects.whereabouts import Place


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            "of": {"type": "list", "elements": "str", "default": []},
            "places": {"type": "dict"},
            "mark": {"type": "str", "default": ""},
            "run": {"type": "str", "default": ""},
            "uncertain": {"type": "list", "elements": "str", "default": []},
        },
        mutually_exclusive=[("of", "places")],
        supports_check_mode=True,
    )
    params = module.params
    # A host can tell what it knows though its own hypervisor does not answer.
    with compute_manager(module, recovers=False, read_only=params["places"] is None) as manager:
        recollections = manager.recall(params["of"])
        if params["places"] is not None and not module.check_mode:
            places = {host: Place.from_dict(data, f"places.{host}") for host, data in params["places"].items()}
            manager.learn(places, params["mark"], params["run"], params["uncertain"])
    module.exit_json(changed=False, recollections=[item.as_dict() for item in recollections])


if __name__ == "__main__":
    main()
