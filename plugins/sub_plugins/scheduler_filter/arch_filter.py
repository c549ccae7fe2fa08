# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class ArchFilter(BaseHostFilter):
    """Only hosts that can run the image's architecture (Nova's ArchFilter of the Essex release).

    The image names it as `hw_architecture` or `architecture`, spelled as the host does. One that names none has no
    valid host, as in Nova; ImagePropertiesFilter took this filter's place and is kinder. A host lists what it
    permits as `permitted_instance_types` of its CPU information, or else in `supported_instances`.
    """

    def host_key(self, host_state: HostState) -> Hashable:
        return frozenset(_permitted(host_state))

    def request_key(self, spec: RequestSpec) -> Hashable:
        return _wanted(spec)

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        wanted = _wanted(spec)
        if wanted is None:
            return Reason("is not to be had by an image that names no architecture")
        permitted = _permitted(host_state)
        if wanted in permitted:
            return None
        return Reason(f"runs {' and '.join(sorted(permitted)) or 'no known architecture'}, not {wanted}")


def _wanted(spec: RequestSpec) -> Optional[str]:
    properties = spec.image.properties if spec.image else {}
    return properties.get("hw_architecture", properties.get("architecture"))


def _permitted(host_state: HostState) -> set[str]:
    permitted = host_state.cpu_info.get("permitted_instance_types")
    if permitted is not None:
        return {str(name) for name in permitted}
    return {triple[0] for triple in host_state.supported_instances if triple}
