# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_metadata
short_description: Set metadata, tags and display name of instances
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Changes what people and programs hang on instances, of every instance on the host that is meant. Run on all
    hosts, it finds the instances wherever they are.
  - Guests go on as they are. They find metadata in their config drive, which is written when they are made.
  - At least one of O(names), O(uuids), O(fleet) and O(project_id) must say which instances are meant.
  - What a fleet declares stays declared. The next M(novella.compute.reconcile) of the fleet brings metadata, tags and
    display name back to what it says, so for an instance of a fleet they belong in the fleet.
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
  metadata:
    description:
      - Text by key. Keys have at most 255 letters, digits, spaces, C(-), C(_), C(:) and C(.), values at most 255
        characters.
      - With O(state=absent) only the keys count.
    type: dict
  tags:
    description:
      - At most 50 for an instance, each of at most 60 characters, without C(/) and C(,).
    type: list
    elements: str
  display_name:
    description:
      - What people call the instance; libvirt shows it as the domain's title. An empty one takes it away, and so does
        O(state=absent).
      - The instance's name stays, as its identity follows from it.
    type: str
  state:
    description:
      - V(present) adds metadata and tags to what there is. V(replaced) has no others left. V(absent) takes away the
        keys and tags that are named.
      - What is not given at all is left as it is.
    type: str
    choices: [present, replaced, absent]
    default: present
  names:
    description:
      - Instances whose name is one of these, or fits one of these shell patterns.
    type: list
    elements: str
    default: []
  uuids:
    description:
      - Instances with one of these UUIDs.
    type: list
    elements: str
    default: []
  fleet:
    description:
      - Only instances of this fleet.
    type: str
  project_id:
    description:
      - Only instances of this project.
    type: str
  on_failure:
    description:
      - With V(fail) the task fails when it failed for any instance. With V(report) the results say so, and the task
        succeeds.
    type: str
    choices: [fail, report]
    default: fail
  progress_path:
    description:
      - A file that is rewritten after each ended instance with one line of text, and removed at the end.
    type: path
seealso:
  - module: novella.compute.instance_action
  - module: novella.compute.instance_info
"""

EXAMPLES = r"""
- name: Say who looks after the web servers
  novella.compute.instance_metadata:
    names: ["web-*"]
    metadata: {owner: shop team}
    tags: [public]

- name: Have these tags and no others
  novella.compute.instance_metadata:
    names: [db]
    tags: [internal, backed-up]
    state: replaced

- name: Take away a key, whatever its value
  novella.compute.instance_metadata:
    names: ["web-*"]
    metadata: {owner: }
    state: absent
"""

RETURN = r"""
results:
  description: One result for each instance that was meant, by name.
  returned: always
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
      description: V(change_metadata).
      type: str
      sample: change_metadata
    status:
      description: V(done), V(unchanged), V(failed), or in check mode V(planned).
      type: str
      sample: done
    before:
      description: The vm_state before.
      type: str
      sample: active
    after:
      description: The vm_state afterwards, which is the same.
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
      description: Metadata, tags and display name before.
      type: dict
      sample: {metadata: {}, tags: [], display_name: null}
    record_after:
      description: Metadata, tags and display name afterwards.
      type: dict
      sample: {metadata: {owner: shop team}, tags: [public], display_name: null}
    error:
      description: Why it failed, with C(code), C(message), C(remedy) and C(details); else null.
      type: dict
      sample: null
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.answering import leave, read_selection, selection_argument_spec
from ..module_utils.compute.commands import Command
from ..module_utils.compute.labels import PRESENT, STATES, read_labels
from ..module_utils.compute.progress import ProgressFile
from ..module_utils.door import compute_manager
from ..module_utils.host_arguments import host_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            **selection_argument_spec(),
            "metadata": {"type": "dict"},
            "tags": {"type": "list", "elements": "str"},
            "display_name": {"type": "str"},
            "state": {"type": "str", "choices": list(STATES), "default": PRESENT},
        },
        required_one_of=[("metadata", "tags", "display_name")],
        supports_check_mode=True,
    )
    params = module.params
    progress = ProgressFile(params["progress_path"])
    with progress, compute_manager(module, progress.write) as manager:
        command = Command("change_metadata", read_selection(params), read_labels(params))
        answers = manager.obey(command, module.check_mode)
    leave(module, answers)


if __name__ == "__main__":
    main()
