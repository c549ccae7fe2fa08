# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_snapshot_info
short_description: List the images that were made of instances' root disks
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Lists the snapshots and backups on a host, those of instances that are not on the host any more included.
  - Without O(names), O(uuids), O(fleet) and O(project_id) all are listed.
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
  names:
    description:
      - Those of instances whose name is one of these, or fits one of these shell patterns.
    type: list
    elements: str
    default: []
  uuids:
    description:
      - Those of instances with one of these UUIDs.
    type: list
    elements: str
    default: []
  fleet:
    description:
      - Only those of instances of this fleet.
    type: str
  project_id:
    description:
      - Only those of instances of this project.
    type: str
seealso:
  - module: novella.compute.instance_snapshot
"""

EXAMPLES = r"""
- name: See what there is of the database
  novella.compute.instance_snapshot_info:
    names: [db]
  register: found

- name: Have it as it was then
  novella.compute.instance_action:
    action: rebuild
    names: [db]
    image: "{{ found.snapshots[0].image }}"
  when: found.snapshots | length > 0
"""

RETURN = r"""
snapshots:
  description: The snapshots, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: What it is called.
      type: str
      sample: before-upgrade
    file:
      description: The image.
      type: str
      sample: /var/lib/novella/snapshots/6ba7b811-9dad-51d1-80b4-00c04fd430c8/before-upgrade.qcow2
    checksum:
      description: That of the image.
      type: str
      sample: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    size_bytes:
      description: How large the file is.
      type: int
      sample: 1209663488
    instance_uuid:
      description: The instance.
      type: str
      sample: 6ba7b811-9dad-51d1-80b4-00c04fd430c8
    instance_name:
      description: What the instance was called.
      type: str
      sample: db
    fleet:
      description: The fleet that it belonged to.
      type: str
      sample: shop
    project_id:
      description: The project that it belonged to.
      type: str
      sample: default
    host:
      description: Where it was made.
      type: str
      sample: kvm1
    vm_state:
      description: What the instance was then.
      type: str
      sample: active
    created_at:
      description: When it was made.
      type: str
      sample: "2026-11-21T10:15:30.123456Z"
    min_disk_gb:
      description: How large the root disk of an instance must be that is made from it.
      type: int
      sample: 20
    min_ram_mb:
      description: How much memory such an instance needs at least.
      type: int
      sample: 0
    image_type:
      description: V(snapshot) or V(backup).
      type: str
      sample: snapshot
    backup_type:
      description: Of a backup, its type; else null.
      type: str
      sample: null
    base_image:
      description: Where the image came from that the instance was made from.
      type: str
      sample: /srv/images/debian-12.qcow2
    quiesced:
      description: Whether the guest had written out its file systems, or was off.
      type: bool
      sample: true
    properties:
      description: The image's properties.
      type: dict
      sample: {os_type: linux}
    image:
      description: It, as the option O(novella.compute.instance_action#module:image) and a fleet's C(images) take it.
      type: dict
      sample:
        name: before-upgrade
        source: /var/lib/novella/snapshots/6ba7b811-9dad-51d1-80b4-00c04fd430c8/before-upgrade.qcow2
        checksum: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
        min_ram_mb: 0
        min_disk_gb: 20
        properties: {os_type: linux}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.answering import read_selection
from ..module_utils.door import compute_manager
from ..module_utils.host_arguments import host_argument_spec


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            "names": {"type": "list", "elements": "str", "default": []},
            "uuids": {"type": "list", "elements": "str", "default": []},
            "fleet": {"type": "str"},
            "project_id": {"type": "str"},
        },
        supports_check_mode=True,
    )
    with compute_manager(module, read_only=True) as manager:
        found = manager.find_snapshots(read_selection(module.params))
    module.exit_json(
        changed=False, snapshots=[{**item.as_dict(), "image": item.as_image().as_dict()} for item in found]
    )


if __name__ == "__main__":
    main()
