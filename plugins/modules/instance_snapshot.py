# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_snapshot
short_description: Make images of the root disks of instances, or delete them
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Makes an image of the root disk of every instance on the host that is meant, as it is at one moment. Instances that
    run go on running, and nothing of them is changed. Run on all hosts, it finds the instances wherever they are.
  - The image is a whole qcow2 file on the instance's host, below O(snapshots_dir). A record lies beside it. Instances
    of that host can be made or rebuilt from it.
  - An instance that has a snapshot of that name is left alone.
  - At least one of O(names), O(uuids), O(fleet) and O(project_id) must say which instances are meant.
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
    support: partial
    details: A backup without O(snapshot) is called after the time, so each run makes another.
options:
  state:
    description:
      - With V(present) every instance that is meant has such a snapshot, with V(absent) none has. V(absent) deletes
        those of instances that are not on the host any more, too.
    type: str
    choices: [present, absent]
    default: present
  snapshot:
    description:
      - What it is called, in letters, digits, V(.), V(_) and V(-). Two instances may have snapshots of one name.
      - A backup may be without. It is called after its type and the time then, such as V(daily-20261121T101530Z).
    type: str
  backup_type:
    description:
      - Makes it a backup, V(daily), V(weekly) or whatever it shall be called. Requires O(rotation).
    type: str
  rotation:
    description:
      - How many backups of O(backup_type) are kept of each instance, the new one included. The oldest go when the new
        one is whole. Snapshots that are no backups stay.
    type: int
  quiesce:
    description:
      - With V(true) the guest writes out its file systems first, through its agent. Where it cannot, as there is no
        agent or it is paused or suspended, the snapshot fails.
      - Left out, that is tried where the instance's image has the property C(hw_qemu_guest_agent). An image with the
        property C(os_require_quiesce) requires it, whatever is said here.
      - Without it the image is as a disk is after a power failure.
    type: bool
  metadata:
    description:
      - Properties of the image, besides those of the image that the instance was made from.
    type: dict
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
      - A file that is rewritten with one line of text now and then while a disk is copied, and removed at the end.
    type: path
seealso:
  - module: novella.compute.instance_snapshot_info
  - module: novella.compute.instance_action
"""

EXAMPLES = r"""
- name: Have an image of the database's disk before something is tried
  novella.compute.instance_snapshot:
    names: [db]
    snapshot: before-upgrade
    quiesce: true

- name: Keep a week of daily backups of all web servers
  novella.compute.instance_snapshot:
    names: ["web-*"]
    backup_type: daily
    rotation: 7

- name: Delete the first one
  novella.compute.instance_snapshot:
    names: [db]
    snapshot: before-upgrade
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
      sample: db
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
      description: V(snapshot), V(backup) or V(delete_snapshot).
      type: str
      sample: snapshot
    status:
      description: V(done), V(unchanged), V(failed), or in check mode V(planned).
      type: str
      sample: done
    before:
      description: The vm_state before; V(absent) where the instance is not on the host any more.
      type: str
      sample: active
    after:
      description: The vm_state afterwards, which is the same.
      type: str
      sample: active
    seconds:
      description: How long it took.
      type: float
      sample: 2.103
    remarks:
      description: Where the image is, and what else to know.
      type: list
      elements: str
      sample:
        - >-
          The image is
          /var/lib/novella/snapshots/6ba7b811-9dad-51d1-80b4-00c04fd430c8/before-upgrade.qcow2 (1210 MB).
    record_before:
      description: The names of the instance's snapshots before.
      type: dict
      sample: {snapshots: []}
    record_after:
      description: The names of the instance's snapshots afterwards.
      type: dict
      sample: {snapshots: [before-upgrade]}
    error:
      description: Why it failed, with C(code), C(message), C(remedy) and C(details); else null.
      type: dict
      sample: null
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.answering import leave, read_selection, selection_argument_spec
from ..module_utils.compute.progress import ProgressFile
from ..module_utils.compute.snapshot_order import check_name, read_order
from ..module_utils.door import compute_manager
from ..module_utils.host_arguments import host_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            **selection_argument_spec(),
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "snapshot": {"type": "str"},
            "backup_type": {"type": "str"},
            "rotation": {"type": "int"},
            "quiesce": {"type": "bool"},
            "metadata": {"type": "dict"},
        },
        required_if=[("state", "absent", ("snapshot",))],
        required_together=[("backup_type", "rotation")],
        required_one_of=[("snapshot", "backup_type")],
        supports_check_mode=True,
    )
    params = module.params
    progress = ProgressFile(params["progress_path"])
    with progress, compute_manager(module, progress.write) as manager:
        selection = read_selection(params)
        if params["state"] == "absent":
            check_name("snapshot", params["snapshot"])
            answers = manager.delete_snapshots(params["snapshot"], selection, module.check_mode)
        else:
            answers = manager.take_snapshots(read_order(params), selection, module.check_mode)
    leave(module, answers)


if __name__ == "__main__":
    main()
