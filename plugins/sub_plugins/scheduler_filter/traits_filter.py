# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.compute.resource_request import requested_resources
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class TraitsFilter(BaseHostFilter):
    """Only hosts with every trait that flavor or image require, and none that they forbid. Nova leaves it to Placement.

    ``trait:T=required`` and ``trait:T=forbidden`` stand in a flavor's extra specs and an image's properties. A trait of
    a granular group counts for the host as a whole, which is the only provider.
    """

    run_filter_once_per_request = True
    run_on_forced = True

    def concerns(self, spec: RequestSpec) -> bool:
        request = requested_resources(spec.flavor, spec.image)
        return bool(request.required or request.forbidden)

    def host_key(self, host_state: HostState) -> Hashable:
        return host_state.traits

    def request_key(self, spec: RequestSpec) -> Hashable:
        request = requested_resources(spec.flavor, spec.image)
        return request.required, request.forbidden

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        request = requested_resources(spec.flavor, spec.image)
        missing = sorted(request.required - host_state.traits)
        unwanted = sorted(request.forbidden & host_state.traits)
        words = [f"lacks trait {' and '.join(missing)}"] if missing else []
        words += [f"has the forbidden trait {' and '.join(unwanted)}"] if unwanted else []
        if not words:
            return None
        asked = len(request.required) + len(request.forbidden)
        return Reason(" and ".join(words), margin=(len(missing) + len(unwanted)) / asked)
