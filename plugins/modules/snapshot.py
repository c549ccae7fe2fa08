# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: snapshot
short_description: Save what all compute nodes said in one document
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Saves the audits of this run. Plans can be made, and capacity be counted, from the document as from the hosts
    themselves - see the options C(hosts_from) of M(novella.compute.plan) and M(novella.compute.capacity).
  - It runs on the controller, once for all hosts. The audit's result must be registered as C(novella_audit) on each
    host, as the playbook C(novella.compute.audit) does. A host without it is named as one that did not answer.
extends_documentation_fragment:
  - novella.compute.attributes
attributes:
  check_mode:
    support: full
    details: The file is not written in check mode.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  save_to:
    description:
      - Where to, as a path that ends in C(.yml), C(.yaml) or C(.json), seen from the directory in which Ansible was
        started. The file is readable by its owner only, and replaced as a whole.
    type: str
    required: true
  group:
    description:
      - The inventory group of the compute nodes. Left out, it is the variable C(novella_group), or C(compute).
    type: str
notes:
  - A snapshot holds the instances' records, with their metadata and public ssh keys, but no user data.
seealso:
  - module: novella.compute.compute_node_facts
  - module: novella.compute.plan
"""

EXAMPLES = r"""
- name: Save what the hosts said
  novella.compute.snapshot:
    save_to: snapshot.json
  run_once: true
"""

RETURN = r"""
path:
  description: Where it was saved.
  returned: success
  type: str
  sample: snapshot.json
hosts:
  description: The hosts in it.
  returned: success
  type: list
  elements: str
  sample: [kvm1, kvm2]
silent:
  description: The hosts that did not answer, each with the reason.
  returned: success
  type: dict
  sample: {kvm3: timed out}
code:
  description: Why it failed, as a name for programs.
  returned: failure
  type: str
  sample: OptionInvalid
"""
