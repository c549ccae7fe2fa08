# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_info
short_description: Tell all about the instances of a compute node
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Tells of each instance on the host its record, its states, its addresses, what was done to it, and the fault of its
    last operation where that failed.
  - It also tells of instances that are not there, but have something to tell; see RV(lost) and RV(absent).
  - Nothing is changed. What a killed run left half-done is told of, and left to the next run that acts.
extends_documentation_fragment:
  - novella.compute.attributes
  - novella.compute.attributes.action_group
  - novella.compute.host
attributes:
  check_mode:
    support: full
    details: It is the same in check mode.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  names:
    description:
      - Only instances whose name is one of these, or fits one of these shell patterns.
    type: list
    elements: str
    default: []
  uuids:
    description:
      - Only instances with one of these UUIDs. One that is not on the host any more is told of, too, for as long as its
        history is kept.
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
  actions:
    description:
      - How many of an instance's newest actions to tell.
    type: int
    default: 10
  include_foreign:
    description:
      - Tell of the domains that are not Novella's, too, all of them.
    type: bool
    default: false
  diagnostics:
    description:
      - Tell of what the running guests use, too.
    type: bool
    default: false
  devices:
    description:
      - Tell of what is plugged into the guests, too.
    type: bool
    default: false
  console_lines:
    description:
      - Tell of the last so many lines of the serial consoles, too.
      - Of each console no more than O(console_bytes) are read.
    type: int
  console_bytes:
    description:
      - Tell of the last so many bytes of the serial consoles, too, at most 1048576.
      - Where only O(console_lines) is given, these are 102400.
    type: int
  guest_facts:
    description:
      - Tell of what the running guests' agents say of them, too.
      - An agent that does not answer is given up after some seconds; RV(instances[].guest_reason) says so.
    type: bool
    default: false
seealso:
  - module: novella.compute.instance_table
  - module: novella.compute.compute_node_facts
"""

EXAMPLES = r"""
- name: Ask for the web servers
  novella.compute.instance_info:
    names: ["web-*"]
    actions: 3
  register: novella_instance_info

- name: Ask what the database uses, and what it said last
  novella.compute.instance_info:
    names: [db]
    diagnostics: true
    console_lines: 20
  register: novella_instance_info

- name: Show what failed on this host
  ansible.builtin.debug:
    msg: "{{ told | selectattr('fault') | map(attribute='fault.message') | list }}"
  vars:
    told: "{{ novella_instance_info.instances + novella_instance_info.absent }}"
"""

RETURN = r"""
instances:
  description: The instances that have a domain on the host, by name.
  returned: success
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
    status:
      description: What a user of OpenStack would see, in one word for RV(instances[].vm_state) and
        RV(instances[].task_state).
      type: str
      sample: ACTIVE
    vm_state:
      description: What it was last told to be.
      type: str
      sample: active
    task_state:
      description: What is being done to it.
      type: str
      sample: powering-off
    power_state:
      description: What the hypervisor says.
      type: str
      sample: running
    addresses:
      description: Its IP addresses as far as they are known. They may lag behind a boot.
      type: list
      elements: str
      sample: [192.0.2.17]
    flavor:
      description: What its size is called.
      type: str
      sample: small
    vcpus:
      description: Number of virtual CPUs.
      type: int
      sample: 1
    memory_mb:
      description: Memory in MiB.
      type: int
      sample: 1024
    root_gb:
      description: Size of the root disk in GiB.
      type: int
      sample: 10
    image:
      description: What it was made from.
      type: str
      sample: debian
    created_at:
      description: When it was made.
      type: str
      sample: "2026-11-21T10:15:30.123456Z"
    launched_at:
      description: When it was started first.
      type: str
      sample: "2026-11-21T10:15:31.654321Z"
    instance:
      description: Its whole record.
      type: dict
      sample: {uuid: 6ba7b811-9dad-51d1-80b4-00c04fd430c8, spec: {name: web-1}}
    actions:
      description: What was done to it, newest first. One that goes on has no C(finish_time).
      type: list
      elements: dict
      contains:
        action:
          description: What, in OpenStack's words.
          type: str
          sample: create
        instance_uuid:
          description: The instance.
          type: str
          sample: 6ba7b811-9dad-51d1-80b4-00c04fd430c8
        request_id:
          description: The run that asked for it. The same on all hosts.
          type: str
          sample: req-0242ac11-0002-5b1e-77aa-00000000000c
        start_time:
          description: When it began.
          type: str
          sample: "2026-11-21T10:15:30.123456Z"
        finish_time:
          description: When it ended.
          type: str
          sample: "2026-11-21T10:15:31.654321Z"
        message:
          description: Why it failed; V(none) where it did not.
          type: str
          sample: power_on of web-1 failed
        events:
          description: The operation as a whole, and then its steps.
          type: list
          elements: dict
          contains:
            event:
              description: Which part of the operation.
              type: str
              sample: compute_create.root_disk
            start_time:
              description: When it began. Not known for steps of a run that was killed.
              type: str
              sample: "2026-11-21T10:15:30.223456Z"
            finish_time:
              description: When it ended.
              type: str
              sample: "2026-11-21T10:15:30.323456Z"
            result:
              description: V(Success) or V(Error); V(none) while it goes on.
              type: str
              sample: Success
            details:
              description: Why it failed.
              type: str
              sample: power_on of web-1 failed
    fault:
      description: Why its last operation failed, or why it is in error; else V(none).
      type: dict
      contains:
        code:
          description: The error's name.
          type: str
          sample: HypervisorError
        message:
          description: What went wrong; at most 255 letters.
          type: str
          sample: power_on of web-1 failed
        details:
          description: What to do about it.
          type: str
          sample: Look into the host's libvirt log.
        host:
          description: Where it happened.
          type: str
          sample: kvm1
        created_at:
          description: When it happened.
          type: str
          sample: "2026-11-21T10:15:31.654321Z"
    diagnostics:
      description:
        - What the guest uses, as Nova's diagnostics of microversion 2.48; V(none) where it is off.
        - What the hypervisor does not tell is V(none). Counters begin anew when the guest is started.
      returned: when O(diagnostics) is true
      type: dict
      contains:
        state:
          description: What the guest does, in Nova's words.
          type: str
          sample: running
        driver:
          description: What Novella drives the hypervisor by.
          type: str
          sample: libvirt
        hypervisor:
          description: What runs the guest.
          type: str
          sample: kvm
        hypervisor_os:
          description: What the hypervisor runs on. Left out where it is not known.
          type: str
          sample: linux
        uptime:
          description: Seconds since the guest was started, or was resumed from disk.
          type: int
          sample: 46664
        config_drive:
          description: Whether it has a config drive.
          type: bool
          sample: true
        num_cpus:
          description: Number of virtual CPUs.
          type: int
          sample: 1
        num_nics:
          description: Number of network interfaces.
          type: int
          sample: 1
        num_disks:
          description: Number of disks, with the config drive.
          type: int
          sample: 2
        cpu_details:
          description: The virtual CPUs, each with C(id), C(time) in nanoseconds, and C(utilisation) in percent.
          type: list
          elements: dict
          sample: [{id: 0, time: 17300000000, utilisation: null}]
        nic_details:
          description: The network interfaces, each with C(mac_address), and as received (C(rx_)) and sent (C(tx_))
            C(octets), C(packets), C(errors), C(drop) and C(rate).
          type: list
          elements: dict
          sample:
            - mac_address: "52:54:00:11:22:33"
              rx_octets: 2070139
              rx_packets: 26701
              rx_errors: 0
              rx_drop: 0
              rx_rate: null
              tx_octets: 140208
              tx_packets: 662
              tx_errors: 0
              tx_drop: 0
              tx_rate: null
        disk_details:
          description: The disks, each with C(read_bytes), C(read_requests), C(write_bytes), C(write_requests) and
            C(errors_count).
          type: list
          elements: dict
          sample:
            - {read_bytes: 262144, read_requests: 112, write_bytes: 5778432, write_requests: 488, errors_count: null}
        memory_details:
          description: The memory in MiB, C(maximum) and C(used), which is what of it the guest has been given.
          type: dict
          sample: {maximum: 1024, used: 1024}
    diagnostics_reason:
      description: Why there are no diagnostics; V(none) where there are.
      returned: when O(diagnostics) is true
      type: str
      sample: There are none, as it is off.
    devices:
      description:
        - The disks, network interfaces and host devices that the hypervisor gives the guest now. What one has not is
          V(none).
      returned: when O(devices) is true
      type: list
      elements: dict
      contains:
        type:
          description: V(disk), V(nic) or V(hostdev).
          type: str
          sample: disk
        name:
          description: A disk's target, or the tap device of an interface while the guest runs.
          type: str
          sample: vdb
        kind:
          description: What the guest takes it for, V(disk) or V(cdrom), the model of an interface, V(pci).
          type: str
          sample: disk
        bus:
          description: What it hangs on.
          type: str
          sample: virtio
        address:
          description: Its PCI address in the guest, or that of a host device on the host.
          type: str
          sample: "0000:05:00.0"
        source:
          description: Where a disk's data are; what an interface hangs on.
          type: str
          sample: /var/lib/libvirt/images/5f0d3c1e-8f5b-5c5e-9a59-0d6b7c1f2a3a.volume.qcow2
        serial:
          description: What a disk calls itself. That of a volume is its UUID.
          type: str
          sample: 5f0d3c1e-8f5b-5c5e-9a59-0d6b7c1f2a3a
        mac:
          description: The hardware address of an interface.
          type: str
          sample: "52:54:00:12:34:56"
        read_only:
          description: Whether the guest cannot write to a disk.
          type: bool
          sample: false
        is_linked:
          description: Whether the link of an interface is up.
          type: bool
          sample: true
    console_output:
      description:
        - The end of what the guest said on its serial console, since it was made. What was rotated away is read, too,
          as far as the host keeps it.
        - A guest may say anything, so it is made fit for terminals. Control characters other than newline and tab, and
          characters that are invisible or change the direction of writing, are written as C(\x1b) or C(\u202e).
          Bytes that are not UTF-8 are written as C(\xff). The line ends of terminals become newlines.
      returned: when O(console_lines) or O(console_bytes) is given
      type: str
      sample: "debian login: "
    guest:
      description:
        - What the guest's agent says of it, or V(none). It is the guest's word, which may be wrong or meant to deceive;
          nothing is decided by it.
        - Of each list at most 64 items are told, of each text 255 characters. Characters that do not belong on a
          terminal are written as in RV(instances[].console_output). What the agent did not tell is V(none).
      returned: when O(guest_facts) is true
      type: dict
      contains:
        hostname:
          description: How it calls itself.
          type: str
          sample: web-1
        timezone:
          description: The name of its time zone.
          type: str
          sample: UTC
        os:
          description: Its operating system, C(id), C(name), C(version), C(kernel) and C(machine).
          type: dict
          sample: {id: debian, name: Debian GNU/Linux 12, version: "12", kernel: 6.1.0-18-amd64, machine: x86_64}
        interfaces:
          description: Its network interfaces, C(name), C(mac_address) and C(addresses).
          type: list
          elements: dict
          sample: [{name: eth0, mac_address: "52:54:00:12:34:56", addresses: [192.0.2.7]}]
        users:
          description: Who is logged in, C(user), C(domain) and C(login_time) in seconds since the epoch.
          type: list
          elements: dict
          sample: []
        filesystems:
          description: What is mounted, C(mountpoint), C(type), C(total_bytes) and C(used_bytes).
          type: list
          elements: dict
          sample: [{mountpoint: /, type: ext4, total_bytes: 5217320960, used_bytes: 912777216}]
    guest_reason:
      description: Why the guest says nothing; V(none) where it does.
      returned: when O(guest_facts) is true
      type: str
      sample: Nobody answers, as it is off.
lost:
  description: Instances whose domain is gone, and that nobody told Novella to delete. They have C(uuid), C(name),
    C(fleet), C(project_id), C(host), C(has_disk), C(actions) and C(fault).
  returned: success
  type: list
  elements: dict
  sample: []
absent:
  description:
    - Instances that are not on the host, of which there is something to tell. They are being made, or their last
      operation on this host failed, or O(uuids) names them. They have C(uuid), C(name), C(fleet), C(project_id),
      C(host), C(status), C(actions) and C(fault).
    - What could not be made here may have been made on another host since.
  returned: success
  type: list
  elements: dict
  sample: []
foreign:
  description: The domains that are not Novella's, with C(uuid), C(name), C(power_state), C(vcpus), C(memory_mb) and
    C(disk_gb).
  returned: success
  type: list
  elements: dict
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.compute.guest_reading import Reading
from ..module_utils.compute.instance_details import Selection
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
            "actions": {"type": "int", "default": 10},
            "include_foreign": {"type": "bool", "default": False},
            "diagnostics": {"type": "bool", "default": False},
            "devices": {"type": "bool", "default": False},
            "console_lines": {"type": "int"},
            "console_bytes": {"type": "int"},
            "guest_facts": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    selection = Selection(params["names"], params["uuids"], params["fleet"], params["project_id"])
    asked = ("diagnostics", "console_lines", "console_bytes", "devices")
    reading = Reading(guest=params["guest_facts"], **{name: params[name] for name in asked})
    with compute_manager(module, read_only=True) as manager:
        told = manager.describe_instances(selection, params["actions"], params["include_foreign"], reading)
    module.exit_json(changed=False, **told)


if __name__ == "__main__":
    main()
