# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads placement requests as a user writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput, nearest
from ansible_collections.novella.compute.plugins.module_utils.objects.identity import instance_uuid
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import InstanceGroup, RequestSpec

# Users say server group, as the fleet does; Nova's request spec says instance group.
# What is derived from the flavor and the image is nobody's to write.
DERIVED = ("numa_topology", "pci_requests")
KEYS = [
    "server_group" if field.name == "instance_group" else field.name
    for field in fields(RequestSpec)
    if field.name not in DERIVED
]


def read_requests(terms: list[Any]) -> list[RequestSpec]:
    """Build the requests.

    Args:
        terms: Mappings with the keys of RequestSpec, or lists of them. Plain data.

    Raises:
        InvalidInput: A request is malformed, or two are for the same instance.
    """
    flat = [item for term in terms for item in (term if isinstance(term, list) else [term])]
    requests: dict[str, RequestSpec] = {}
    for index, data in enumerate(flat):
        request = _read(data, f"requests[{index}]")
        if request.instance_uuid in requests:
            raise InvalidInput(f"requests[{index}] asks for instance {request.name} a second time.")
        requests[request.instance_uuid] = request
    return list(requests.values())


def _read(data: Any, where: str) -> RequestSpec:
    if not isinstance(data, Mapping):
        raise InvalidInput(f"{where} must be a mapping, not {type(data).__name__}.")
    for key in data:
        if key not in KEYS:
            raise InvalidInput(
                f"{where} has the unknown key '{key}'.{nearest(key, KEYS)}", f"Known: {', '.join(KEYS)}."
            )
    content = dict(data)
    group = content.pop("server_group", None)
    if group is not None:
        content["instance_group"] = InstanceGroup.from_dict(group, f"{where}.server_group")
    if content.get("instance_uuid") is None:
        project, name = content.get("project_id", "default"), content.get("name", "")
        content["instance_uuid"] = instance_uuid("default", str(project), str(name))
    return RequestSpec.from_dict(content, where)
