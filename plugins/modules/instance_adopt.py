# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_adopt
short_description: Make instances of domains that somebody else has defined
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Writes the record of an instance into the metadata of a domain that is not Novella's. Nothing else of the domain is
    changed, and its guest does not notice.
  - The domain keeps its name, its definition, its disks and its network interfaces, whatever they are. Novella never
    builds it anew and never deletes its disks.
  - Which domains become which instances is chosen by M(novella.compute.adoption), which sees all hosts. The playbook
    C(novella.compute.adopt) does it all.
extends_documentation_fragment:
  - novella.compute.attributes
  - novella.compute.attributes.action_group
  - novella.compute.host
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  orders:
    description:
      - What to adopt on this host, as M(novella.compute.adoption) returned it for the host.
    type: list
    elements: dict
    required: true
    suboptions:
      uuid:
        description:
          - The domain's UUID.
        type: str
        required: true
      spec:
        description:
          - What it shall be as an instance, with at least C(name) and C(flavor).
        type: dict
        required: true
  on_failure:
    description:
      - With V(fail) the task fails when any domain cannot be adopted. With V(report) the results say so, and the task
        succeeds.
    type: str
    choices: [fail, report]
    default: fail
  progress_path:
    description:
      - A file that is rewritten after each domain with one line of text, and removed at the end.
    type: path
seealso:
  - module: novella.compute.adoption
  - module: novella.compute.instance_info
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
  when: inventory_hostname in novella_adoption.orders
"""

RETURN = r"""
results:
  description: One result for each domain, in the order of O(orders).
  returned: always
  type: list
  elements: dict
  contains:
    uuid:
      description: The domain, and the instance that it is now.
      type: str
      sample: 6ba7b811-9dad-51d1-80b4-00c04fd430c8
    name:
      description: The name of the instance.
      type: str
      sample: mail
    fleet:
      description: The fleet that it belongs to.
      type: str
      sample: shop
    project_id:
      description: The project that it belongs to.
      type: str
      sample: default
    host:
      description: Where it is.
      type: str
      sample: kvm1
    operation:
      description: V(adopt).
      type: str
      sample: adopt
    status:
      description: V(done), V(unchanged), V(failed), or in check mode V(planned).
      type: str
      sample: done
    before:
      description: V(foreign), or its vm_state where it was adopted before.
      type: str
      sample: foreign
    after:
      description: Its vm_state afterwards.
      type: str
      sample: active
    seconds:
      description: How long it took.
      type: float
      sample: 0.012
    remarks:
      description: Nothing so far.
      type: list
      elements: str
      sample: []
    record_before:
      description: The domain's name.
      type: dict
      sample: {domain: mail-server, instance: null}
    record_after:
      description: The instance, its disks and network interfaces, and what of its definition Novella would not build.
      type: dict
      sample: {domain: mail-server, instance: mail, vm_state: active, flavor: small, kept: [cpu host-passthrough]}
    error:
      description: Why it failed, with C(code), C(message), C(remedy) and C(details); else null.
      type: dict
      sample: null
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.answering import leave
from ..module_utils.compute.adopting import AdoptionOrder
from ..module_utils.compute.progress import ProgressFile
from ..module_utils.door import compute_manager
from ..module_utils.host_arguments import fail, host_argument_spec
from ..module_utils.objects.errors import NovellaError

ORDER = {"uuid": {"type": "str", "required": True}, "spec": {"type": "dict", "required": True}}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            "orders": {"type": "list", "elements": "dict", "required": True, "options": ORDER},
            "on_failure": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
            "progress_path": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        orders = [
            AdoptionOrder.from_dict(item, f"orders[{position}]") for position, item in enumerate(params["orders"])
        ]
    except NovellaError as error:
        fail(module, error)
    progress = ProgressFile(params["progress_path"])
    with progress, compute_manager(module, progress.write) as manager:
        answers = manager.adopt(orders, module.check_mode)
    leave(module, answers)


if __name__ == "__main__":
    main()
