# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance
short_description: Manage a single instance on a compute node
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Makes, starts, stops or deletes one instance on the host that the task runs on. Nothing is scheduled; to have hosts
    chosen for a whole fleet, use the playbook C(novella.compute.apply).
  - O(state) is about whether the instance exists, O(vm_state) about what it does.
  - The instance is known by fleet, project and name; the same three make the same instance in a fleet file.
  - It keeps the volumes that it has. Fleets declare volumes, and M(novella.compute.instance_action) attaches them.
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
  name:
    description:
      - The instance's name, which is the guest's host name too.
    type: str
    required: true
  fleet:
    description:
      - The fleet that it belongs to.
    type: str
    default: default
  project_id:
    description:
      - The project that it belongs to.
    type: str
    default: default
  state:
    description:
      - Whether the instance shall exist. V(absent) deletes it with its disks, unless it is locked.
      - With O(reclaim_instance_interval) above 0, V(absent) switches it off and keeps it for so many seconds, and
        V(present) restores it within that time.
    type: str
    choices: [present, absent]
    default: present
  vm_state:
    description:
      - What the instance shall do. It is brought there from whatever it does, over several operations if need be.
      - One that is V(paused) stands still and keeps its memory. One that is V(suspended) has its memory on disk, where
        it outlives a restart of the host. One that is V(shelved) is off and put away; it keeps its disks and its room,
        and the synchronisation of power states leaves it alone.
    type: str
    choices: [active, stopped, paused, suspended, shelved]
    default: active
  consent:
    description:
      - What may be done though the guest feels it. A V(restart) shuts it down and starts it, where O(flavor) or the
        image's properties are other ones. A V(rebuild) gives it a new root disk, where O(image), O(ssh_keys) or
        O(user_data) are, and the data on the old one are lost. Without it, the task fails and changes nothing.
    type: list
    elements: str
    choices: [restart, rebuild]
    default: []
  flavor:
    description:
      - Its size. Required with O(state=present).
    type: dict
    suboptions:
      name:
        description: What the size is called.
        type: str
        default: custom
      vcpus:
        description: Number of virtual CPUs.
        type: int
        required: true
      memory_mb:
        description: Memory in MiB.
        type: int
        required: true
      root_gb:
        description: Size of the root disk in GiB. V(0) is the image's own size.
        type: int
        default: 0
  image:
    description:
      - What it boots from. Required with O(state=present).
    type: dict
    suboptions:
      name:
        description: What the image is called.
        type: str
        default: custom
      source:
        description: Absolute path on the host, an http or https address, or C(HOST:/path) of one that was brought here.
        type: str
        required: true
      checksum:
        description: V(sha256:) and 64 hexadecimal digits.
        type: str
      min_ram_mb:
        description: How much memory a guest of it needs at least.
        type: int
        default: 0
      min_disk_gb:
        description: How large its root disk must be at least.
        type: int
        default: 0
      properties:
        description: The image's properties, such as C(os_type).
        type: dict
        default: {}
  networks:
    description:
      - Its NICs, in order. Each is on a bridge or on a libvirt network.
      - An instance that exists is given those that it lacks, at once if it runs, and the others are taken from it. With
        an empty list it keeps those that it has.
    type: list
    elements: dict
    default: []
    suboptions:
      network:
        description: What the network is called.
        type: str
        required: true
      bridge:
        description: Name of a bridge on the host.
        type: str
      libvirt_network:
        description: Name of a libvirt network on the host.
        type: str
  metadata:
    description:
      - Keys and values for the guest and for operators.
    type: dict
    default: {}
  tags:
    description:
      - Tags for operators, at most 50 of at most 60 characters.
    type: list
    elements: str
    default: []
  display_name:
    description:
      - What people call the instance. libvirt shows it as the domain's title.
    type: str
  locked:
    description:
      - Whether the instance is locked. One that is locked stays as it is, whoever asks for what; only O(metadata),
        O(tags) and O(display_name) may be changed.
      - Left out, the lock is left as it is.
    type: bool
  ssh_keys:
    description:
      - Public keys for the guest.
    type: list
    elements: str
    default: []
  user_data:
    description:
      - Text for the guest's cloud-init. It is kept out of records and results.
    type: str
  config_drive_format:
    description:
      - In which form the guest is told what it is to become. V(nocloud) is read by cloud-init alone.
    type: str
    choices: [openstack, nocloud]
    default: openstack
  hostname:
    description:
      - What the guest calls itself. Left out, it is O(name).
    type: str
  dns_domain:
    description:
      - What follows the host name in the guest's full name.
    type: str
  files:
    description:
      - Files that the guest writes when it boots, five at most. A change of them, of O(hostname), O(metadata) and the
        like arrives at its next boot.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Where in the guest, from its root.
        type: str
        required: true
      content:
        description:
          - What is in it, at most 10 KiB. It is kept out of records and results.
        type: str
        required: true
      mode:
        description:
          - Its mode, such as V(0644). Only with O(config_drive_format=nocloud).
        type: str
  vendor_data:
    description:
      - Vendor data for the guest. cloud-init acts on what is under the key C(cloud-init).
    type: dict
  wait_for:
    description:
      - What tells that the guest is ready. A task that boots it ends then, or fails.
    type: dict
    suboptions:
      agent:
        description:
          - V(true) waits until its agent answers.
        type: bool
      console:
        description:
          - A text that its serial console is to show.
        type: str
      timeout:
        description:
          - For how many seconds at most.
        type: int
        default: 300
seealso:
  - module: novella.compute.reconcile
"""

EXAMPLES = r"""
- name: A build machine on this host
  novella.compute.instance:
    name: build-1
    flavor: {vcpus: 2, memory_mb: 2048, root_gb: 20}
    image: {source: /srv/images/debian-12.qcow2}
    networks:
      - {network: front, libvirt_network: default}

- name: Switch it off
  novella.compute.instance:
    name: build-1
    flavor: {vcpus: 2, memory_mb: 2048, root_gb: 20}
    image: {source: /srv/images/debian-12.qcow2}
    networks:
      - {network: front, libvirt_network: default}
    vm_state: stopped

- name: Give it more memory, though it is restarted for that
  novella.compute.instance:
    name: build-1
    flavor: {vcpus: 2, memory_mb: 4096, root_gb: 20}
    image: {source: /srv/images/debian-12.qcow2}
    networks:
      - {network: front, libvirt_network: default}
    consent: [restart]

- name: Delete it with its disks
  novella.compute.instance:
    name: build-1
    state: absent
"""

RETURN = r"""
instance:
  description: The instance as it is now; V(none) when it is absent. In check mode, as it was before.
  returned: success
  type: dict
  contains:
    power_state:
      description: What the hypervisor says of it.
      type: str
      sample: running
    addresses:
      description: Its IP addresses as far as they are known. They may lag behind a boot.
      type: list
      elements: str
      sample: [192.168.122.31]
    drift:
      description:
        - What of its domain somebody has changed outside Novella. C(before) is what its record says, C(after) what was
          found, and C(is_live) tells that the running guest has it so.
      type: list
      elements: dict
      sample: [{field: vcpus, before: "1", after: "3", is_live: false}]
    instance:
      description: Its record.
      type: dict
      sample:
        uuid: 6ba7b811-9dad-51d1-80b4-00c04fd430c8
        vm_state: active
        host: kvm1
        spec: {name: build-1}
actions:
  description: What was done, or in check mode would be done.
  returned: success
  type: list
  elements: dict
  contains:
    operation:
      description: The operation.
      type: str
      sample: create
    reason:
      description: Why.
      type: str
      sample: is wanted, but not on this host
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.compute.single import IMAGE, SingleInstance, read_wanted
from ..module_utils.compute.single_guest import GUEST
from ..module_utils.compute.verdict import REBUILD, RESTART
from ..module_utils.door import compute_manager, host_argument_spec

VM_STATES = ["active", "stopped", "paused", "suspended", "shelved"]
FLAVOR = {
    "name": {"type": "str", "default": "custom"},
    "vcpus": {"type": "int", "required": True},
    "memory_mb": {"type": "int", "required": True},
    "root_gb": {"type": "int", "default": 0},
}
NETWORK = {
    "network": {"type": "str", "required": True},
    "bridge": {"type": "str"},
    "libvirt_network": {"type": "str"},
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            "name": {"type": "str", "required": True},
            "fleet": {"type": "str", "default": "default"},
            "project_id": {"type": "str", "default": "default"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "vm_state": {"type": "str", "choices": VM_STATES, "default": "active"},
            "consent": {"type": "list", "elements": "str", "choices": [RESTART, REBUILD], "default": []},
            "flavor": {"type": "dict", "options": FLAVOR},
            "image": {"type": "dict", "options": IMAGE},
            "networks": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": NETWORK,
                "mutually_exclusive": [("bridge", "libvirt_network")],
                "required_one_of": [("bridge", "libvirt_network")],
            },
            "metadata": {"type": "dict", "default": {}},
            "tags": {"type": "list", "elements": "str", "default": []},
            "display_name": {"type": "str"},
            "locked": {"type": "bool"},
            "ssh_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "user_data": {"type": "str", "no_log": True},
            **GUEST,
        },
        required_if=[("state", "present", ("flavor", "image"))],
        supports_check_mode=True,
    )
    with compute_manager(module) as manager:
        single = SingleInstance(manager, module.params["host"])
        if module.params["state"] == "absent":
            change = single.remove(module.params["fleet"], module.params["project_id"], module.params["name"])
        else:
            change = single.provide(read_wanted(module.params), module.params["consent"])
        if not module.check_mode:
            single.carry_out(change)
        outcome = {
            "changed": bool(change.actions),
            "actions": [{"operation": action.operation, "reason": action.reason} for action in change.actions],
            "diff": [action.as_diff() for action in change.actions],
            "instance": single.find(change.uuid),
        }
    module.exit_json(**outcome)


if __name__ == "__main__":
    main()
