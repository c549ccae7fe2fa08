# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Hashable
from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState


class IsolatedHostsFilter(BaseHostFilter):
    """Isolated images only on isolated hosts, and those for nothing else (Nova's IsolatedHostsFilter).

    `isolated_images` and `isolated_hosts` name them. Other images may go to isolated hosts where
    `restrict_isolated_hosts_to_isolated_images` is false. An instance without an image has no isolated one.
    Nova: images go by their ids; here by their names, which are what identifies them in a fleet.
    """

    run_filter_once_per_request = True

    def host_key(self, host_state: HostState) -> Hashable:
        return host_state.host in self.options.isolated_hosts

    def request_key(self, spec: RequestSpec) -> Hashable:
        return self._is_isolated(spec)

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        is_isolated_host = host_state.host in self.options.isolated_hosts
        if self._is_isolated(spec) and not is_isolated_host:
            return Reason("is not isolated, and the image is")
        if is_isolated_host and not self._is_isolated(spec) and self.options.restrict_isolated_hosts_to_isolated_images:
            return Reason("is isolated, and the image is not")
        return None

    def _is_isolated(self, spec: RequestSpec) -> bool:
        return spec.image is not None and spec.image.name in self.options.isolated_images
