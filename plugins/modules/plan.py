# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Say what would make the compute nodes hold what a fleet declares
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Compares the fleet with the audits of this run, and plans what to do about each difference, host by host. The plan
    is printed as a table, and nothing is touched.
  - It runs on the controller, once for all hosts. The audit's result must be registered as C(novella_audit) on each
    host, as the playbook C(novella.compute.audit) does. A host without it counts as one that did not answer.
  - What may be on a host that did not answer is never planned for another one.
extends_documentation_fragment:
  - novella.compute.attributes
attributes:
  check_mode:
    support: full
    details: The file named by O(save_to) is not written in check mode.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  fleet:
    description:
      - What shall exist, as the path of a file or of a folder of files, or as a mapping. Paths are seen from the
        directory in which Ansible was started.
      - The inventory variable C(novella_fleet) is merged with it, and suffices on its own.
    type: raw
  group:
    description:
      - The inventory group of the compute nodes. Left out, it is the variable C(novella_group), or C(compute).
    type: str
  hosts_from:
    description:
      - Plan for these hosts instead of those of O(group), whether they exist or not. It is the path of a document, or
        its content - a snapshot that M(novella.compute.snapshot) has saved, or a list of hosts written by hand.
      - Each entry of such a list is a host document, or holds C(host), C(vcpus), C(memory_mb), C(local_gb) and what
        else of a compute node is not as usual. C(count) stands for so many equal hosts.
    type: raw
  prune:
    description:
      - Delete the fleet's instances that it does not declare any more, with their disks.
    type: bool
    default: false
  consent:
    description:
      - What may be done though it is felt. A V(restart) shuts a running guest down and starts it, where its flavor or
        its image's properties are declared otherwise. A V(rebuild) gives an instance a new root disk, where its image,
        its SSH keys or its user data are declared otherwise, and the data on the old one are lost. Without it, such an
        instance stays as it is, and the run fails at its end. The fleet may say it too, as C(allow).
      - With V(drift) what somebody has changed about a domain outside Novella is put right; what takes a restart of the
        guest wants V(restart) as well.
      - With V(delete_volume) O(prune) deletes the fleet's volumes, too, that it does not declare any more and that no
        instance has.
    type: list
    elements: str
    choices: [restart, rebuild, drift, delete_volume]
    default: []
  save_to:
    description:
      - Save the plan as a document, readable by its owner only. The path ends in C(.yml), C(.yaml) or C(.json).
    type: str
  apply_from:
    description:
      - Take the plan that was saved here, and make none. It is refused where a host has changed since.
      - What fails is not tried on another host then, as the plan that was reviewed names its hosts.
    type: str
  previous:
    description:
      - The registered result of this action before the last reconcile, which is registered as C(novella_reconcile).
      - Only the creates that failed there by no fault of their own are planned again, without the hosts that were
        tried.
      - The option C(scheduler.max_attempts) of the fleet limits how often.
    type: dict
  claimed:
    description:
      - The registered result of this action before the claims, which are registered as C(novella_claim). Returned is
        what of it may be built, as no other run is in the way and the hosts have room.
    type: dict
  recall:
    description:
      - Where hosts do not answer and the others were not asked about them yet, return only RV(silent), so that the
        playbook can ask with M(novella.compute.whereabouts). Its result is registered as C(novella_recollection).
      - Where an interrupted run of this machine still holds names or room, return only RV(over), so that the playbook
        can give them back with M(novella.compute.claim).
      - Without it, all that is seen nowhere may be on the hosts that do not answer.
    type: bool
    default: false
  fail_unplaced:
    description:
      - Fail after all else, when an instance fits on no host, or when a change is declared that cannot be made.
    type: bool
    default: false
notes:
  - A plan holds no user data, only its digest.
seealso:
  - module: novella.compute.claim
  - module: novella.compute.compute_node_facts
  - module: novella.compute.reconcile
  - module: novella.compute.snapshot
  - module: novella.compute.summary
  - module: novella.compute.whereabouts
  - plugin: novella.compute.plan
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Plan, and save the plan for review
  novella.compute.plan:
    fleet: fleet.yml
    save_to: plan.yml
  register: novella_plan
  run_once: true

- name: Plan for two hosts that are yet to be bought
  novella.compute.plan:
    fleet: fleet.yml
    hosts_from:
      - {host: new, count: 2, vcpus: 32, memory_mb: 131072, local_gb: 2000}
  run_once: true

- name: Take the plan that was reviewed
  novella.compute.plan:
    apply_from: plan.yml
  register: novella_plan
  run_once: true
"""

RETURN = r"""
plan:
  description: The plan document. Actions are in the order in which they are to be done.
  returned: success
  type: dict
  sample:
    kind: plan
    version: "1.0"
    fleet: default
    created_at: "2026-11-21T10:15:30.123456Z"
    hosts: {kvm1: {generation: 3, digest: 0f343b0931126a20}}
    actions:
      - operation: start
        uuid: 6ba7b811-9dad-51d1-80b4-00c04fd430c8
        name: web-1
        host: kvm1
        reason: "was stopped outside Novella (vm_state active, power_state shutdown)"
        diff: [{field: power_state, before: shutdown, after: running}]
    unchanged: 7
slices:
  description: The plan's actions by host, for M(novella.compute.reconcile). Hosts without any are left out.
  returned: success
  type: dict
  sample: {}
images:
  description:
    - The images of hosts that other hosts are about to use, as M(novella.compute.image_transfer) takes them. By host,
      those that it is to C(offer), and those that it is to C(want). Empty where there are none.
  returned: success
  type: dict
  sample: {}
remaining:
  description: Whether there is anything to reconcile now.
  returned: success
  type: bool
  sample: true
attempt:
  description: The number of the attempt that this plan is for, counted from 1.
  returned: success
  type: int
  sample: 1
max_attempts:
  description: On how many hosts an instance may be tried.
  returned: success
  type: int
  sample: 3
tried:
  description: By uuid, the hosts where a create failed in this run.
  returned: success
  type: dict
  sample: {}
failures:
  description: All that has failed for good in this run, and all that the plan cannot bring about.
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
    host:
      description: Where it failed; C(null) where no host was found.
      type: str
      sample: kvm1
    operation:
      description: What failed.
      type: str
      sample: create
    code:
      description: Why, as a name for programs.
      type: str
      sample: NoValidHost
    message:
      description: Why, for people.
      type: str
      sample: "No valid host for web-1 (small): 0 of 3 hosts fit. RamFilter refused 3."
    is_certain:
      description: Whether it is known that it was not done. A host that falls silent leaves it open.
      type: bool
      sample: true
run:
  description: The id of this run, under which it claims.
  returned: success
  type: str
  sample: 0b5f7f3f5c0e4f6c9b7d1f0e2a3c4d5e
generations:
  description: How many changes each host had seen at the beginning of the run.
  returned: success
  type: dict
  sample: {kvm1: 1763715012}
claims:
  description: By host, the arguments of M(novella.compute.claim); none where there is nothing to claim beforehand.
  returned: success
  type: dict
  sample: {}
asked:
  description: The hosts that keep names for this run.
  returned: success
  type: list
  elements: str
  sample: []
refused:
  description: Creates for which their host had no room when it was asked, as in RV(failures).
  returned: success
  type: list
  elements: dict
  sample: []
contested:
  description: By uuid, the C(name) of an instance that another run was faster with, and the C(reason).
  returned: success
  type: dict
  sample: {}
contests:
  description: How many attempts so far another run was in the way of. They do not count as attempts.
  returned: success
  type: int
  sample: 0
releases:
  description: By host, what is given back so that the other run can go on.
  returned: success
  type: dict
  sample: {}
back_off:
  description: How many seconds to wait for the other run.
  returned: success
  type: float
  sample: 0
memory:
  description: What the hosts are to be told at the end of the run with M(novella.compute.whereabouts), if anything.
  returned: success
  type: dict
  sample: {}
silent:
  description: The hosts that the others are to be asked about, with O(recall).
  returned: success
  type: list
  elements: str
  sample: []
over:
  description: By host, runs of this machine that were interrupted and still hold something there, with O(recall).
  returned: success
  type: dict
  sample: {}
summary:
  description: How many instances the plan of the first attempt has for each operation, and how many need nothing.
  returned: always
  type: dict
  sample: {create: 8, start: 1, stop: 0, update: 0, delete: 2, unplaced: 0, findings: 0, unchanged: 12}
availability_zones:
  description: The availability zone of each host that an aggregate gives one.
  returned: success
  type: dict
  sample: {kvm1: az1}
code:
  description: Why it failed, as a name for programs.
  returned: failure
  type: str
  sample: PlanOutdated
"""
