# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_action
short_description: Start, stop, pause or delete the instances of a compute node that are meant
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Does one operation to every instance on the host that is meant, several at once. Run on all hosts, it finds the
    instances wherever they are.
  - An instance that is as the operation would leave it is left alone. One that is in a state from which the operation
    may not start fails, and the others go on.
  - At least one of O(names), O(uuids), O(fleet) and O(project_id) must say which instances are meant.
  - What a fleet declares stays declared. The next M(novella.compute.reconcile) of the fleet brings the instance back,
    unless the fleet says V(any) of it.
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
  action:
    description:
      - The operation.
      - V(reboot) asks the guest to shut down and starts it again; one that does not within
        O(wait_soft_reboot_seconds) is rebooted hard. V(hard_reboot) cuts its power and defines it anew from its
        record; saved memory is lost.
      - V(stop) asks the guest to shut down, and cuts its power after O(shutdown_timeout). V(pause) has it stand still
        in memory, V(suspend) on disk. V(soft_delete) keeps its data until it is reclaimed; V(restore) takes that back.
      - V(shelve) shuts it down and puts it away; it keeps its disks and its room. V(unshelve) starts it again.
      - V(rescue) boots it from a disk made of O(image), with its own root disk as the second one; V(unrescue) boots it
        from its own again.
      - V(rebuild) replaces its root disk by a new one made of O(image). It keeps its UUID, its addresses and its size.
        What was on the root disk and the ephemeral ones is lost as soon as the new guest has been started; until then,
        a failure brings the old ones back. One that boots from a volume keeps that as it is.
      - V(trigger_crash_dump) gives the guest a non-maskable interrupt, at which its kernel may write a dump of itself.
      - V(set_admin_password) goes through the guest's agent, and fails where there is none. The password is remembered
        nowhere.
      - V(inject_file) goes through the agent of a guest that runs. To one that is stopped its config drive offers the
        file at the next boot; what comes of it, the software in the guest decides.
      - V(inject_network_info) writes what the record says of the instance's networks into its config drive.
        V(reset_network) pulls the interfaces of a running guest and plugs them in again.
      - V(attach_volume) gives it a volume, at once if it runs; one that is not on the host is made. V(detach_volume)
        takes it away and keeps it, once a running guest has let go of it. V(extend_volume) has it grow, which a running
        guest sees at once. V(limit_volume) limits its input and output.
      - V(swap_volume) copies a volume of a running guest to O(new_volume), which the guest goes on with. The old one is
        free then, and kept.
      - V(remove_volume_connection) takes away what the host has left of a volume's attachment, whether the record tells
        of it or not.
      - V(attach_interface) gives it a NIC, at once if it runs; V(detach_interface) takes one away, once a running guest
        has let go of it. V(add_fixed_ip_to_instance) and V(remove_fixed_ip_from_instance) give a NIC a further address
        and take one away; the guest learns of it when it asks for its address again, or boots.
      - V(refresh_instance_security_rules) has its packets go by its security groups, as its record has them, though
        somebody has taken their rules from the host. A running guest goes on.
      - V(lock) has it stay as it is. Until V(unlock) whatever else is asked for is refused, by name and through a plan;
        only metadata, tags and display name may be changed.
    type: str
    choices:
      - start
      - stop
      - reboot
      - hard_reboot
      - pause
      - unpause
      - suspend
      - resume
      - shelve
      - unshelve
      - rescue
      - unrescue
      - rebuild
      - delete
      - soft_delete
      - restore
      - trigger_crash_dump
      - lock
      - unlock
      - set_admin_password
      - inject_file
      - inject_network_info
      - reset_network
      - attach_volume
      - detach_volume
      - extend_volume
      - attach_interface
      - detach_interface
      - add_fixed_ip_to_instance
      - remove_fixed_ip_from_instance
      - limit_volume
      - swap_volume
      - remove_volume_connection
      - refresh_instance_security_rules
    required: true
  image:
    description:
      - With V(rescue) and V(rebuild), what to boot. Without it, the image that the instance was made from.
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
  preserve_ephemeral:
    description:
      - With O(action=rebuild), whether the ephemeral disks and swap stay as they are.
    type: bool
  admin_password:
    description:
      - With O(action=set_admin_password), the password. Have one made and kept by the lookup
        P(ansible.builtin.password#lookup).
    type: str
  rescue_password:
    description:
      - With O(action=rescue), a password for the administrator of the system that is booted. Its config drive hands it
        over as C(admin_pass) of its metadata, and goes with the rescue disk. It is remembered nowhere else.
    type: str
  admin_user:
    description:
      - With O(action=set_admin_password), whose. Without it the image's property C(os_admin_user), else V(root), or
        V(Administrator) where its C(os_type) is C(windows).
    type: str
  path:
    description:
      - With O(action=inject_file), the absolute path of the file in the guest. One that is there is replaced.
    type: str
  content:
    description:
      - With O(action=inject_file), what to write, at most 10240 bytes.
    type: str
  volume:
    description:
      - With V(attach_volume), V(detach_volume), V(extend_volume), V(limit_volume), V(swap_volume) and
        V(remove_volume_connection), the volume. It is one of the instance's fleet and project.
    type: dict
    suboptions:
      name:
        description:
          - Its name. A volume of an instance's own is called after it and its position, such as V(db/0).
        type: str
        required: true
      size_gb:
        description:
          - Its size in GiB. A new one needs it, and so does V(extend_volume). One that is there may grow, and never
            shrinks.
        type: int
      format:
        description: The format of a new one's file, V(qcow2) by default.
        type: str
        choices: [qcow2, raw]
      bus:
        description:
          - How the guest sees the disk. V(sata) cannot be attached to a running guest.
        type: str
        choices: [virtio, scsi, sata]
        default: virtio
      delete_on_termination:
        description: Whether the volume goes, with its data, when the instance is deleted.
        type: bool
        default: false
      limits:
        description:
          - With V(attach_volume) and V(limit_volume), bytes and requests per second that it takes at most. What is not
            named is not limited.
        type: dict
        suboptions:
          total_bytes_sec:
            description: Bytes in all.
            type: int
          read_bytes_sec:
            description: Bytes that are read.
            type: int
          write_bytes_sec:
            description: Bytes that are written.
            type: int
          total_iops_sec:
            description: Requests in all.
            type: int
          read_iops_sec:
            description: Requests to read.
            type: int
          write_iops_sec:
            description: Requests to write.
            type: int
  new_volume:
    description:
      - With V(swap_volume), the volume that O(volume) is copied to. One that is not on the host is made, as large as
        the old one unless O(new_volume.size_gb) says more. It gets the old one's bus, limits and whether it is deleted
        with the instance.
    type: dict
    suboptions:
      name:
        description:
          - Its name. A volume of an instance's own is called after it and its position, such as V(db/0).
        type: str
        required: true
      size_gb:
        description:
          - Its size in GiB. A new one needs it, and so does V(extend_volume). One that is there may grow, and never
            shrinks.
        type: int
      format:
        description: The format of a new one's file, V(qcow2) by default.
        type: str
        choices: [qcow2, raw]
      bus:
        description:
          - How the guest sees the disk. V(sata) cannot be attached to a running guest.
        type: str
        choices: [virtio, scsi, sata]
        default: virtio
      delete_on_termination:
        description: Whether the volume goes, with its data, when the instance is deleted.
        type: bool
        default: false
      limits:
        description:
          - With V(attach_volume) and V(limit_volume), bytes and requests per second that it takes at most. What is not
            named is not limited.
        type: dict
        suboptions:
          total_bytes_sec:
            description: Bytes in all.
            type: int
          read_bytes_sec:
            description: Bytes that are read.
            type: int
          write_bytes_sec:
            description: Bytes that are written.
            type: int
          total_iops_sec:
            description: Requests in all.
            type: int
          read_iops_sec:
            description: Requests to read.
            type: int
          write_iops_sec:
            description: Requests to write.
            type: int
  interface:
    description:
      - With V(attach_interface), V(detach_interface), V(add_fixed_ip_to_instance) and
        V(remove_fixed_ip_from_instance), the NIC.
    type: dict
    suboptions:
      network:
        description:
          - A network of the instance's fleet that Novella has defined on the host, or one that the instance is on.
        type: str
      bridge:
        description: A bridge of the host.
        type: str
      libvirt_network:
        description: A libvirt network of the host.
        type: str
      mac_address:
        description: Its MAC address. A new one gets one of its own by default.
        type: str
      address:
        description:
          - Its address. A new NIC on a network with subnets needs one. With V(detach_interface), V(mac_address) and
            V(network) may say instead which one is meant.
        type: str
      model:
        description: What the guest sees.
        type: str
        choices: [virtio, e1000e, e1000, rtl8139]
        default: virtio
      mtu:
        description: Its MTU in bytes; the network's by default.
        type: int
  reason:
    description:
      - With O(action=lock), why. Whoever is refused something for the lock is told. One line of at most 255 characters.
    type: str
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
      - With V(fail) the task fails when the operation failed for any instance. With V(report) the results say so, and
        the task succeeds.
    type: str
    choices: [fail, report]
    default: fail
  progress_path:
    description:
      - A file that is rewritten after each ended instance with one line of text, and removed at the end.
    type: path
seealso:
  - module: novella.compute.instance
  - module: novella.compute.instance_info
"""

EXAMPLES = r"""
- name: Have all web servers stand still
  novella.compute.instance_action:
    action: pause
    names: ["web-*"]

- name: Boot one from another image, to repair its disk
  novella.compute.instance_action:
    action: rescue
    names: [db]
    image: {source: /srv/images/rescue.qcow2}

- name: Let them go on
  novella.compute.instance_action:
    action: unpause
    names: ["web-*"]

- name: Give the database another disk
  novella.compute.instance_action:
    action: attach_volume
    names: [db]
    volume: {name: archive, size_gb: 100}

- name: Give the database a NIC on another network
  novella.compute.instance_action:
    action: attach_interface
    names: [db]
    interface: {network: back, address: 10.1.0.7}

- name: Have the database left alone
  novella.compute.instance_action:
    action: lock
    names: [db]
    reason: the auditors are looking at it
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
      description: What was asked for.
      type: str
      sample: pause
    status:
      description: V(done), V(unchanged), V(failed), or in check mode V(planned).
      type: str
      sample: done
    before:
      description: The vm_state before.
      type: str
      sample: active
    after:
      description: The vm_state afterwards.
      type: str
      sample: paused
    seconds:
      description: How long it took.
      type: float
      sample: 0.012
    remarks:
      description: What to know though it was done, such as that a guest would not shut down.
      type: list
      elements: str
      sample: []
    record_before:
      description: Of V(lock) and V(unlock), what the record said of the lock; else empty.
      type: dict
      sample: {}
    record_after:
      description: What it says afterwards, likewise.
      type: dict
      sample: {}
    error:
      description: Why it failed, with C(code), C(message), C(remedy) and C(details); else null.
      type: dict
      sample: null
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.answering import leave, read_selection, selection_argument_spec
from ..module_utils.compute.commands import COMMANDS, Command
from ..module_utils.compute.injected_file import read_injected_file
from ..module_utils.compute.interface_wish import INTERFACE, read_interface
from ..module_utils.compute.progress import ProgressFile
from ..module_utils.compute.single import IMAGE, read_image
from ..module_utils.compute.volume_wish import VOLUME, read_wish
from ..module_utils.door import compute_manager
from ..module_utils.host_arguments import host_argument_spec
from ..module_utils.objects.errors import OptionInvalid

# Options that only some operations have.
OWN_OPTIONS = {
    "image": ("rescue", "rebuild"),
    "preserve_ephemeral": ("rebuild",),
    "reason": ("lock",),
    "volume": (
        *("attach_volume", "detach_volume", "extend_volume"),
        *("limit_volume", "swap_volume", "remove_volume_connection"),
    ),
    "new_volume": ("swap_volume",),
    "interface": (
        *("attach_interface", "detach_interface"),
        *("add_fixed_ip_to_instance", "remove_fixed_ip_from_instance"),
    ),
    "admin_password": ("set_admin_password",),
    "rescue_password": ("rescue",),
    "admin_user": ("set_admin_password",),
    "path": ("inject_file",),
    "content": ("inject_file",),
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            **selection_argument_spec(),
            "action": {"type": "str", "choices": list(COMMANDS), "required": True},
            "image": {"type": "dict", "options": IMAGE},
            "preserve_ephemeral": {"type": "bool"},
            "reason": {"type": "str"},
            "volume": {"type": "dict", "options": VOLUME},
            "interface": {"type": "dict", "options": INTERFACE},
            "new_volume": {"type": "dict", "options": VOLUME},
            "admin_password": {"type": "str", "no_log": True},
            "rescue_password": {"type": "str", "no_log": True},
            "admin_user": {"type": "str"},
            "path": {"type": "str"},
            "content": {"type": "str", "no_log": True},
        },
        required_if=[
            ("action", "set_admin_password", ("admin_password",)),
            ("action", "inject_file", ("path", "content")),
            *(("action", action, (name,)) for name in ("volume", "interface") for action in OWN_OPTIONS[name]),
            ("action", "swap_volume", ("new_volume",)),
        ],
        supports_check_mode=True,
    )
    params = module.params
    given = {name: params[name] for name in OWN_OPTIONS if params[name] is not None}
    progress = ProgressFile(params["progress_path"])
    with progress, compute_manager(module, progress.write) as manager:
        for name in given:
            if params["action"] not in OWN_OPTIONS[name]:
                raise OptionInvalid(f"{name} is no option of action {params['action']}.", "Leave it out.")
        if "path" in given:
            given["file"] = read_injected_file(given.pop("path"), given.pop("content"))
        for name in ("volume", "new_volume"):
            if name in given:
                given[name] = read_wish(given[name], params["action"])
        if "interface" in given:
            given["interface"] = read_interface(given["interface"], params["action"])
        if "image" in given:
            given["image"] = read_image(given["image"])
        command = Command(params["action"], read_selection(params), given)
        answers = manager.obey(command, module.check_mode)
    leave(module, answers)


if __name__ == "__main__":
    main()
