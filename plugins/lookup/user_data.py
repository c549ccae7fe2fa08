# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: user_data
author: The Novella team (@novella-compute)
version_added: 0.1.0
short_description: Get the user data that the actions of a plan need
description:
  - Plans hold the digest of an instance's user data, never the data itself, as it may hold secrets. This lookup gets
    the data from the fleet at the moment when it is sent to a host.
  - Passphrases of encrypted volumes come with it, for the actions that make or attach one.
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
      - A host's slice of the plan. The fleet is only read when one of these actions creates or rebuilds an instance
        with user data, or makes or attaches an encrypted volume.
    type: list
    elements: dict
    required: true
seealso:
  - module: novella.compute.reconcile
"""

EXAMPLES = r"""
- name: Do this host's part of the plan
  novella.compute.reconcile:
    actions: "{{ slice }}"
    user_data: "{{ lookup('novella.compute.user_data', 'fleet.yml', actions=slice) }}"
  vars:
    slice: "{{ novella_plan.slices[inventory_hostname] }}"
"""

RETURN = r"""
_raw:
  description:
    - One mapping from uuid to user data in base64, with the instances that have any; and from the uuids of encrypted
      volumes to their passphrases.
  type: list
  elements: dict
"""

import base64
import hashlib
from typing import Any

from ansible.plugins.lookup import LookupBase
from ansible_collections.novella.compute.plugins.module_utils.objects.errors import OptionInvalid, PlanOutdated
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import volume_uuid
from ansible_collections.novella.compute.plugins.plugin_utils.controller_input import read_fleet, read_group, to_plain
from ansible_collections.novella.compute.plugins.plugin_utils.controller_lookup import read_options, speaking_ansible

BUILDING = ("create", "rebuild")


class LookupModule(LookupBase):
    """The door to the fleet's secrets."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, str]]:
        variables = variables or {}
        with speaking_ansible():
            read_options(self, variables, kwargs)
            if len(terms) > 1:
                raise OptionInvalid(f"The lookup novella.compute.user_data takes one fleet, not {len(terms)}.")
            wanted = _digests(to_plain(self.get_option("actions"), "actions"))
            encrypted = _encrypted(to_plain(self.get_option("actions"), "actions"))
            if not wanted and not encrypted:
                return [{}]
            group = read_group(None, variables, self._templar)
            fleet = read_fleet(terms[0] if terms else None, variables, self._templar, group)
            return [{**self._find(fleet, wanted), **find_passphrases(fleet, encrypted)}]

    def _find(self, fleet: Any, wanted: dict[str, str]) -> dict[str, str]:
        from ansible_collections.novella.compute.plugins.plugin_utils.fleet.expansion import expand

        found = {}
        for item in expand(fleet) if wanted else ():
            if item.uuid not in wanted:
                continue
            data = item.user_data or b""
            if hashlib.sha256(data).hexdigest() != wanted[item.uuid]:
                raise PlanOutdated(
                    f"The user data of {item.spec.name} has changed since the plan was made.",
                    "Nothing was done on this host. Make a new plan.",
                )
            found[item.uuid] = base64.b64encode(data).decode("ascii")
        if missing := sorted(wanted.keys() - found.keys()):
            raise PlanOutdated(
                f"The fleet does not declare the instances {', '.join(missing)} any more, whose user data is wanted.",
                "Nothing was done on this host. Make a new plan.",
            )
        return found


def _digests(actions: list[dict[str, Any]]) -> dict[str, str]:
    """Return the digest of the user data by uuid, of instances that are to be created or rebuilt with any."""
    specs = {action["uuid"]: action.get("spec") or {} for action in actions if action.get("operation") in BUILDING}
    return {uuid: spec["user_data_sha256"] for uuid, spec in specs.items() if spec.get("user_data_sha256")}


def find_passphrases(fleet: Any, wanted: dict[str, str]) -> dict[str, str]:
    """Return the passphrases of volumes in base64, by uuid.

    Args:
        wanted: The volumes' names, by uuid.
    """
    found = {
        volume_uuid(fleet.name, fleet.project_id, volume.name): volume.passphrase for volume in fleet.volumes.values()
    }
    if missing := sorted(name for uuid, name in wanted.items() if not found.get(uuid)):
        raise PlanOutdated(
            f"The fleet does not declare the encrypted volumes {', '.join(missing)} any more.",
            "Nothing was done on this host. Make a new plan.",
        )
    return {uuid: base64.b64encode(found[uuid] or b"").decode("ascii") for uuid in wanted}


def _encrypted(actions: list[dict[str, Any]]) -> dict[str, str]:
    """Return the names of the encrypted volumes that are to be made or attached, by uuid."""
    volumes = []
    for action in actions:
        if action.get("operation") == "create":
            volumes += (action.get("spec") or {}).get("volumes") or []
        elif action.get("operation") == "attach_volume":
            volumes.append(action["volume"])
    return {item["uuid"]: item["name"] for item in volumes if item.get("encrypted")}
