# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: guest_contents
author: The Novella team (@novella-compute)
version_added: 0.1.0
short_description: Get the files and vendor data that the actions of a plan hand to guests
description:
  - Plans hold the digests of what guests are handed, never the contents, as they may be secrets. This lookup gets the
    contents from the fleet at the moment when they are sent to a host.
  - Pass its answer to an option that is not logged.
options:
  _terms:
    description:
      - The fleet that the plan was made from, as the path of a file or of a folder of files, or as a mapping. The
        inventory variable C(novella_fleet) is merged with it, and suffices on its own.
    type: list
    elements: raw
    required: false
  actions:
    description:
      - A host's slice of the plan. The fleet is only read when one of these actions hands a guest any.
    type: list
    elements: dict
    required: true
seealso:
  - module: novella.compute.reconcile
  - plugin: novella.compute.user_data
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Do this host's part of the plan
  novella.compute.reconcile:
    actions: "{{ slice }}"
    contents: "{{ lookup('novella.compute.guest_contents', 'fleet.yml', actions=slice) }}"
  vars:
    slice: "{{ novella_plan.slices[inventory_hostname] }}"
"""

RETURN = r"""
_raw:
  description: One mapping from SHA-256 digest to content in base64.
  type: list
  elements: dict
"""

import base64
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid, PlanOutdated
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import read_fleet, read_group, to_plain
from ansible_collections.novella.compute.plugins.plugin_utils.controller_lookup import read_options, speaking_ansible

BUILDING = ("create", "rebuild")


class LookupModule(LookupBase):
    """The door to what config drives hold."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, str]]:
        variables = variables or {}
        with speaking_ansible():
            read_options(self, variables, kwargs)
            if len(terms) > 1:
                raise OptionInvalid(f"The lookup novella.compute.guest_contents takes one fleet, not {len(terms)}.")
            wanted = list(_wanted(to_plain(self.get_option("actions"), "actions")))
            if not wanted:
                return [{}]
            from ansible_collections.novella.compute.plugins.plugin_utils.fleet.expansion import expand

            group = read_group(None, variables, self._templar)
            known: dict[str, bytes] = {}
            for item in expand(read_fleet(terms[0] if terms else None, variables, self._templar, group)):
                known.update(item.contents)
            for action, digest in wanted:
                # A guest that is there has it on its config drive, if it is what that has been told before.
                if digest not in known and action["operation"] in BUILDING:
                    raise PlanOutdated(
                        f"What the guest of {action['name']} is handed has changed since the plan was made.",
                        "Nothing was done on this host. Make a new plan.",
                    )
            needed = {digest for _action, digest in wanted} & known.keys()
            return [{digest: base64.b64encode(known[digest]).decode("ascii") for digest in sorted(needed)}]


def _wanted(actions: list[dict[str, Any]]) -> Any:
    """Yield each action with the digest of each content that it needs."""
    for action in actions:
        guest = (action.get("spec") or {}).get("guest") or {}
        for file in guest.get("files") or []:
            yield action, file["sha256"]
        if guest.get("vendor_data_sha256"):
            yield action, guest["vendor_data_sha256"]
