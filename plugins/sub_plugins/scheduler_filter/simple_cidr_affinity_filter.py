# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Hashable
from typing import Optional, Union

from ansible_collections.novella.compute.plugins.module_utils.objects.errors import InvalidInput
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.hints import text_hint
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


class SimpleCIDRAffinityFilter(BaseHostFilter):
    """Only hosts whose address is near another (Nova's SimpleCIDRAffinityFilter).

    The scheduler hint ``build_near_host_ip`` names that address, and ``cidr`` how much of it must be the same: ``/24``
    if it is left out. Nova: a host without an address stops the request, here it is refused; and a ``cidr`` without
    its slash becomes part of the address, here it is an error.
    """

    run_filter_once_per_request = True

    def concerns(self, spec: RequestSpec) -> bool:
        return text_hint(spec, "build_near_host_ip") is not None

    def host_key(self, host_state: HostState) -> Hashable:
        return host_state.host_ip

    def request_key(self, spec: RequestSpec) -> Hashable:
        return _network(spec)

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        network = _network(spec)
        if network is None:
            return None
        try:
            address = ipaddress.ip_address(host_state.host_ip or "")
        except ValueError:
            return Reason(f"has no known address, which should be in {network}")
        return None if address in network else Reason(f"has the address {address}, which is not in {network}")


def _network(spec: RequestSpec) -> Optional[Network]:
    near = text_hint(spec, "build_near_host_ip")
    return _read(near, str(text_hint(spec, "cidr", "/24"))) if near else None


@functools.lru_cache(maxsize=512)
def _read(near: str, cidr: str) -> Network:
    try:
        ipaddress.ip_address(near)
    except ValueError:
        raise InvalidInput(f"The scheduler hint build_near_host_ip is {near!r:.60}, which is no IP address.") from None
    if not cidr.startswith("/"):
        raise InvalidInput(f"The scheduler hint cidr is {cidr!r:.60}, without a slash.", "Write it as '/24'.")
    try:
        return ipaddress.ip_network(near + cidr, strict=False)
    except ValueError:
        raise InvalidInput(f"The scheduler hint cidr is {cidr!r:.60}, which no network of {near} has.") from None
