# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.aggregate import split_values
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.image_properties import read_properties


class AggregateImagePropertiesIsolation(BaseHostFilter):
    """Only hosts whose aggregates take such images (Nova's AggregateImagePropertiesIsolation).

    Where an aggregate's metadata has the name of an image property, the property's value must be among the values of
    that key over all aggregates of the host, split at commas. As in Nova, only the properties that Nova knows count,
    by their present names; and an image without the property, or with a zero or false one, passes, so that such hosts
    are not kept for the others. With `aggregate_image_properties_isolation_namespace` only keys that begin with it and
    with `aggregate_image_properties_isolation_separator` count.
    """

    run_filter_once_per_request = True

    def concerns(self, spec: RequestSpec) -> bool:
        return spec.image is not None and bool(spec.image.properties)

    def host_key(self, host_state: HostState) -> Hashable:
        return frozenset(aggregate.name for aggregate in host_state.aggregates)

    def request_key(self, spec: RequestSpec) -> Hashable:
        return tuple(sorted((key, str(value)) for key, value in read_properties(spec.image).items() if value))

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        for key, value in read_properties(spec.image).items():
            if not value or not key.startswith(self._prefix()):
                continue
            taken = split_values(host_state.aggregates, key)
            if taken and str(value) not in taken:
                return Reason(f"takes only images whose {key} is {' or '.join(sorted(taken))}, not {value}")
        return None

    def _prefix(self) -> str:
        namespace = self.options.aggregate_image_properties_isolation_namespace
        return namespace + self.options.aggregate_image_properties_isolation_separator if namespace else ""
