# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: reconcile
short_description: Make a compute node agree with its slice of a plan
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Does the actions of a plan that belong to this host. Resources are claimed first, all at once; then several
    instances are worked on side by side.
  - One instance's failure never stops another's. Each has its own result.
  - The host document is returned as a fact, so that no new audit is needed afterwards.
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
    support: none
    details: The plan is what makes a run idempotent. Doing one slice twice is refused where its work is done already.
options:
  actions:
    description:
      - The actions for this host, as the plan has them.
    type: list
    elements: dict
    required: true
  user_data:
    description:
      - User data by instance uuid, and passphrases of encrypted volumes by theirs, base64. They are kept out of plans,
        records and results.
    type: dict
    default: {}
  contents:
    description:
      - What config drives are to hold besides, by SHA-256 digest, base64. It is kept out of plans, records and results.
      - See P(novella.compute.guest_contents#lookup).
    type: dict
    default: {}
  run:
    description:
      - The id of the run. What M(novella.compute.claim) has claimed for it on this host is used.
    type: str
    default: ''
  claimed:
    description:
      - Uuids of the creates that O(run) has claimed here. One whose claim has ended meanwhile is not built, as another
        run may build it by now.
    type: list
    elements: str
    default: []
  attempt:
    description:
      - Which attempt of an apply this is. It is only handed back.
    type: int
    default: 1
  image_faults:
    description:
      - Why images of other hosts could not be brought here, by source. What needs one of them fails.
    type: dict
    default: {}
  on_failure:
    description:
      - With V(fail) the task fails when any action did. With V(report) the results say so, and the task succeeds, so
        that a play can go on and place the instance elsewhere.
    type: str
    choices: [fail, report]
    default: fail
  progress_path:
    description:
      - A file that is rewritten after each ended action with one line of text, and removed at the end.
    type: path
seealso:
  - module: novella.compute.plan
  - module: novella.compute.compute_node_facts
"""

EXAMPLES = r"""
- name: Do this host's part of the plan
  novella.compute.reconcile:
    host: "{{ inventory_hostname }}"
    actions: "{{ novella_plan.slices[inventory_hostname] }}"
  when: inventory_hostname in novella_plan.slices
"""

RETURN = r"""
results:
  description: One result per action, in the order of O(actions).
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
    operation:
      description: What was asked.
      type: str
      sample: create
    status:
      description: V(done), V(failed), or in check mode V(planned).
      type: str
      sample: done
    seconds:
      description: How long it took.
      type: float
      sample: 0.412
    error:
      description: Why it failed, with C(code), C(message), C(remedy) and C(details).
      type: dict
      returned: when it failed
      sample:
        code: ComputeResourcesUnavailable
        message: "web-1 does not fit on kvm1: it wants 512 MB of memory, 128 are free."
        remedy: ""
        details: {}
attempt:
  description: As given.
  returned: always
  type: int
  sample: 1
ansible_facts:
  description: The host document after the work; see M(novella.compute.compute_node_facts).
  returned: always, except in check mode
  type: dict
"""

import base64
import binascii

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.compute.progress import ProgressFile
from ..module_utils.door import compute_manager, fail, host_argument_spec
from ..module_utils.objects.errors import NovellaError, OptionInvalid
from ..module_utils.objects.plan import Action


def decode(option: str, encoded: dict[str, str]) -> dict[str, bytes]:
    """Return the bytes that an option holds."""
    try:
        return {key: base64.b64decode(text, validate=True) for key, text in encoded.items()}
    except (binascii.Error, TypeError) as error:
        raise OptionInvalid(f"{option} holds something that is not base64: {error}.") from error


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            "actions": {"type": "list", "elements": "dict", "required": True},
            "user_data": {"type": "dict", "default": {}, "no_log": True},
            "contents": {"type": "dict", "default": {}, "no_log": True},
            "run": {"type": "str", "default": ""},
            "claimed": {"type": "list", "elements": "str", "default": []},
            "attempt": {"type": "int", "default": 1},
            "image_faults": {"type": "dict", "default": {}},
            "on_failure": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
            "progress_path": {"type": "path"},
        },
        supports_check_mode=True,
    )
    params = module.params
    progress = ProgressFile(params["progress_path"])
    with progress, compute_manager(module, progress.write) as manager:
        actions = [Action.from_dict(data, f"actions[{index}]") for index, data in enumerate(params["actions"])]
        outcome = {"attempt": params["attempt"], "diff": [action.as_diff() for action in actions]}
        if module.check_mode:
            outcome["results"] = manager.predict(actions)
        else:
            user_data, contents = (decode(option, params[option]) for option in ("user_data", "contents"))
            work = (actions, user_data, params["run"], params["claimed"], contents, params["image_faults"])
            outcome["results"], report = manager.converge(*work)
            outcome["ansible_facts"] = {"novella_host": report.as_document()}
        outcome["changed"] = any(result["status"] in ("done", "planned") for result in outcome["results"])
    failed = [result for result in outcome["results"] if result["status"] == "failed"]
    if failed and params["on_failure"] == "fail":
        errors = [result["error"] for result in failed]
        summary = NovellaError(" ".join(f"{error['message']} {error['remedy']}".strip() for error in errors))
        summary.code = errors[0]["code"]
        fail(module, summary, **outcome)
    module.exit_json(**outcome)


if __name__ == "__main__":
    main()
