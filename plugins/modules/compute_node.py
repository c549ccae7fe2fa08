# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_node
short_description: Say whether a compute node takes new instances
version_added: 0.1.0
author:
  - The Novella team (@novella-compute)
description:
  - Enables or disables the host for new instances, and says whether it is in maintenance. The scheduler passes by a
    host that is disabled or in maintenance, and the host itself refuses every claim, whichever controller makes it.
  - Its guests stay as they are. They can be started, stopped, changed and deleted as ever.
  - What is said is remembered on the host, until something else is said. It works while the hypervisor does not answer.
  - This is C(set_host_enabled) of OpenStack Nova, and the half of C(host_maintenance_mode) that moves no guests.
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
  enabled:
    description:
      - Whether the host takes new instances. Left out, it stays as it is.
    type: bool
  disabled_reason:
    description:
      - Why not, for people; at most 255 letters. Plans and refusals show it. Only with O(enabled=false). Left out, a
        disabled host keeps the reason that it has.
    type: str
  maintenance:
    description:
      - Whether the host is being worked on. It then takes no new instances either, enabled or not, and the two are
        changed apart from each other. Left out, it stays as it is.
    type: bool
  reset_failed_builds:
    description:
      - Forget the builds that failed, so that the scheduler prefers other hosts no more. A build that does not fail
        does the same.
    type: bool
    default: false
seealso:
  - module: novella.compute.compute_node_facts
  - module: novella.compute.instance_info
"""

EXAMPLES = r"""
- name: Let no new instances onto the host
  novella.compute.compute_node:
    enabled: false
    disabled_reason: waits for a new fan

- name: Say that somebody works on it
  novella.compute.compute_node:
    maintenance: true

- name: Put it back to use
  novella.compute.compute_node:
    enabled: true
    maintenance: false
    reset_failed_builds: true
"""

RETURN = r"""
service:
  description: The host's service record. In check mode, as it would be.
  returned: success
  type: dict
  contains:
    host:
      description: The host.
      type: str
      sample: kvm1
    disabled:
      description: Whether it is disabled.
      type: bool
      sample: true
    disabled_reason:
      description: Why; V(none) where nobody said.
      type: str
      sample: waits for a new fan
    maintenance:
      description: Whether it is in maintenance.
      type: bool
      sample: false
    updated_at:
      description: When one of these was changed last; V(none) for never.
      type: str
      sample: "2026-11-21T10:15:30.123456Z"
    failed_builds:
      description: How many builds failed since the last that did not.
      type: int
      sample: 0
changes:
  description: What was changed, or in check mode would be, each with C(field), C(before) and C(after).
  returned: success
  type: list
  elements: dict
  sample:
    - {field: disabled, before: false, after: true}
    - {field: disabled_reason, before: null, after: waits for a new fan}
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.compute.service import ServiceWish
from ..module_utils.door import compute_manager
from ..module_utils.host_arguments import host_argument_spec

SHOWN = ("disabled", "disabled_reason", "maintenance", "failed_builds")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **host_argument_spec(),
            "enabled": {"type": "bool"},
            "disabled_reason": {"type": "str"},
            "maintenance": {"type": "bool"},
            "reset_failed_builds": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    host = module.params["host"]
    names = ("enabled", "disabled_reason", "maintenance", "reset_failed_builds")
    wish = ServiceWish(**{name: module.params[name] for name in names})
    with compute_manager(module, recovers=False) as manager:
        change = manager.predict_service if module.check_mode else manager.change_service
        before, after = (state.as_dict(host) for state in change(wish))
    changes = [
        {"field": name, "before": before[name], "after": after[name]} for name in SHOWN if before[name] != after[name]
    ]
    diff = {side: {change["field"]: change[side] for change in changes} for side in ("before", "after")}
    module.exit_json(
        changed=bool(changes),
        service=after,
        changes=changes,
        diff={"before_header": host, "after_header": host, **diff},
    )


if __name__ == "__main__":
    main()
