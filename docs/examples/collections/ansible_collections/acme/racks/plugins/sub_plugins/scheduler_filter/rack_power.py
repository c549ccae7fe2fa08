# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Optional

from ansible_collections.novella.compute.plugins.module_utils.objects.ingredients import Flavor
from ansible_collections.novella.compute.plugins.module_utils.objects.request_spec import RequestSpec
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.filters import BaseHostFilter, Reason
from ansible_collections.novella.compute.plugins.plugin_utils.scheduler.host_state import HostState

WATTS_PER_VCPU = 25


class RackPower(BaseHostFilter):
    """Only hosts that can feed one more instance from their share of the rack's power.

    The share is the host's label ``watts``; a host without one may draw what it likes. An instance draws what the extra
    spec ``acme:watts`` of its flavor says, or 25 W for each of its vCPUs.
    """

    def refusal(self, host_state: HostState, spec: RequestSpec) -> Optional[Reason]:
        if "watts" not in host_state.labels:
            return None
        share = int(host_state.labels["watts"])
        drawn = sum(watts_of(instance.spec.flavor) for instance in host_state.instances.values())
        wanted = watts_of(spec.flavor)
        missing = drawn + wanted - share
        if missing <= 0:
            return None
        return Reason(f"lacks {missing} W of power", f"{share - drawn} of {share} W free", missing / wanted)


def watts_of(flavor: Flavor) -> int:
    """Return what an instance of the flavor draws, in W."""
    return int(flavor.extra_specs.get("acme:watts", flavor.vcpus * WATTS_PER_VCPU))
